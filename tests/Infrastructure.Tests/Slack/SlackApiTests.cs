using System.Diagnostics;
using System.Text.Json.Nodes;
using DbAccess.Domain;
using DbAccess.Infrastructure.Slack;
using DbAccess.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class SlackApiTests
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"ok":false,"error":"invalid_auth"}""", 200, SlackFault.Configuration, "invalid_auth")]
    [InlineData("""{"ok":false,"error":"missing_scope","needed":"im:write","provided":"commands,chat:write"}""", 200, SlackFault.Configuration, "missing_scope")]
    [InlineData("""{"ok":false,"error":"fatal_error"}""", 200, SlackFault.Transient, "fatal_error")]
    [InlineData("""{"ok":false,"error":"channel_not_found"}""", 200, SlackFault.TargetGone, "channel_not_found")]
    [InlineData("""{"ok":false,"error":"restricted_action_read_only_channel"}""", 200, SlackFault.TargetGone, "restricted_action_read_only_channel")]
    [InlineData("""{"ok":false,"error":"expired_trigger_id"}""", 200, SlackFault.Race, "expired_trigger_id")]
    [InlineData("""{"ok":false,"error":"trigger_expired"}""", 200, SlackFault.Race, "trigger_expired")]
    [InlineData("""{"ok":false,"error":"exchanged_trigger_id"}""", 200, SlackFault.Race, "exchanged_trigger_id")]
    [InlineData("""{"ok":false,"error":"hash_conflict"}""", 200, SlackFault.Race, "hash_conflict")]
    [InlineData("""{"ok":false,"error":"invalid_arguments","response_metadata":{"messages":["[ERROR] `trigger_id` expired [json-pointer:/trigger_id]"]}}""", 200, SlackFault.Race, "trigger_expired")]
    [InlineData("""{"ok":false,"error":"invalid_blocks","errors":["must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]}""", 200, SlackFault.OurBug, "invalid_blocks")]
    [InlineData("""{"ok":false,"error":"invalid_blocks","errors":[{"message":"x","pointer":"/blocks/1"}]}""", 200, SlackFault.OurBug, "invalid_blocks")]
    [InlineData("""{"ok":false,"error":"invalid_blocks","errors":7,"response_metadata":{"messages":"odd"}}""", 200, SlackFault.OurBug, "invalid_blocks")]
    [InlineData("""{"ok":false,"error":"invalid_blocks","errors":null,"response_metadata":[]}""", 200, SlackFault.OurBug, "invalid_blocks")]
    [InlineData("""{"ok":false,"error":"something_of_2031"}""", 200, SlackFault.OurBug, "something_of_2031")]
    [InlineData("""{"ok":false,"error":"Not a code, but a sentence"}""", 200, SlackFault.OurBug, "unreadable_code")]
    [InlineData("""{"ok":false,"error":{"code":1}}""", 200, SlackFault.Transient, "unreadable_answer")]
    [InlineData("""{"ok":false,"error":"\ud800"}""", 200, SlackFault.Transient, "unreadable_answer")]
    [InlineData("""{"ok":"true"}""", 200, SlackFault.Transient, "unreadable_answer")]
    [InlineData("", 200, SlackFault.Transient, "unreadable_answer")]
    [InlineData("""{"ok":tr""", 200, SlackFault.Transient, "unreadable_answer")]
    [InlineData("[]", 200, SlackFault.Transient, "unreadable_answer")]
    [InlineData("<html>busy</html>", 503, SlackFault.Transient, "http_503")]
    [InlineData("""{"ok":true}""", 502, SlackFault.Transient, "http_502")]
    [InlineData("<html>who are you</html>", 403, SlackFault.Configuration, "http_403")]
    [InlineData("Not found", 404, SlackFault.OurBug, "http_404")]
    public async Task An_answer_is_told_by_what_it_means(string body, int status, object fault, string code)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("chat.postMessage", body, status);

        var failed = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop));

        Assert.Equal((SlackFault)fault, failed.Fault);
        Assert.Equal(code, failed.Code);
        Assert.Single(slack.Calls);
    }

    [Fact]
    public async Task A_pause_for_one_channel_is_that_channels_and_several_at_once_are_the_workspaces()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        JsonObject To(int channel) => new() { ["channel"] = $"D{channel}", ["text"] = "x" };
        async Task<bool> PostsAsync(int channel) => await bench.Api.CallAsync("chat.postMessage", To(channel), TimeSpan.Zero, Stop) is SlackAnswer.Ok;

        for (var channel = 1; channel <= 3; channel++)
        {
            slack.Says("chat.postMessage", """{"ok":false,"error":"ratelimited"}""", 429, retryAfter: "30");
            Assert.False(await PostsAsync(channel));
            Assert.False(await PostsAsync(channel));
            Assert.True(await PostsAsync(100 + channel));
        }

        slack.Says("chat.postMessage", """{"ok":false,"error":"ratelimited"}""", 429, retryAfter: "30");
        Assert.False(await PostsAsync(4));
        Assert.False(await PostsAsync(200));
    }

    [Fact]
    public async Task A_missing_scope_is_named()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("conversations.open", """{"ok":false,"error":"missing_scope","needed":"im:write","provided":"commands"}""");

        var failed = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("conversations.open", [], TimeSpan.Zero, Stop));

        Assert.Contains("im:write", failed.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData(null, 30)]
    [InlineData("soon", 30)]
    [InlineData("86400", 300)]
    [InlineData("99999999999999999999", 30)]
    [InlineData("0", 1)]
    [InlineData("-5", 30)]
    [InlineData("Thu, 01 Jan 2026 00:00:45 GMT", 45)]
    [InlineData("Thu, 01 Jan 2015 00:00:00 GMT", 1)]
    public async Task A_rate_limit_says_how_long_and_is_not_believed_beyond_reason(string? retryAfter, int seconds)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56)));
        slack.Says("chat.postMessage", """{"ok":false,"error":"ratelimited"}""", 429, retryAfter: retryAfter);

        var failed = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop));

        Assert.Equal(SlackFault.BackOff, failed.Fault);
        Assert.Equal(TimeSpan.FromSeconds(seconds), failed.RetryAfter);
    }

    [Fact]
    public async Task A_rate_limited_method_rests_and_the_others_do_not()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, clock);
        slack.Says("chat.postMessage", """{"ok":false,"error":"rate_limited"}""", 200, retryAfter: "30");
        await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop);

        var resting = await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop);
        var other = await bench.Api.CallAsync("chat.update", [], TimeSpan.Zero, Stop);
        clock.Advance(TimeSpan.FromSeconds(31));
        var rested = await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop);

        Assert.Equal(TimeSpan.FromSeconds(30), Assert.IsType<SlackAnswer.Failed>(resting).RetryAfter);
        Assert.IsType<SlackAnswer.Ok>(other);
        Assert.IsType<SlackAnswer.Ok>(rested);
        Assert.Equal(2, slack.CallsOf("chat.postMessage").Count);
    }

    [Fact]
    public async Task With_patience_a_rate_limited_call_is_made_again()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("chat.postMessage", """{"ok":false,"error":"ratelimited"}""", 429, retryAfter: "1");
        var started = Stopwatch.GetTimestamp();

        var answer = await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.FromSeconds(5), Stop);

        Assert.IsType<SlackAnswer.Ok>(answer);
        Assert.True(Stopwatch.GetElapsedTime(started) >= TimeSpan.FromSeconds(0.99));
        Assert.Equal(2, slack.Calls.Count);
    }

    [Fact]
    public async Task Nothing_is_sent_twice_when_a_warm_connection_is_cut()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        await bench.Api.CallAsync("auth.test", [], TimeSpan.Zero, Stop);
        slack.Cuts("chat.postMessage");

        var failed = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("chat.postMessage", new JsonObject { ["text"] = "x" }, TimeSpan.Zero, Stop));

        Assert.Equal((SlackFault.Transient, "no_answer"), (failed.Fault, failed.Code));
        Assert.Single(slack.CallsOf("chat.postMessage"));
    }

    [Fact]
    public async Task An_answer_that_is_cut_off_tells_nothing()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.CutsAnswer("chat.postMessage");

        var failed = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop));

        Assert.Equal(SlackFault.Transient, failed.Fault);
    }

    [Fact]
    public async Task An_answer_that_does_not_unpack_or_does_not_end_tells_nothing()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Garbles("chat.postMessage").Says("chat.postMessage", "{\"ok\":true,\"x\":\"" + new string('x', 5_000_000) + "\"}");

        var garbled = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop));
        var endless = Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop));

        Assert.Equal((SlackFault.Transient, "no_answer"), (garbled.Fault, garbled.Code));
        Assert.Equal((SlackFault.Transient, "answer_too_long"), (endless.Fault, endless.Code));
    }

    [Fact]
    public async Task A_done_call_with_a_warning_is_done_and_the_warning_is_logged()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("chat.postMessage", """{"ok":true,"warning":"message_truncated","response_metadata":{"warnings":["message_truncated"]}}""");

        Assert.IsType<SlackAnswer.Ok>(await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop));

        Assert.Contains(bench.Log.Lines, line => line.Contains("message_truncated", StringComparison.Ordinal) && line.Contains("req-4711", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_place_of_a_fault_and_Slacks_own_number_are_logged()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("chat.postMessage", """{"ok":false,"error":"invalid_blocks","errors":[1],"response_metadata":{"messages":["[ERROR] must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]}}""");

        await bench.Api.CallAsync("chat.postMessage", [], TimeSpan.Zero, Stop);

        Assert.Contains(bench.Log.Lines, line => line.Contains("/blocks/1/text/text", StringComparison.Ordinal) && line.Contains("req-4711", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("views.open", 1.5)]
    [InlineData("chat.postMessage", 10)]
    public async Task Slack_is_waited_for_as_long_as_it_makes_sense(string method, double seconds)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, clock);
        slack.Hangs(method);

        var call = bench.Api.CallAsync(method, [], TimeSpan.Zero, Stop);
        while (slack.Calls.Count == 0) await Task.Delay(10, Stop);
        clock.Advance(TimeSpan.FromSeconds(seconds - 0.1));
        await Task.Delay(100, Stop);
        var before = call.IsCompleted;
        clock.Advance(TimeSpan.FromSeconds(0.2));
        var failed = Assert.IsType<SlackAnswer.Failed>(await call.WaitAsync(Patience.Limit, Stop));

        Assert.False(before);
        Assert.Equal((SlackFault.Transient, "timeout"), (failed.Fault, failed.Code));
    }

    [Fact]
    public async Task Whoever_cancels_is_told_so()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Hangs("chat.update");
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.Api.CallAsync("chat.update", [], TimeSpan.Zero, cancel.Token));
    }

    [Fact]
    public async Task Redirects_are_not_followed_with_our_token()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        await using var elsewhere = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("auth.test", "", 302, location: elsewhere.Address);

        Assert.IsType<SlackAnswer.Failed>(await bench.Api.CallAsync("auth.test", [], TimeSpan.Zero, Stop));

        Assert.Empty(elsewhere.Calls);
    }

    [Fact]
    public async Task Methods_that_do_not_read_JSON_get_a_form()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        await bench.Api.CallAsync("users.info", new JsonObject { ["user"] = "U0ENGINE1" }, TimeSpan.Zero, Stop);
        await bench.Api.CallAsync("chat.delete", new JsonObject { ["ts"] = "1" }, TimeSpan.Zero, Stop);

        Assert.Equal("application/x-www-form-urlencoded", slack.Calls[0].ContentType);
        Assert.Equal("U0ENGINE1", slack.Calls[0].Arguments["user"]!.GetValue<string>());
        Assert.Equal("application/json; charset=utf-8", slack.Calls[1].ContentType);
        Assert.All(slack.Calls, call => Assert.Equal("Bearer " + SlackBench.Token, call.Authorization));
    }

    [Theory]
    [InlineData("https://hooks.slack.com/commands/T1/2/abc", true)]
    [InlineData("https://hooks.slack-gov.com/actions/T1/2/abc", true)]
    [InlineData("http://hooks.slack.com/commands/T1/2/abc", false)]
    [InlineData("https://hooks.slack.com:8443/commands/T1/2/abc", false)]
    [InlineData("https://hooks.slack.com@evil.example/x", false)]
    [InlineData("https://user@hooks.slack.com/x", false)]
    [InlineData("https://hooks.slack.com.evil.example/x", false)]
    [InlineData("https://evil.example/hooks.slack.com", false)]
    [InlineData("https://169.254.169.254/latest/meta-data", false)]
    [InlineData("http://127.0.0.1:5080/x", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("not an address", false)]
    public void Answers_go_only_to_Slack(string url, bool allowed)
    {
        Assert.Equal(allowed, ResponseUrl.Check(new Secret(url), new Uri("https://slack.com/api/")) is not null);
    }

    [Theory]
    [InlineData("http://127.0.0.1:5080/commands/x", true)]
    [InlineData("http://127.0.0.1:5081/commands/x", false)]
    [InlineData("https://127.0.0.1:5080/commands/x", false)]
    [InlineData("http://localhost:5080/commands/x", false)]
    [InlineData("https://hooks.slack.com/commands/T1/2/abc", true)]
    public void A_stand_in_on_this_machine_may_hand_out_its_own_addresses(string url, bool allowed)
    {
        Assert.Equal(allowed, ResponseUrl.Check(new Secret(url), new Uri("http://127.0.0.1:5080/api/")) is not null);
    }
}
