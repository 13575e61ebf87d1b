using System.Text.Json;

namespace DbAccess.Domain.Tests;

public sealed class SecretTests
{
    private const string Value = "hunter2-hunter2-hunter2";

    [Fact]
    public void A_secret_does_not_print_by_any_of_the_usual_ways()
    {
        var secret = new Secret(Value);
        string[] prints =
        [
            secret.ToString(), $"{secret}", "" + secret, string.Format(null, "{0}", secret), new Held("erin", secret).ToString(),
            JsonSerializer.Serialize(secret), JsonSerializer.Serialize(new Held("erin", secret)), new InvalidOperationException($"failed with {secret}").ToString(),
        ];

        Assert.All(prints, print => Assert.DoesNotContain("hunter2", print, StringComparison.Ordinal));
        Assert.Equal(Value, secret.Reveal());
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void Nothing_is_not_a_secret(string? value) => Assert.Throws<ArgumentException>(() => new Secret(value!));

    [Fact]
    public void A_refusal_has_no_value_to_read()
    {
        Result<string> refused = new Error("some.code", "Some words.");

        var fault = Assert.Throws<InvalidOperationException>(() => refused.Value);

        Assert.Contains("some.code", fault.Message, StringComparison.Ordinal);
    }

    private sealed record Held(string Name, Secret Password);
}
