using System.Diagnostics;
using System.Text.Json;
using DbAccess.TestKit;
using Npgsql;

namespace DbAccess.EndToEnd.Tests;

/// <summary>An auditor a year later: the evidence of what was done, exported, verified by two programs, and tampered with.</summary>
public sealed class AuditTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dbaccess-audit-");
    private DemoSystem? _it;

    private DemoSystem It => _it!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_has_the_public_key_can_check_what_was_done_and_by_whom()
    {
        House.RequirePostgres();
        _it = await House.OpenAsync(string.Join('\n', OpenHouse.Text.Split('\n').Where(line => !line.Contains("archive", StringComparison.Ordinal))));
        var (id, credential) = await PlayAsync();
        var (to, pack, key) = (In("all"), In("pack"), In("key.pem"));

        Assert.Contains("events in", await RunAsync(0, "audit", "export", "--to", to), StringComparison.Ordinal);
        await File.WriteAllTextAsync(key, await RunAsync(0, "audit", "key"), Stop);
        Assert.StartsWith("the log is whole", await RunAsync(0, "audit", "verify", "--from", to, "--key", key), StringComparison.Ordinal);
        Assert.StartsWith("the log is whole", await RunAsync(0, "audit", "verify", "--key", key), StringComparison.Ordinal);
        Assert.StartsWith("the log is whole", await PythonAsync(0, to, "--key", key), StringComparison.Ordinal);

        var events = Events(to);
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(one => one.GetProperty("leaf").GetProperty("seq").GetInt32()));
        AssertTold(events, id);
        AssertNoSecret(to, credential.Password);

        await RunAsync(0, "audit", "export", "--to", pack, "--grant", id);
        Assert.StartsWith("the pack is whole", await RunAsync(0, "audit", "verify", "--from", pack, "--key", key), StringComparison.Ordinal);
        Assert.Contains($"grant {id}", await PythonAsync(0, pack, "--key", key), StringComparison.Ordinal);
        AssertNoSecret(pack, credential.Password);

        // Reasons and statements left out, it verifies all the same.
        await RunAsync(0, "audit", "export", "--to", In("redacted"), "--withhold", "reason,note,sql");
        Assert.StartsWith("the log is whole", await PythonAsync(0, In("redacted"), "--key", key), StringComparison.Ordinal);
        Assert.DoesNotContain("for the auditor", await AllTextAsync(In("redacted")), StringComparison.Ordinal);
        Assert.Contains("for the auditor", await AllTextAsync(to), StringComparison.Ordinal);

        await TamperAsync(key, to);
    }

    /// <summary>Somebody asks, uses it and gives it back; somebody is refused; somebody presses what they may not.</summary>
    private async Task<(string Id, DeliveredCredential Credential)> PlayAsync()
    {
        var id = await It.AskAsync(SlackUser.Erin, "orders read 5m because it is for the auditor");
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        await using (var session = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await session.OpenAsync(Stop);
            await using var command = new NpgsqlCommand("SELECT count(*) FROM public.orders", session);
            await command.ExecuteScalarAsync(Stop);
            await It.SayAsync(SlackUser.Erin, $"done {id}", id);
            await It.HearAsync(SlackUser.Erin, $"you gave it back ({id})");
        }

        await It.SayAsync(SlackUser.Sam, "orders peek 4h because it is for the auditor", "The longest for");
        await It.SayAsync(SlackUser.Sam, $"show {id}", id);
        return (id, credential);
    }

    private static void AssertTold(IReadOnlyList<JsonElement> events, string id)
    {
        var own = events.Select(one => one.GetProperty("leaf")).Where(leaf => leaf.TryGetProperty("n", out _) && leaf.GetProperty("grant").GetString() == id).ToList();
        Assert.Equal(Enumerable.Range(1, own.Count), own.Select(leaf => leaf.GetProperty("n").GetInt32()));
        string[] story = ["grant.requested", "grant.approved", "grant.provisioning", "grant.statements", "grant.role_made", "grant.activated", "grant.revoking", "grant.statements", "grant.ended", "notice.told"];
        Assert.Equal(story, own.Select(leaf => leaf.GetProperty("type").GetString()));
        var ended = own.Single(leaf => leaf.GetProperty("type").GetString() == "grant.ended").GetProperty("what");
        Assert.Equal(1, ended.GetProperty("sessions_ended").GetInt32());
        Assert.Contains("roles 0", ended.GetProperty("left").EnumerateArray().Select(left => left.GetString()));

        var making = events.First(one => one.GetProperty("leaf").GetProperty("type").GetString() == "grant.statements");
        Assert.Contains("CREATE ROLE", making.GetProperty("open").GetProperty("sql").GetProperty("value").GetString(), StringComparison.Ordinal);

        var attempts = events.Select(one => one.GetProperty("leaf")).Where(leaf => leaf.GetProperty("type").GetString() is "command.create_grant").ToList();
        Assert.Contains(attempts, leaf => leaf.GetProperty("outcome").GetString() == "done" && leaf.GetProperty("grant").GetString() == id
            && leaf.GetProperty("way").GetString() == "slack.command" && leaf.GetProperty("rule").GetString() == "all-read" && leaf.TryGetProperty("policy", out _));
        Assert.Contains(attempts, leaf => leaf.GetProperty("outcome").GetString() == "policy.too_long");
        var types = events.Select(one => one.GetProperty("leaf").GetProperty("type").GetString()).ToHashSet();
        Assert.Empty(new HashSet<string?> { "audit.begun", "audit.key", "policy.in_force", "verb.serve", "verb.audit_export", "command.return_grant", "press.refused" }.Except(types));
    }

    /// <summary>Who can write to the store changes an event that was signed, while the product runs.</summary>
    private async Task TamperAsync(string key, string before)
    {
        var place = Assert.Single(await It.AskStoreAsync("""SELECT place FROM evidence WHERE body LIKE '%"type":"grant.requested"%'"""));
        await It.AskStoreAsync("""DROP TRIGGER evidence_is_not_edited; UPDATE evidence SET body = replace(body, '"seconds":300', '"seconds":60') WHERE number = 1""");

        var (_, _, said) = await DbAccessProcess.RunAsync(["sweep"], It.Settings(), It.Data);
        var (exit, _, fault) = await DbAccessProcess.RunAsync(["audit", "verify", "--key", key], It.Settings(), It.Data);
        await RunAsync(0, "audit", "export", "--to", In("tampered"));

        Assert.Contains("The evidence log was tampered with", said, StringComparison.Ordinal);
        Assert.Contains($"event {place} was changed", said, StringComparison.Ordinal);
        Assert.Equal(1, exit);
        Assert.Contains($"event {place} was changed: it does not have the hash beside it", fault, StringComparison.Ordinal);
        Assert.Contains($"event {place} was changed: it does not have the hash beside it", await PythonAsync(1, In("tampered"), "--key", key), StringComparison.Ordinal);
        // What was exported before is as whole as it was.
        Assert.StartsWith("the log is whole", await PythonAsync(0, before, "--key", key), StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(int expected, params string[] arguments)
    {
        var (exit, output, error) = await DbAccessProcess.RunAsync(arguments, It.Settings(), It.Data);
        Assert.True(exit == expected, $"{string.Join(' ', arguments)}: {exit}: {output} {error}");
        return output;
    }

    private static async Task<string> PythonAsync(int expected, params string[] arguments)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])[Path.Combine(Checkout(), "tools", "verify_audit.py"), .. arguments]) start.ArgumentList.Add(argument);
        using var python = Process.Start(start)!;
        var (output, error) = (python.StandardOutput.ReadToEndAsync(Stop), python.StandardError.ReadToEndAsync(Stop));
        await python.WaitForExitAsync(Stop);
        Assert.True(python.ExitCode == expected, $"{python.ExitCode}: {await output} {await error}");
        return await output + await error;
    }

    private static string Checkout()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "DbAccess.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }

    private static List<JsonElement> Events(string export) =>
        [.. Directory.GetFiles(Path.Combine(export, "log"), "*.jsonl", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .SelectMany(File.ReadLines).Select(line => JsonDocument.Parse(line).RootElement)];

    private static async Task<string> AllTextAsync(string folder) =>
        string.Concat(await Task.WhenAll(Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => File.ReadAllTextAsync(file, Stop))));

    private void AssertNoSecret(string folder, string password)
    {
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            var text = File.ReadAllText(file);
            Assert.False(It.Secrets.Append(password).Append("SCRAM-SHA-256$").Any(secret => text.Contains(secret, StringComparison.Ordinal)), $"{Path.GetFileName(file)} holds a secret.");
        }
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    public async ValueTask DisposeAsync()
    {
        if (_it is not null) await _it.DisposeAsync();
        TestKit.SecretLedger.WroteIn(_folder.FullName, "*.jsonl", "*.html", "*.csv", "*.json", "*.txt");
        _folder.Delete(recursive: true);
    }
}
