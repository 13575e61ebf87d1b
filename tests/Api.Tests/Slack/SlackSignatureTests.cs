using System.Text;
using DbAccess.Api.Slack;
using DbAccess.Api.Slack.Door;
using DbAccess.Domain;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Api.Tests.Slack;

public sealed class SlackSignatureTests
{
    // Slack's own published example; its secret is no hex on purpose.
    private const string Official = "8f742231b10e8888abcd99yyyzzz85a5";
    private const string At = "1531420618";
    private const string Body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    private const string Given = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    [Theory]
    [InlineData(0, true)]
    [InlineData(300, true)]
    [InlineData(301, false)]
    [InlineData(-300, true)]
    [InlineData(-301, false)]
    [InlineData(7200, false)]
    public void Slacks_own_example_holds_for_five_minutes_either_way(int seconds, bool genuine) =>
        Assert.Equal(genuine, Verify(seconds: seconds));

    [Theory]
    [InlineData("1531420618 ")]
    [InlineData(" 1531420618")]
    [InlineData("+1531420618")]
    [InlineData("1531420618.0")]
    [InlineData("1.5e9")]
    [InlineData("١٥٣١٤٢٠٦١٨")]
    [InlineData("-1531420618")]
    [InlineData("9999999999999999999")]
    [InlineData("")]
    [InlineData(null)]
    public void A_time_that_is_not_plain_digits_is_refused(string? timestamp) => Assert.False(Verify(timestamp: timestamp));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("v0=")]
    [InlineData("v1=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")]
    [InlineData("V0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")]
    [InlineData("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b50")]
    [InlineData("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b5030")]
    [InlineData("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b504")]
    [InlineData("v0=g2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")]
    [InlineData("v0=0000000000000000000000000000000000000000000000000000000000000000")]
    public void A_signature_of_another_shape_or_value_is_refused(string? signature) => Assert.False(Verify(signature: signature));

    [Fact]
    public void Hex_digits_may_be_capitals() => Assert.True(Verify(signature: "v0=" + Given[3..].ToUpperInvariant()));

    [Fact]
    public void One_changed_byte_of_the_body_is_a_forgery() => Assert.False(Verify(body: Body.Replace("roadrunner", "roadrunneR", StringComparison.Ordinal)));

    [Fact]
    public void Each_secret_of_the_list_opens_and_no_other()
    {
        Assert.True(Verify(secrets: ["next-secret", Official]));
        Assert.True(Verify(secrets: [Official, "next-secret"]));
        Assert.False(Verify(secrets: ["next-secret", "older-secret"]));
    }

    [Fact]
    public void Without_a_secret_there_is_no_door() => Assert.Throws<ArgumentException>(() => new SlackSignature([], TimeProvider.System));

    private static bool Verify(int seconds = 0, string? timestamp = At, string? signature = Given, string body = Body, string[]? secrets = null)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1531420618 + seconds));
        return new SlackSignature([.. (secrets ?? [Official]).Select(secret => new Secret(secret))], clock).Verify(Encoding.UTF8.GetBytes(body), timestamp, signature);
    }
}
