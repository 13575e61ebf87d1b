using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class SlackChatTests
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;
    private static readonly ChatMessage Hello = new("Hello there.", [new ChatPart.Text("Hello `there`.")]);
    private static readonly MessageRef Posted = new("D0ENGDM01", "1767225601.000200");

    [Fact]
    public async Task A_direct_message_goes_to_the_conversation_which_is_asked_for_once()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        var first = await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);
        await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);

        Assert.Equal(Posted, Assert.IsType<Post.Sent>(first).Message);
        Assert.Single(slack.CallsOf("conversations.open"));
        Assert.All(slack.CallsOf("chat.postMessage"), call => Assert.Equal("D0ENGDM01", call.Arguments["channel"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_conversation_that_is_gone_is_opened_anew()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);
        slack.Refuses("chat.postMessage", "channel_not_found");

        var post = await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);

        Assert.IsType<Post.Sent>(post);
        Assert.Equal(2, slack.CallsOf("conversations.open").Count);
    }

    [Theory]
    [InlineData("invalid_auth", typeof(Post.NotNow))]
    [InlineData("missing_scope", typeof(Post.NotNow))]
    [InlineData("user_disabled", typeof(Post.Never))]
    [InlineData("is_archived", typeof(Post.Never))]
    public async Task What_cannot_be_sent_is_said_with_its_code(string code, Type expected)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Refuses("chat.postMessage", code);

        var post = await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);

        Assert.IsType(expected, post);
        Assert.Contains(code, post.ToString(), StringComparison.Ordinal);
        Assert.Single(slack.CallsOf("chat.postMessage"));
    }

    [Fact]
    public async Task Blocks_that_Slack_refuses_are_followed_by_the_sentence_alone_once()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Refuses("chat.postMessage", "invalid_blocks").Refuses("chat.postMessage", "invalid_blocks");

        var post = await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);

        Assert.IsType<Post.Never>(post);
        var calls = slack.CallsOf("chat.postMessage");
        Assert.Equal([true, false], calls.Select(call => call.Arguments.ContainsKey("blocks")));
    }

    [Fact]
    public async Task A_notice_is_tried_twice_and_then_left_to_its_schedule()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Refuses("chat.postMessage", "internal_error").Cuts("chat.postMessage");

        var post = await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);

        Assert.IsType<Post.NotNow>(post);
        Assert.Equal(2, slack.CallsOf("chat.postMessage").Count);
    }

    [Fact]
    public async Task A_long_rate_limit_is_told_with_its_end()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("chat.postMessage", """{"ok":false,"error":"ratelimited"}""", 429, retryAfter: "90");

        var post = await bench.Chat.TellAsync(Some.Engineer, Hello, Stop);

        Assert.Equal(TimeSpan.FromSeconds(90), Assert.IsType<Post.NotNow>(post).RetryAfter);
    }

    [Fact]
    public async Task An_answer_uses_the_address_that_came_with_the_request_without_our_token()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("/commands/T/1/key", "ok", type: "text/plain");

        var post = await bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, "C0GENERAL", new Secret($"{slack.Address}commands/T/1/key")), Hello, Stop);

        Assert.IsType<Post.Sent>(post);
        var call = Assert.Single(slack.Calls);
        Assert.Null(call.Authorization);
        Assert.Equal("ephemeral", call.Arguments["response_type"]!.GetValue<string>());
        Assert.False(call.Arguments["replace_original"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData(404, "used_url")]
    [InlineData(302, "")]
    [InlineData(200, """{"ok":false,"error":"expired_url"}""")]
    public async Task When_the_address_is_used_up_only_the_person_sees_the_answer_in_the_channel(int status, string body)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("/commands/T/1/key", body, status, location: new Uri(slack.Address, "elsewhere"));

        var post = await bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, "C0GENERAL", new Secret($"{slack.Address}commands/T/1/key")), Hello, Stop);

        Assert.IsType<Post.Sent>(post);
        Assert.Equal(["/commands/T/1/key", "chat.postEphemeral"], slack.Calls.Select(call => call.Method));
        Assert.Equal("U0ENGINE1", slack.Calls[1].Arguments["user"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_address_that_is_not_Slacks_is_not_called()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        await using var evil = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        await bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, null, new Secret($"{evil.Address}commands/x")), Hello, Stop);

        Assert.Empty(evil.Calls);
        Assert.Single(slack.CallsOf("chat.postMessage"));
    }

    [Fact]
    public async Task Where_the_app_is_not_in_the_channel_the_answer_comes_as_a_direct_message()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Refuses("chat.postEphemeral", "not_in_channel");

        var post = await bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, "C0GENERAL", null), Hello, Stop);

        Assert.Equal(Posted, Assert.IsType<Post.Sent>(post).Message);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("D0ENGDM01")]
    public async Task In_a_direct_message_the_answer_is_one_too(string? channel)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        var post = await bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, channel, null), Hello, Stop);

        Assert.Equal(Posted, Assert.IsType<Post.Sent>(post).Message);
        Assert.Empty(slack.CallsOf("chat.postEphemeral"));
    }

    [Fact]
    public async Task Removing_blanks_and_then_deletes()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        var post = await bench.Chat.RemoveAsync(Posted, Stop);

        Assert.IsType<Post.Sent>(post);
        Assert.Equal(["chat.update", "chat.delete"], slack.Calls.Select(call => call.Method));
        Assert.Empty(slack.Calls[0].Arguments["blocks"]!.AsArray());
        Assert.Equal(Posted.Timestamp, slack.Calls[0].Arguments["ts"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("message_not_found", null, typeof(Post.Sent), 1)]
    [InlineData(null, "message_not_found", typeof(Post.Sent), 2)]
    [InlineData("edit_window_closed", null, typeof(Post.Sent), 2)]
    [InlineData(null, "cant_delete_message", typeof(Post.Never), 2)]
    [InlineData(null, "compliance_exports_prevent_deletion", typeof(Post.Never), 2)]
    [InlineData("cant_update_message", "cant_delete_message", typeof(Post.Never), 2)]
    [InlineData("invalid_auth", null, typeof(Post.NotNow), 1)]
    public async Task Removing_ends_well_when_nothing_is_left_to_see(string? update, string? delete, Type expected, int calls)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        if (update is not null) slack.Refuses("chat.update", update);
        if (delete is not null) slack.Refuses("chat.delete", delete);

        var post = await bench.Chat.RemoveAsync(Posted, Stop);

        Assert.IsType(expected, post);
        Assert.Equal(calls, slack.Calls.Count);
        if (post is Post.Never never) Assert.Contains(update is null ? "was blanked but not deleted" : "still there", never.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expired_trigger_id", typeof(Post.Never))]
    [InlineData("exchanged_trigger_id", typeof(Post.Never))]
    [InlineData("internal_error", typeof(Post.NotNow))]
    [InlineData("invalid_arguments", typeof(Post.Never))]
    public async Task A_form_is_opened_once_whatever_Slack_says(string code, Type expected)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Refuses("views.open", code);

        var post = await bench.Forms.OpenAsync(new Secret("1.2.trigger"), Form, Stop);

        Assert.IsType(expected, post);
        Assert.Single(slack.Calls);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("1767225600.ab12cd34", true)]
    public async Task A_form_is_redrawn_with_the_hash_it_had(string? hash, bool sent)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("views.update", """{"ok":true,"view":{"id":"V0DBVIEW01","state":{"values":[]}}}""");

        var post = await bench.Forms.RedrawAsync("V0DBVIEW01", hash, Form, Stop);
        slack.Refuses("views.update", "hash_conflict");
        var late = await bench.Forms.RedrawAsync("V0DBVIEW01", hash, Form, Stop);

        Assert.IsType<Post.Sent>(post);
        Assert.IsType<Post.Never>(late);
        Assert.Equal(sent, slack.Calls[0].Arguments.ContainsKey("hash"));
    }

    private static readonly ChatForm Form = new("request", "Database access", "Ask", "", [], [new FormField.Text("reason", "Reason", null, null, true, 1, 500)]);
}
