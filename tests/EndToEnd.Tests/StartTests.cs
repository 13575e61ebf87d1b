using System.Net;
using System.Net.Sockets;

namespace DbAccess.EndToEnd.Tests;

/// <summary>The executable and its command line; nothing else runs beside it.</summary>
public sealed class StartTests : IDisposable
{
    private const string Token = "xoxb-this-is-a-secret-token";
    private const string SigningSecret = "this-is-a-signing-secret";

    private readonly string _directory = Directory.CreateTempSubdirectory("dbaccess-start-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_start_with_wrong_settings_lists_every_fault_at_once_and_shows_no_secret()
    {
        var settings = Settings();
        settings.Remove("Slack:TeamId");
        settings["Installation"] = "not a name!";
        settings["Policy:Path"] = "/nowhere/policy.yaml";
        settings["Delivery"] = "Email";
        settings["Provisioning:Mode"] = "Sideways";
        settings["Sweep:Interval"] = "soon";
        settings["Sweep:Enabled"] = "perhaps";
        settings["Slack:ApiUrl"] = "http://somewhere.example/api/";

        var (exit, output, error) = await RunAsync([], settings);

        Assert.Equal(2, exit);
        string[] wanted =
        [
            "Installation is 'not a name!'", "Policy:Path is '/nowhere/policy.yaml'", "Delivery is 'Email'; it must be Dm or Reveal",
            "Provisioning:Mode is 'Sideways'", "Sweep:Interval is 'soon'", "Sweep:Enabled is 'perhaps'", "Slack:ApiUrl must be an https address", "Slack:TeamId is missing",
        ];
        foreach (var fault in wanted) Assert.Contains(fault, error, StringComparison.Ordinal);
        Assert.Contains($"{wanted.Length} settings are wrong", error, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, output + error, StringComparison.Ordinal);
        Assert.DoesNotContain(SigningSecret, output + error, StringComparison.Ordinal);
        Assert.False(File.Exists(settings["Grants:Sqlite:Path"]));
    }

    [Fact]
    public async Task Without_its_security_settings_it_does_not_start()
    {
        var settings = Settings();
        foreach (var key in (string[])["Slack:BotToken", "Slack:SigningSecrets:0", "Slack:AppId"]) settings.Remove(key);

        var (exit, _, error) = await RunAsync(["serve"], settings);

        Assert.Equal(2, exit);
        Assert.Contains("Slack:BotToken is missing (environment: Slack__BotToken)", error, StringComparison.Ordinal);
        Assert.Contains("Slack:SigningSecrets is missing", error, StringComparison.Ordinal);
        Assert.Contains("Slack:AppId is missing", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "dbaccess [command] [options]", "--help")]
    [InlineData(0, "Exit codes", "sweep", "--help")]
    [InlineData(2, "Required command was not provided", "audit")]
    [InlineData(2, "Nothing could be verified: nowhere is not a folder", "audit", "verify", "--from", "nowhere", "--key", "key.pem")]
    [InlineData(2, "Unrecognized command or argument 'dance'", "dance")]
    public async Task The_command_line_says_what_it_can_do_and_what_not_yet(int expected, string words, params string[] arguments)
    {
        var (exit, output, error) = await RunAsync(arguments, new Dictionary<string, string>(StringComparer.Ordinal));

        Assert.Equal(expected, exit);
        Assert.Contains(words, expected == 0 ? output : error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_policy_is_linted_with_every_fault_and_its_line()
    {
        var good = Path.Combine(Repository.Root, "policy", "access-policy.yaml");
        var bad = Path.Combine(_directory, "bad.yaml");
        await File.WriteAllTextAsync(bad, """
            version: 1
            clusters: { orders-prod: { } }
            databases:
              orders: { cluster: elsewhere, database: orders, scopes: [read, unknown-scope] }
            scopes:
              read: { privileges: [{ on: "tables in schema public", allow: [fly] }] }
            allow:
              - { id: one, who: [nobody-knows], databases: [orders], scopes: [read], lifetime: {default: 1h, max: 4h}, approval: none }

            """, TestContext.Current.CancellationToken);

        var fine = await RunAsync(["policy", "lint", good], new Dictionary<string, string>(StringComparer.Ordinal));
        var (exit, output, _) = await RunAsync(["policy", "lint", bad], new Dictionary<string, string>(StringComparer.Ordinal));
        var missing = await RunAsync(["policy", "lint", "/nowhere.yaml"], new Dictionary<string, string>(StringComparer.Ordinal));

        Assert.Equal(0, fine.Exit);
        Assert.Equal(1, exit);
        foreach (var name in (string[])["elsewhere", "unknown-scope", "fly", "nobody-knows"]) Assert.Contains(name, output, StringComparison.Ordinal);
        foreach (var line in (string[])[":4:", ":6:", ":8:"]) Assert.Contains(line, output, StringComparison.Ordinal);
        Assert.Equal(2, missing.Exit);
    }

    [Fact]
    public async Task The_store_is_made_and_swept_from_the_command_line()
    {
        var settings = Settings();

        var made = await RunAsync(["store", "init"], settings);
        var swept = await RunAsync(["sweep"], settings);

        Assert.Equal(0, made.Exit);
        Assert.Contains("The store is ready", made.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(settings["Grants:Sqlite:Path"]));
        Assert.Equal(0, swept.Exit);
        Assert.NotEqual("", swept.Output.Trim());
    }

    [Fact]
    public async Task A_sweep_needs_no_policy_and_says_that_there_is_none()
    {
        var settings = Settings();
        settings["Policy:Path"] = "/nowhere/policy.yaml";

        var swept = await RunAsync(["sweep"], settings);
        var compared = await RunAsync(["sweep", "--reconcile"], settings);

        Assert.Equal(0, swept.Exit);
        Assert.Contains("0 ended", swept.Output, StringComparison.Ordinal);
        Assert.Contains("no access policy that can be used", swept.Error, StringComparison.Ordinal);
        Assert.Contains("there is no such file", swept.Error, StringComparison.Ordinal);
        Assert.Equal(1, compared.Exit);
        Assert.Contains("not compared with the clusters", compared.Error, StringComparison.Ordinal);
        Assert.Contains("0 ended", compared.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_in_use_is_said_plainly()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var settings = Settings();
        settings["ASPNETCORE_URLS"] = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        var (exit, _, error) = await RunAsync([], settings);

        Assert.Equal(1, exit);
        Assert.Contains("DbAccess cannot listen", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private Task<(int Exit, string Output, string Error)> RunAsync(string[] arguments, Dictionary<string, string> settings) =>
        DbAccessProcess.RunAsync(arguments, settings, _directory);

    private Dictionary<string, string> Settings() => new(StringComparer.Ordinal)
    {
        ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
        ["Operations:Urls"] = "http://127.0.0.1:0",
        ["Installation"] = "starts",
        ["Policy:Path"] = Path.Combine(Repository.Root, "policy", "access-policy.yaml"),
        ["Grants:Sqlite:Path"] = Path.Combine(_directory, "data", "dbaccess.db"),
        ["Credentials:File:Directory"] = _directory,
        ["Slack:ApiUrl"] = "http://127.0.0.1:1/api/",
        ["Slack:BotToken"] = Token,
        ["Slack:SigningSecrets:0"] = SigningSecret,
        ["Slack:TeamId"] = "T0DBACME1",
        ["Slack:AppId"] = "A0DBACCS1",
    };
}
