using System.Diagnostics;
using System.Text.Json.Nodes;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Infrastructure.Slack;
using DbAccess.TestKit;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class SlackCredentialDeliveryTests
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_holder_gets_everything_to_log_in_with()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        var grant = Some.Provisioning();

        var delivery = await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop);

        Assert.Equal(new MessageRef("D0ENGDM01", "1767225601.000200"), Assert.IsType<Delivery.Delivered>(delivery).Message);
        Assert.True(slack.CallsOf("conversations.open").Single().Arguments["return_im"]!.GetValue<bool>());
        var post = slack.CallsOf("chat.postMessage").Single().Arguments;
        Assert.Equal($"read on orders for 1h is ready ({grant.Id}).", post["text"]!.GetValue<string>());
        Assert.Equal((grant.Id.ToString(), "credentials"), ((string)post["metadata"]!["event_payload"]!["grant"]!, (string)post["metadata"]!["event_payload"]!["kind"]!));
        Assert.Equal("D0ENGDM01", post["channel"]!.GetValue<string>());
        var lines = BlockReader.Read(post["blocks"]).Split('\n');
        Assert.Contains("Host: `db.example`", lines);
        Assert.Contains("Port: `5432`", lines);
        Assert.Contains("Database: `orders`", lines);
        Assert.Contains($"User: `{grant.State.Role}`", lines);
        Assert.Contains($"Password: `{SlackBench.Password}`", lines);
        Assert.Contains($"Grant: {grant.Id}", lines);
        var blocks = post["blocks"]!.ToJsonString();
        Assert.Contains($"\"timestamp\":{grant.State.Window!.Expiry.ToUnixTimeSeconds()}", blocks, StringComparison.Ordinal);
        var buttons = post["blocks"]!.AsArray().Single(b => b!["type"]!.GetValue<string>() == "actions")!["elements"]!.AsArray();
        Assert.Equal(["connect", "new_password", "keep_preset", "return_grant"], buttons.Select(button => button!["action_id"]!.GetValue<string>()));
        Assert.All(buttons, button => Assert.Equal(grant.Id.ToString(), button!["value"]!.GetValue<string>()));
    }

    [Fact]
    public void People_are_told_how_they_reach_it_where_the_policy_says_so()
    {
        var grant = Some.Provisioning();
        var told = SlackBench.Credential(grant).As(new ConnectHints("db.people.example", 6432, "verify-full", "system", "VPN first", "ssm i-0abc"));

        var words = BlockReader.Read(CredentialMessage.Draw(grant, told)["blocks"]);

        foreach (var said in (string[])["Host: `db.people.example`", "Port: `6432`", "VPN first", "Tunnel: ssm i-0abc"])
            Assert.Contains(said, words, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_will_not_see_all_rows_is_told_with_the_credentials()
    {
        const string told = "Row security is on for public.orders and no policy is for this role: they will see no rows";
        var grant = Change(Some.Provisioning(), state => state with { Plan = Some.Plan with { Remarks = [told, "Reading view public.`x` will fail"] } });

        var words = BlockReader.Read(CredentialMessage.Draw(grant, SlackBench.Credential(grant))["blocks"]);

        Assert.Contains($"{told}.", words, StringComparison.Ordinal);
        Assert.Contains("will fail.", words, StringComparison.Ordinal);
        Assert.DoesNotContain("Row security", BlockReader.Read(CredentialMessage.Draw(Some.Provisioning(), SlackBench.Credential(grant))["blocks"]), StringComparison.Ordinal);
    }

    [Fact]
    public void The_password_is_in_one_place()
    {
        var grant = Some.Provisioning();

        var message = CredentialMessage.Draw(grant, SlackBench.Credential(grant)).ToJsonString();

        Assert.Equal(2, message.Split(SlackBench.Password).Length);
    }

    [Fact]
    public void A_name_with_anything_unusual_is_shown_as_it_is()
    {
        var grant = Some.Provisioning();

        var message = CredentialMessage.Draw(grant, SlackBench.Credential(grant, database: "we`ird <db> & *co*"));

        var lines = BlockReader.Read(message["blocks"]).Split('\n');
        Assert.Contains("Database: we`ird <db> & *co*", lines);
        Assert.Contains($"Password: {SlackBench.Password}", lines);
        Assert.DoesNotContain("mrkdwn\",", message["blocks"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains($"Grant: {grant.Id}", lines);
    }

    [Fact]
    public void Several_databases_have_a_line_each_and_the_first_one_leads()
    {
        var grant = Change(Some.Provisioning(), state => state with { Target = state.Target with { Also = ["billing", "Archive 1"] } });

        var words = BlockReader.Read(CredentialMessage.Draw(grant, SlackBench.Credential(grant))["blocks"]);

        var lines = words.Split('\n').Select(line => line.Replace("`", "", StringComparison.Ordinal)).ToList();
        Assert.Single(lines, "Database: orders");
        Assert.Contains("Also: billing", lines);
        Assert.Contains("Also: Archive 1", lines);
        Assert.Equal(2, words.Split(SlackBench.Password).Length);
    }

    [Fact]
    public void Whoever_acts_as_an_owner_is_told_so_and_a_narrowed_scope_names_its_tables()
    {
        var owner = Change(Some.Provisioning(), state => state with { Scope = state.Scope with { RunAs = "orders_owner", HighRisk = true } });
        var narrowed = Change(Some.Provisioning(), state => state with { Scope = state.Scope with { NarrowedTo = ["public.orders"] } });

        var asOwner = BlockReader.Read(CredentialMessage.Draw(owner, SlackBench.Credential(owner))["blocks"]);
        var only = BlockReader.Read(CredentialMessage.Draw(narrowed, SlackBench.Credential(narrowed))["blocks"]);

        Assert.Contains("High risk. Your sessions act as the owner", asOwner, StringComparison.Ordinal);
        Assert.Contains("orders_owner", asOwner, StringComparison.Ordinal);
        Assert.Contains("orders · read, only public.orders · until", only, StringComparison.Ordinal);
        Assert.DoesNotContain("act as the owner", only, StringComparison.Ordinal);
    }

    private static Grant Change(Grant grant, Func<GrantSnapshot, GrantSnapshot> change) => new(change(grant.State));

    [Fact]
    public void A_later_message_says_that_an_earlier_one_no_longer_works()
    {
        var grant = Some.Provisioning();
        var first = SlackBench.Credential(grant);

        Assert.DoesNotContain("no longer works", BlockReader.Read(CredentialMessage.Draw(grant, first)), StringComparison.Ordinal);
        Assert.Contains("no longer works", BlockReader.Read(CredentialMessage.Draw(grant, first with { Again = true })), StringComparison.Ordinal);
    }

    [Fact]
    public void What_it_is_for_and_when_it_ends_stand_on_top_and_how_long_is_left_is_true_whenever_it_is_read()
    {
        var grant = Some.Active();

        var message = CredentialMessage.Draw(grant, SlackBench.Credential(grant) with { ExtendBy = TimeSpan.FromMinutes(30) }, Some.Now.AddMinutes(18));

        var top = message["blocks"]![0]!.ToJsonString();
        Assert.Contains("orders \\u00B7 read \\u00B7 until ", top, StringComparison.Ordinal);
        Assert.Contains("(42 min left at ", top, StringComparison.Ordinal);
        Assert.Contains($"\"timestamp\":{Some.Now.AddMinutes(18).ToUnixTimeSeconds()}", top, StringComparison.Ordinal);
        var buttons = message["blocks"]!.AsArray().Last()!["elements"]!.AsArray();
        Assert.Equal(["Connect…", "+30 min", "New password", "Keep…", "I'm done"], buttons.Select(button => button!["text"]!["text"]!.GetValue<string>()));
    }

    [Fact]
    public void Drawn_anew_all_that_does_not_change_stays_as_it_stands_there_the_password_too()
    {
        var grant = Some.Active();
        var shown = (JsonArray)CredentialMessage.Draw(grant, SlackBench.Credential(grant) with { ExtendBy = TimeSpan.FromMinutes(30) })["blocks"]!;
        Assert.Null(grant.AskExtension(Some.Engineer, TimeSpan.FromMinutes(30), new Lifetime(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 1, TimeSpan.FromMinutes(30)), null, Some.Now.AddMinutes(50)).Refusal);

        var drawn = CredentialMessage.Redrawn(shown, grant.State, null, Some.Now.AddMinutes(50))!;

        Assert.Equal(shown.Count, drawn.Count);
        for (var i = 1; i < shown.Count - 1; i++) Assert.Equal(shown[i]!.ToJsonString(), drawn[i]!.ToJsonString());
        Assert.Contains("(40 min left at ", drawn[0]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains($"\"timestamp\":{grant.State.Window!.Expiry.ToUnixTimeSeconds()}", drawn[0]!.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("extend_grant", drawn[^1]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Null(CredentialMessage.Redrawn([new JsonObject { ["type"] = "divider" }], grant.State, null, Some.Now));
    }

    [Theory]
    [InlineData("user_not_found")]
    [InlineData("user_disabled")]
    [InlineData("user_not_visible")]
    [InlineData("cannot_dm_bot")]
    [InlineData("messages_tab_disabled")]
    public async Task A_person_who_cannot_be_written_to_is_told_apart(string code)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        var grant = Some.Provisioning();
        slack.Refuses("conversations.open", code);

        var delivery = await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop);

        Assert.Contains(code, Assert.IsType<Delivery.Undeliverable>(delivery).Why, StringComparison.Ordinal);
        Assert.Empty(slack.CallsOf("chat.postMessage"));
    }

    [Theory]
    [InlineData("""{"ok":false,"error":"fatal_error"}""", 200)]
    [InlineData("""{"ok":false,"error":"internal_error"}""", 200)]
    [InlineData("<html>", 503)]
    [InlineData("", 200)]
    [InlineData("""{"ok":true,"chan""", 200)]
    [InlineData("""{"ok":true}""", 200)]
    [InlineData("""{"ok":true,"channel":"D0ENGDM01","ts":1767225601.0002}""", 200)]
    [InlineData("""{"ok":false,"error":"invalid_blocks"}""", 200)]
    [InlineData("""{"ok":false,"error":"missing_scope","needed":"chat:write"}""", 200)]
    public async Task What_nobody_knows_is_unknown_and_posted_once(string body, int status)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        var grant = Some.Provisioning();
        slack.Says("chat.postMessage", body, status);

        var delivery = await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop);

        Assert.IsType<Delivery.Unknown>(delivery);
        Assert.Single(slack.CallsOf("chat.postMessage"));
    }

    [Fact]
    public async Task A_connection_cut_during_the_post_is_unknown_and_posted_once()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        var grant = Some.Provisioning();
        slack.Cuts("chat.postMessage");

        Assert.IsType<Delivery.Unknown>(await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop));

        Assert.Single(slack.CallsOf("chat.postMessage"));
    }

    [Fact]
    public async Task A_rate_limit_says_when_to_come_back()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        var grant = Some.Provisioning();
        slack.Says("chat.postMessage", """{"ok":false,"error":"ratelimited"}""", 429, retryAfter: "7");

        var delivery = await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop);

        Assert.Equal(TimeSpan.FromSeconds(7), Assert.IsType<Delivery.Unknown>(delivery).RetryAfter);
        Assert.Single(slack.CallsOf("chat.postMessage"));
    }

    [Theory]
    [InlineData("""{"ok":true,"channel":{"id":"D0OTHERDM","user":"U0ENGINE2"}}""")]
    [InlineData("""{"ok":true,"channel":{"id":"D0ENGDM01"}}""")]
    [InlineData("""{"ok":true,"channel":{"id":"C0GENERAL","user":"U0ENGINE1"}}""")]
    [InlineData("""{"ok":true}""")]
    public async Task Nothing_is_sent_into_a_conversation_that_is_not_surely_the_holders(string opened)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        var grant = Some.Provisioning();
        slack.Says("conversations.open", opened);

        Assert.IsType<Delivery.Unknown>(await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop));

        Assert.Empty(slack.CallsOf("chat.postMessage"));
    }

    [Theory]
    [InlineData("db.example", "orders")]
    [InlineData("db.example", "my db")]
    [InlineData("db.example", "it's \\ $HOME `id` \"!!\" ;x=1")]
    [InlineData("db.example", "a=b&c?d#e/f%20")]
    [InlineData("db.example", "grün 漢")]
    [InlineData("::1", "orders")]
    [InlineData("/tmp/sockets", "orders")]
    public async Task Ready_made_lines_lead_to_the_same_place(string host, string database)
    {
        var grant = Some.Provisioning();
        var place = new ConnectionPlace(host, 5432, database, grant.State.Role!.Value, "require", null, []);

        var argument = await AsShellReadsAsync(ConnectionWords.Psql(place));
        var net = new NpgsqlConnectionStringBuilder(ConnectionWords.DotNet(place));

        Assert.Equal([("host", host), ("port", "5432"), ("dbname", database), ("user", place.User), ("sslmode", "require")], AsLibpqReads(argument));
        Assert.Equal((host, 5432, database, place.User, SslMode.Require), (net.Host, net.Port, net.Database, net.Username, net.SslMode));
        Assert.Null(net.Password);
        if (host.StartsWith('/'))
        {
            Assert.Contains("@%2Ftmp%2Fsockets:5432/orders?", ConnectionWords.Uri(place), StringComparison.Ordinal);
            Assert.Null(ConnectionWords.Jdbc(place));
            return;
        }

        foreach (var uri in new[] { new Uri(ConnectionWords.Uri(place)), new Uri(ConnectionWords.Jdbc(place)!["jdbc:".Length..]) })
        {
            Assert.Equal(host, uri.Host.Trim('[', ']'));
            Assert.Equal(5432, uri.Port);
            Assert.Equal(database, Uri.UnescapeDataString(uri.GetComponents(UriComponents.Path, UriFormat.UriEscaped)));
            Assert.Contains("sslmode=require", uri.Query, StringComparison.Ordinal);
            Assert.DoesNotContain("assword", uri.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_everyday_psql_line_looks_like_one()
    {
        var grant = Some.Provisioning();

        Assert.Equal(
            $"psql \"host=db.example port=5432 dbname=orders user={grant.State.Role} sslmode=verify-full sslrootcert=system\"",
            ConnectionWords.Psql(new ConnectionPlace("db.example", 5432, "orders", grant.State.Role!.Value, "verify-full", "system", [])));
    }

    // A real shell says what it would hand to psql.
    private static async Task<string> AsShellReadsAsync(string line)
    {
        Assert.StartsWith("psql ", line, StringComparison.Ordinal);
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "printf %s " + line["psql ".Length..]]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var argument = await shell.StandardOutput.ReadToEndAsync(Stop);
        await shell.WaitForExitAsync(Stop);
        return argument;
    }

    // The grammar of libpq's manual: name = value, value bare or between quotes with backslash escapes.
    private static List<(string, string)> AsLibpqReads(string info)
    {
        var pairs = new List<(string, string)>();
        for (var i = 0; i < info.Length;)
        {
            if (info[i] == ' ')
            {
                i++;
                continue;
            }

            var equals = info.IndexOf('=', i);
            var name = info[i..equals];
            i = equals + 1;
            var value = new System.Text.StringBuilder();
            var quoted = i < info.Length && info[i] == '\'';
            if (quoted) i++;
            for (; i < info.Length && (quoted ? info[i] != '\'' : info[i] != ' '); i++)
            {
                if (info[i] == '\\') i++;
                value.Append(info[i]);
            }

            if (quoted) i++;
            pairs.Add((name, value.ToString()));
        }

        return pairs;
    }
}
