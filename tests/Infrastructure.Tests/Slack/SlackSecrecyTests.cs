using System.Text;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Slack;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class SlackSecrecyTests
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;
    private static readonly string[] Markers = [SlackBench.Password, SlackBench.Token, "marker-response-key", "marker.trigger"];

    [Fact]
    public async Task Nothing_secret_is_in_any_log_line_outcome_exception_or_notification()
    {
        var said = new StringBuilder();
        string[] bodies =
        [
            $$"""{"ok":true,"channel":"D0ENGDM01","ts":"1.2","message":{"text":"{{SlackBench.Password}}"},"warning":"{{SlackBench.Password}} and more"}""",
            $$"""{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] {{SlackBench.Password}} is odd [json-pointer:/blocks/1/text]"]},"errors":["{{SlackBench.Password}}"]}""",
            $$"""{"ok":false,"error":"bad {{SlackBench.Token}}","needed":"{{SlackBench.Password}} {{SlackBench.Token}}"}""",
            $"<html>{SlackBench.Password} {SlackBench.Token} marker-response-key</html>",
            "",
        ];
        foreach (var body in bodies)
        {
            foreach (var status in new[] { 200, 302, 404, 429, 503 })
            {
                await using var slack = await ScriptedSlack.StartAsync();
                using var bench = new SlackBench(slack.Api);
                await RunAsync(slack, bench, s => s.Says("chat.postMessage", body, status).Says("chat.postMessage", body, status).Says("/commands/marker-response-key", body, status).Says("views.open", body, status)
                    .Says("views.update", body, status).Says("chat.update", body, status).Says("conversations.history", Shown()), said);
                await using var another = await ScriptedSlack.StartAsync();
                using var reading = new SlackBench(another.Api);
                await RunAsync(another, reading, s => s.Says("conversations.history", body, status), said);
            }
        }

        await using (var slack = await ScriptedSlack.StartAsync())
        {
            using var bench = new SlackBench(slack.Api);
            await RunAsync(slack, bench, s => s.Cuts("chat.postMessage").Cuts("/commands/marker-response-key").Cuts("views.open"), said);
        }

        // Nobody listens there any more: the text of the failed connection would name the address.
        using (var bench = new SlackBench(new Uri("http://127.0.0.1:9/api/")))
        {
            await RunAsync(null, bench, _ => { }, said);
        }

        Assert.NotEqual(0, said.Length);
        Assert.All(Markers, marker => Assert.False(said.ToString().Contains(marker, StringComparison.Ordinal), "A secret was said."));
    }

    [Fact]
    public void What_Slack_answered_does_not_print()
    {
        var body = SlackJson.Parse(Encoding.UTF8.GetBytes($$"""{"text":"{{SlackBench.Password}}"}"""))!.Value;

        Assert.DoesNotContain(SlackBench.Password, new SlackAnswer.Ok(body, null).ToString(), StringComparison.Ordinal);
    }

    /// <summary>The message as Slack gives it back, password and all.</summary>
    private static string Shown() => new JsonObject
    {
        ["ok"] = true,
        ["messages"] = new JsonArray(new JsonObject
        {
            ["ts"] = "1.2", ["text"] = "ready", ["blocks"] = CredentialMessage.Draw(Some.Active(), SlackBench.Credential(Some.Active()))["blocks"]!.DeepClone(),
        }),
    }.ToJsonString();

    private static async Task RunAsync(ScriptedSlack? slack, SlackBench bench, Action<ScriptedSlack> script, StringBuilder said)
    {
        var grant = Some.Provisioning();
        if (slack is not null) script(slack);
        var url = new Secret($"{slack?.Address ?? new Uri("http://127.0.0.1:9/")}commands/marker-response-key");
        var form = new ChatForm("k", "t", "s", "", [new ChatPart.Text("x")], []);
        await TryAsync(async () => said.AppendLine((await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop)).ToString()), said);
        var shown = new Grant(Some.Active().State with { Password = new PasswordAsk(Some.Now, "V1") });
        await TryAsync(async () => said.AppendLine((await bench.Delivery.DeliverAsync(shown, SlackBench.Credential(shown), Stop)).ToString()), said);
        await TryAsync(async () => said.AppendLine((await bench.Delivery.UpdateAsync(shown.State, new MessageRef("D0ENGDM01", "1.2"), null, Stop)).ToString()), said);
        await TryAsync(async () => said.AppendLine((await bench.Forms.OpenAsync(new Secret("marker.trigger"), form, Stop)).ToString()), said);
        var card = new ChatMessage("A card.", [new ChatPart.Text($"Because {SlackBench.Password}")]);
        var (mark, at) = (new CardMark("AB12-3C", "card", "key"), new MessageRef("C0APPROVE", "1767225601.000200"));
        await TryAsync(async () => said.AppendLine((await bench.Cards.PostAsync(new CardPlace.Channel(at.Channel), card, mark, Stop)).ToString()), said);
        await TryAsync(async () => said.AppendLine((await bench.Cards.UpdateAsync(at, card, mark, Stop)).ToString()), said);
        await TryAsync(async () => said.AppendLine((await bench.Cards.AddAsync(at, card, mark, Stop)).ToString()), said);
        await TryAsync(async () => said.AppendLine((await bench.Home.PublishAsync(Some.Engineer, card, Stop)).ToString()), said);
        await TryAsync(async () => said.AppendLine((await bench.Api.RespondAsync(url, [], Stop)).ToString()), said);
        foreach (var call in slack?.CallsOf("chat.postMessage") ?? [])
        {
            said.AppendLine(call.Arguments["text"]!.GetValue<string>());
            said.AppendLine(call.Arguments["metadata"]?.ToJsonString());
        }

        foreach (var line in bench.Log.Lines) said.AppendLine(line);
        Assert.NotEmpty(bench.Log.Lines);
    }

    private static async Task TryAsync(Func<Task> act, StringBuilder said)
    {
        if (await Record.ExceptionAsync(act) is { } failure) said.AppendLine(failure.ToString());
    }
}
