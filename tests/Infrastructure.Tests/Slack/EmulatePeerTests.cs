using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Slack;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Slack;

/// <summary>
/// The client against a Slack that others wrote (the npm package <c>emulate</c>, pinned in tests/services), so that it is not only tested
/// against a stand-in from the same hands. Skipped at a desk without Node or the package; a failure in CI.
/// </summary>
public sealed class EmulatePeerTests : IAsyncLifetime
{
    private const string Token = "xoxb-dbaccess";
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;
    private readonly string _folder = Directory.CreateTempSubdirectory("dbaccess-emulate-").FullName;
    private readonly HttpClient _http = new();
    private Process? _process;
    private Uri _api = null!;

    public async ValueTask InitializeAsync()
    {
        if (FindEmulate() is not { } script)
        {
            const string missing = "The npm package emulate is not there: run scripts/test, or set DBACCESS_TEST_SERVICES to the folder that holds its node_modules.";
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", missing);
            Assert.Fail(missing);
            return;
        }

        var seed = Path.Combine(_folder, "seed.yaml");
        await File.WriteAllTextAsync(seed, Seed, Stop);
        var port = FreePort();
        var start = new ProcessStartInfo("node", [script, "start", "--service", "slack", "--port", $"{port}", "--seed", seed])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        _process = Process.Start(start)!;
        // Read, so that it never blocks on a full pipe.
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _api = new Uri($"http://127.0.0.1:{port}/api/");
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        await UntilItAnswersAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_message_is_posted_and_removed_and_removing_it_again_is_fine()
    {
        var (alice, team) = await AliceAsync();
        using var bench = new SlackBench(_api, token: Token, team: team);

        var post = await bench.Chat.TellAsync(alice, new ChatMessage("Hello <you>.", [new ChatPart.Text("Hello `there`."), new ChatPart.Buttons([new ChatButton("a", "b", "v")])]), Stop);
        var message = Assert.IsType<Post.Sent>(post).Message!;
        var stored = (await HistoryAsync(message.Channel)).Single(m => m["ts"]!.GetValue<string>() == message.Timestamp);
        var removed = await bench.Chat.RemoveAsync(message, Stop);
        var again = await bench.Chat.RemoveAsync(message, Stop);

        Assert.StartsWith("D", message.Channel, StringComparison.Ordinal);
        Assert.Equal("Hello &lt;you&gt;.", stored["text"]!.GetValue<string>());
        Assert.Equal(2, stored["blocks"]!.AsArray().Count);
        Assert.IsType<Post.Sent>(removed);
        Assert.IsType<Post.Sent>(again);
        Assert.DoesNotContain(await HistoryAsync(message.Channel), m => m["ts"]!.GetValue<string>() == message.Timestamp);
    }

    [Fact]
    public async Task Credentials_arrive()
    {
        var (alice, team) = await AliceAsync();
        using var bench = new SlackBench(_api, token: Token, team: team);
        var grant = Some.Provisioning(requester: alice);

        var delivery = await bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop);

        var message = Assert.IsType<Delivery.Delivered>(delivery).Message;
        var stored = (await HistoryAsync(message.Channel)).Single(m => m["ts"]!.GetValue<string>() == message.Timestamp);
        Assert.Contains($"Password: `{SlackBench.Password}`", BlockReader.Read(stored["blocks"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task People_are_found_and_strangers_are_not()
    {
        var (alice, team) = await AliceAsync();
        using var bench = new SlackBench(_api, token: Token, team: team);

        Assert.Equal("alice", (await bench.Directory.FindAsync(alice, Stop)).Value.Handle);
        Assert.Equal("directory.not_found", (await bench.Directory.FindAsync(PrincipalId.Parse(team, "U0NOBODY1")!, Stop)).Refusal?.Code);
        Assert.Null((await bench.Health.CheckAsync(Stop)).Refusal);
    }

    [Fact]
    public async Task A_missing_scope_is_named()
    {
        var (alice, team) = await AliceAsync();
        using var bench = new SlackBench(_api, token: "xoxb-narrow", team: team);

        var post = await bench.Chat.TellAsync(alice, ChatMessage.Plain("x"), Stop);

        Assert.Contains("missing_scope", Assert.IsType<Post.NotNow>(post).Why, StringComparison.Ordinal);
        Assert.Contains("im:write", ((Post.NotNow)post).Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trigger_that_never_was_opens_nothing()
    {
        using var bench = new SlackBench(_api, token: Token);
        var form = new ChatForm("k", "t", "s", "", [], [new FormField.Text("reason", "Reason", null, null, true, 1, 100)]);

        var post = await bench.Forms.OpenAsync(new Secret("1.2.made-up"), form, Stop);

        Assert.Contains("invalid_trigger_id", Assert.IsType<Post.Never>(post).Why, StringComparison.Ordinal);
    }

    private async Task<(PrincipalId Alice, string Team)> AliceAsync()
    {
        // Ids are random there, so the person is looked up.
        var user = (await AskAsync("users.lookupByEmail", ("email", "alice@acme.test")))["user"]!;
        var team = (await AskAsync("auth.test"))["team_id"]!.GetValue<string>();
        return (PrincipalId.Parse(team, user["id"]!.GetValue<string>())!, team);
    }

    private async Task<IReadOnlyList<JsonNode>> HistoryAsync(string channel) =>
        [.. (await AskAsync("conversations.history", ("channel", channel)))["messages"]!.AsArray().OfType<JsonNode>()];

    private async Task<JsonNode> AskAsync(string method, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var response = await _http.PostAsync(new Uri(_api, method), form, Stop);
        var json = JsonNode.Parse(await response.Content.ReadAsStringAsync(Stop))!;
        Assert.True(json["ok"]!.GetValue<bool>(), $"{method}: {json["error"]}");
        return json;
    }

    private async Task UntilItAnswersAsync()
    {
        await Patience.UntilAsync(AnswersAsync, "the emulator answers");

        async Task<bool> AnswersAsync()
        {
            Assert.False(_process!.HasExited, "The emulator ended by itself.");
            try
            {
                using var response = await _http.PostAsync(new Uri(_api, "auth.test"), null, Stop);
                return true;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }
    }

    private static string? FindEmulate()
    {
        string?[] folders = [Environment.GetEnvironmentVariable("DBACCESS_TEST_SERVICES"), Path.Combine(Repository(), "tests", "services", "emulate")];
        var script = folders.OfType<string>().Select(folder => Path.Combine(folder, "node_modules", "emulate", "dist", "index.js")).FirstOrDefault(File.Exists);
        var node = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "node")));
        return node ? script : null;
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "DbAccess.sln"))) folder = Path.GetDirectoryName(folder);
        return folder ?? AppContext.BaseDirectory;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private const string Seed = """
        slack:
          strict_scopes: true
          team: { name: Acme, domain: acme }
          users:
            - { name: alice, real_name: Alice Adams, email: alice@acme.test }
          oauth_apps:
            - client_id: "1.2"
              client_secret: cs
              app_id: A0DBACCESS
              name: DbAccess
              bot_id: B0DBACCESS
              bot_user_id: U0DBACCESS
              bot_name: dbaccess
              redirect_uris: ["http://127.0.0.1:5080/slack/oauth"]
              scopes: [chat:write, im:write, im:history, users:read, users:read.email]
          tokens:
            - token: xoxb-dbaccess
              type: bot
              user: dbaccess
              bot_id: B0DBACCESS
              bot_user_id: U0DBACCESS
              app_id: A0DBACCESS
              client_id: "1.2"
              scopes: [chat:write, im:write, im:history, users:read, users:read.email]
            - token: xoxb-narrow
              type: bot
              user: dbaccess
              scopes: [users:read]
        """;
}
