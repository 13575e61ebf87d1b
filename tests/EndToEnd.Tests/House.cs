using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace DbAccess.EndToEnd.Tests;

/// <summary>The whole product, started once for the tests of a class. Where there is no PostgreSQL, asking for it skips the test at a desk and fails it in CI.</summary>
public class House : IAsyncLifetime
{
    private DemoSystem? _system;

    public DemoSystem Running => _system ?? throw new InvalidOperationException("There is no system: PostgreSQL was not found.");

    /// <summary>That the product answers within Slack's three seconds is tested with a clock that a test turns; here a busy machine may take longer.</summary>
    public static readonly TimeSpan SlackPatience = TimeSpan.FromSeconds(30);

    /// <summary>A few people ask for everything here.</summary>
    public static readonly IReadOnlyDictionary<string, string> Busy = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Limits:OpenGrantsPerPerson"] = "1000",
        ["Limits:RequestsPerPersonPerMinute"] = "10000",
    };

    protected virtual string? Policy => null;

    protected virtual IReadOnlyDictionary<string, string> Settings => Busy;

    public static void RequirePostgres()
    {
        if (PostgresBinaries.Find(PostgresFixture.WantedMajor) is not null) return;
        if (Environment.GetEnvironmentVariable("CI") == "true") throw new InvalidOperationException(PostgresBinaries.HowToGetThem);
        Assert.Skip(PostgresBinaries.HowToGetThem);
    }

    public static async Task<DemoSystem> OpenAsync(string? policy = null, IReadOnlyDictionary<string, string>? settings = null)
    {
        RequirePostgres();
        var system = await DemoSystem.StartAsync(PostgresFixture.WantedMajor, settings ?? Busy, policy: policy, slackPatience: SlackPatience);
        // The first request of a fresh process costs its compilation.
        await system.Users.CommandAsync(SlackUser.Dana, "help");
        await system.Users.WaitAsync(SlackUser.Dana, "give access back");
        return system;
    }

    public async ValueTask InitializeAsync()
    {
        if (PostgresBinaries.Find(PostgresFixture.WantedMajor) is null && Environment.GetEnvironmentVariable("CI") != "true") return;
        _system = await OpenAsync(Policy, Settings);
        await PrepareAsync(_system);
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null) await _system.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected virtual Task PrepareAsync(DemoSystem system) => Task.CompletedTask;
}

/// <summary>A house with a second database, and a policy by which everybody may read.</summary>
public sealed class OpenHouse : House
{
    public const string Text = """
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders:  { cluster: orders-prod, database: orders, scopes: [read, peek, fix-orders] }
          archive: { cluster: orders-prod, database: archive, scopes: [read] }
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
          peek:
            description: Look at orders only
            privileges: [{ on: "table public.orders", allow: [select] }]
          fix-orders:
            description: Correct an order's status
            privileges: [{ on: "table public.orders", columns: [status, updated_at], allow: [update] }]
        groups:
          dba: { users: [U0DBA0001] }
        allow:
          - { id: all-read, who: [everyone], databases: ["*"], scopes: [read], lifetime: {default: 20s, max: 4h}, approval: none }
          - { id: all-peek, who: [everyone], databases: [orders], scopes: [peek], lifetime: {default: 20s, max: 1m}, approval: none }
          - id: prod-fix
            who: [everyone]
            databases: [orders]
            scopes: [fix-orders]
            lifetime: {default: 1h, max: 2h}
            approval: {stages: [{any: 1, of: dba}], lapse: 1h}

        """;

    protected override string Policy => Text;

    protected override async Task PrepareAsync(DemoSystem system) => await system.Postgres.CreateSampleOrdersAsync("archive");
}

/// <summary>What tests do with a running system and look up in it.</summary>
internal static partial class Deeds
{
    public static string Seconds(int seconds) => $"{seconds}s";

    /// <summary>The time stamp of the newest message that this person sees; what comes later was caused later.</summary>
    public static async Task<string> NowAsync(this DemoSystem system, string user) =>
        (await system.Users.MessagesAsync(user)).Select(message => (string)message["ts"]!).Order(StringComparer.Ordinal).LastOrDefault() ?? "0";

    /// <summary>Types a command and answers the words of the first new message that holds <paramref name="contains"/>.</summary>
    public static async Task<string> SayAsync(this DemoSystem system, string user, string text, string contains, string command = "/db-access") =>
        SlackUser.Words(await system.SayForMessageAsync(user, text, contains, command));

    public static async Task<JsonObject> SayForMessageAsync(this DemoSystem system, string user, string text, string contains, string command = "/db-access")
    {
        var before = await system.NowAsync(user);
        var answer = await system.Users.CommandAsync(user, text, command);
        Assert.Equal(200, (int?)answer["status"]);
        return await system.HearAsync(user, contains, before);
    }

    /// <summary>The first message after <paramref name="after"/> with these words; fails, saying what was there instead.</summary>
    public static async Task<JsonObject> HearAsync(this DemoSystem system, string user, string contains, string after = "0")
    {
        if (await system.Users.WaitAsync(user, contains, after) is { } message) return message;

        var seen = (await system.Users.MessagesAsync(user)).Where(one => string.CompareOrdinal((string)one["ts"]!, after) > 0).Select(SlackUser.Words).Select(WithoutPasswords);
        Assert.Fail($"No message with \"{contains}\" came within {Patience.Limit}. What came:\n{string.Join("\n--\n", seen)}\nLog:\n{string.Join('\n', system.Output.TakeLast(12))}");
        return null!;
    }

    /// <summary>Asks for access that a rule allows; answers the id of the grant.</summary>
    public static async Task<string> AskAsync(this DemoSystem system, string user, string text, string command = "/db-access") =>
        IdIn(await system.SayAsync(user, text, "is allowed", command));

    public static string IdIn(string words) => Id().Match(words) is { Success: true, Value: var id } ? id : throw new InvalidOperationException($"There is no grant id in: {WithoutPasswords(words)}");

    /// <summary>The newest credentials that came for a grant, later than <paramref name="after"/>.</summary>
    public static async Task<(DeliveredCredential Credential, JsonObject Message)> CredentialAsync(this DemoSystem system, string user, string id, string after = "0")
    {
        (DeliveredCredential, JsonObject)? found = null;
        for (var watch = Stopwatch.StartNew(); found is null && watch.Elapsed < Patience.Limit; await Task.Delay(50))
        {
            found = (await system.Users.MessagesAsync(user))
                .Where(message => string.CompareOrdinal((string)message["ts"]!, after) > 0 && SlackUser.Words(message).Contains(id, StringComparison.Ordinal))
                .Select(message => DeliveredCredential.Read(SlackUser.Words(message)) is { } credential ? (credential, message) : ((DeliveredCredential, JsonObject)?)null)
                .LastOrDefault(pair => pair is not null);
        }

        // Waiting in vain says what came instead.
        return found ?? ((DeliveredCredential, JsonObject))(null!, await system.HearAsync(user, $"the credentials of {id}", after));
    }

    /// <summary>Every set of credentials for the grant that can be read in Slack now.</summary>
    public static async Task<IReadOnlyList<DeliveredCredential>> CredentialsInSlackAsync(this DemoSystem system, string user, string id) =>
    [
        .. (await system.Users.MessagesAsync(user)).Select(SlackUser.Words)
            .Where(words => words.Contains(id, StringComparison.Ordinal)).Select(DeliveredCredential.Read).OfType<DeliveredCredential>(),
    ];

    public static string ConnectionStringFor(this DemoSystem system, DeliveredCredential credential) =>
        system.Postgres.ConnectionString(credential.User, credential.Password, credential.Database) + ";Pooling=false";

    public static async Task<bool> CanLogInAsync(this DemoSystem system, DeliveredCredential credential)
    {
        try
        {
            await using var session = new NpgsqlConnection(system.ConnectionStringFor(credential));
            await session.OpenAsync();
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState is "28P01" or "28000")
        {
            return false;
        }
        catch (PostgresException full) when (full.SqlState is PostgresErrorCodes.TooManyConnections)
        {
            // Counted after the password was taken: whoever closed a session a moment ago may still be counted.
            return true;
        }
    }

    public static async Task<int> WorkingAsync(this DemoSystem system, IEnumerable<DeliveredCredential> credentials)
    {
        var working = 0;
        foreach (var credential in credentials) working += await system.CanLogInAsync(credential) ? 1 : 0;
        return working;
    }

    /// <summary>One column of one query by the superuser.</summary>
    public static async Task<IReadOnlyList<string>> AskServerAsync(this DemoSystem system, string sql, string? value = null)
    {
        await using var superuser = new NpgsqlConnection(system.Postgres.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync();
        await using var command = new NpgsqlCommand(sql, superuser);
        if (value is not null) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<string>();
        while (await reader.ReadAsync()) found.Add(Convert.ToString(reader.GetValue(0), System.Globalization.CultureInfo.InvariantCulture)!);
        return found;
    }

    /// <summary>The temporary roles that exist, by their tag.</summary>
    public static Task<IReadOnlyList<string>> TemporaryRolesAsync(this DemoSystem system) => system.AskServerAsync(
        """SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE '{"dbaccess":1,%"kind":"login"%' ORDER BY 1""");

    /// <summary>Roles that are ours by name and are neither of a scope nor the escrow: whatever their comment says.</summary>
    public static Task<IReadOnlyList<string>> StrayRolesAsync(this DemoSystem system) => system.AskServerAsync(
        """
        SELECT rolname FROM pg_roles WHERE rolname ~ '^dba_[a-z0-9]{6}_'
          AND coalesce(shobj_description(oid, 'pg_authid'), '') !~ '"kind":"(scope|escrow)"' ORDER BY 1
        """);

    /// <summary>One column of one query of the store, which the product has open at the same time.</summary>
    public static async Task<IReadOnlyList<string>> AskStoreAsync(this DemoSystem system, string sql, string? value = null)
    {
        await using var store = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = system.StorePath, Pooling = false, DefaultTimeout = 10 }.ConnectionString);
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = sql;
        if (value is not null) command.Parameters.AddWithValue("$value", value);
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<string>();
        while (await reader.ReadAsync()) found.Add(Convert.ToString(reader.GetValue(0), System.Globalization.CultureInfo.InvariantCulture)!);
        return found;
    }

    public static async Task<string> StatusAsync(this DemoSystem system, string id) =>
        (await system.AskStoreAsync("SELECT lower(status) FROM grants WHERE document LIKE '%' || $value || '%'", id)).Single();

    /// <summary>When the next step of the grant is due, by the store.</summary>
    public static async Task<DateTimeOffset> StepDueAtAsync(this DemoSystem system, string id) => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(
        (await system.AskStoreAsync("SELECT due_at FROM grants WHERE document LIKE '%' || $value || '%'", id)).Single(), System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>How many grants were filed with this word in their reason.</summary>
    public static async Task<int> GrantsAboutAsync(this DemoSystem system, string word) =>
        (await system.AskStoreAsync("SELECT id FROM grants WHERE document LIKE '%' || $value || '%'", word)).Count;

    /// <summary>Everything has come to its end: no grant is open, nothing waits in the inbox, nobody is owed a notice, and PostgreSQL holds none of our temporary roles.</summary>
    public static async Task ConvergesAsync(this DemoSystem system)
    {
        await Patience.UntilAsync(
            async () => (await system.AskStoreAsync("SELECT id FROM grants WHERE ended_at IS NULL OR due_at IS NOT NULL UNION ALL SELECT key FROM inbox WHERE finished_at IS NULL")).Count == 0,
            "no grant and no request is unfinished");
        Assert.Empty(await system.StrayRolesAsync());
        Assert.Empty(await system.AskServerAsync("SELECT pid FROM pg_stat_activity WHERE usename LIKE 'dba\\_%' OR (usename IS NULL AND backend_type = 'client backend')"));
    }

    /// <summary>No line that was printed, nothing in the store's files, and no audit record holds a secret.</summary>
    public static async Task HoldsNoSecretAsync(this DemoSystem system, params IEnumerable<string> more)
    {
        string[] secrets = [.. system.Secrets, .. more];
        foreach (var line in system.Output) Assert.False(secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal)), "A line of the log holds a secret.");
        foreach (var path in Directory.GetFiles(system.Data, Path.GetFileName(system.StorePath) + "*"))
        {
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            await file.CopyToAsync(bytes);
            var text = System.Text.Encoding.Latin1.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
            Assert.False(secrets.Any(secret => text.Contains(secret, StringComparison.Ordinal)), $"{Path.GetFileName(path)} holds a secret.");
        }
    }

    /// <summary>The form that this person has open, once it is there and <paramref name="ready"/>.</summary>
    public static async Task<JsonObject> FormAsync(this DemoSystem system, string user, Func<JsonObject, bool>? ready = null)
    {
        JsonObject? form = null;
        await Patience.UntilAsync(
            async () => (form = (await system.Users.ViewsAsync(user)) is [.., { } top] ? top : null) is not null && ready?.Invoke(form) != false,
            "the form is there");
        return form!;
    }

    public static JsonObject Field(JsonObject form, string name) => form["blocks"]!.AsArray().Select(block => block!.AsObject()).Single(block => (string?)block["block_id"] == name);

    public static IReadOnlyList<string> OptionsOf(JsonObject form, string field) =>
        [.. Field(form, field)["element"]!["options"]!.AsArray().Select(option => (string)option!["value"]!)];

    public static async Task CloseFormsAsync(this DemoSystem system, string user)
    {
        foreach (var view in await system.Users.ViewsAsync(user)) await system.Users.PostAsync("close", new { view_id = (string)view["id"]!, all = true });
    }

    private static string WithoutPasswords(string words) => PasswordLine().Replace(words, "Password: …");

    [GeneratedRegex("Password: `[^`]*`")]
    private static partial Regex PasswordLine();

    [GeneratedRegex("[0-9A-Z]{4}-[0-9A-Z]{2}")]
    private static partial Regex Id();
}
