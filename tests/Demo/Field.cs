using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace DbAccess.Demo;

/// <summary>A running system as those who attack it find it: what they can do there, and what is looked up to see what came of it.</summary>
internal sealed partial class Field
{
    /// <summary>A login of her own on the cluster; from PostgreSQL 16 on with CREATEROLE, which before that would be everything.</summary>
    public const string Mallory = "mallory";

    private static readonly string[] People = [SlackUser.Erin, SlackUser.Sam, SlackUser.Omar];

    private int _asked;

    private Field(DemoSystem system) => System = system;

    public DemoSystem System { get; }

    public int Major => System.Postgres.Major;

    /// <summary>Known to Slack and to us alone; who attacks with it has stolen it.</summary>
    public string SigningSecret => System.Secrets[1];

    public static async Task<Field> OpenAsync(DemoSystem system)
    {
        var field = new Field(system);
        await field.AskAsync($"CREATE ROLE mallory LOGIN PASSWORD 'mallory'{(field.Major >= 16 ? " CREATEROLE" : "")}; CREATE SCHEMA hers AUTHORIZATION mallory; SELECT 1");
        // The first request of a fresh process costs its compilation.
        await system.Users.CommandAsync(SlackUser.Dana, "help");
        await system.Users.WaitAsync(SlackUser.Dana, "give access back");
        return field;
    }

    /// <summary>Runs it on the database and answers the first value; as the superuser unless told otherwise.</summary>
    public async Task<string> AskAsync(string sql, string? user = null)
    {
        await using var connection = user is null ? await ConnectAsync(System.Orders.SuperuserConnectionString) : await OpenAsync(user, user);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 60 };
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>The SQLSTATE of the refusal; null when it is not refused.</summary>
    public async Task<string?> FailsAsync(string sql, string user)
    {
        try
        {
            await AskAsync(sql, user);
            return null;
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }

    public Task<NpgsqlConnection> OpenAsync(string user, string password) => ConnectAsync(System.Orders.ConnectionStringFor(user, password));

    public Task<NpgsqlConnection> LogInAsync(DeliveredCredential credential) => ConnectAsync(System.Postgres.ConnectionString(credential.User, credential.Password, credential.Database));

    public async Task<bool> CanLogInAsync(DeliveredCredential credential)
    {
        try
        {
            await using var session = await LogInAsync(credential);
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState is "28P01" or "28000")
        {
            return false;
        }
    }

    public static async Task<bool> AnswersAsync(NpgsqlConnection session)
    {
        try
        {
            await TryAsync(session, "SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>What the server refuses is refused.</summary>
    public static async Task TryAsync(NpgsqlConnection session, string sql)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, session) { CommandTimeout = 60 };
            await command.ExecuteNonQueryAsync();
        }
        catch (PostgresException refused) when (!refused.SqlState.StartsWith("57", StringComparison.Ordinal))
        {
        }
    }

    /// <summary>Asks for access that a rule allows, and gets it.</summary>
    public async Task<(string Id, DeliveredCredential Credential)> GetAsync(string user, string length = "10m") =>
        await TryGetAsync(user, length, Patience.Limit) ?? throw new InvalidOperationException($"{user} was given no access");

    /// <summary>Whether somebody else is still given what they ask for: "ok", or null.</summary>
    public async Task<string?> ReadsAsync(string user, string table = "public.orders", TimeSpan? patience = null)
    {
        if (await TryGetAsync(user, "10m", patience ?? Patience.Limit) is not ({ } id, { } credential)) return null;

        await using (var session = await LogInAsync(credential))
        {
            await using var command = new NpgsqlCommand($"SELECT count(*) FROM {table}", session);
            await command.ExecuteScalarAsync();
        }
        await EndAsync(user, id);
        return "ok";
    }

    public async Task EndAsync(string user, string id)
    {
        await System.Users.CommandAsync(user, $"done {id}");
        var role = GrantId.Parse(id)!.Compact;
        for (var watch = Stopwatch.StartNew(); await HasRoleAsync(role); await Task.Delay(100))
            if (watch.Elapsed > Patience.Limit) throw new InvalidOperationException($"the role of {id} is not gone after {Patience.Limit}");
    }

    /// <summary>Also one that is locked out and not gone yet. Only temporary roles have an end.</summary>
    public async Task<bool> HasRoleAsync(string part) =>
        await AskAsync($"SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'dba_') AND rolvaliduntil IS NOT NULL AND strpos(rolname, '{part}') > 0") is not "0";

    /// <summary>The scope role that a grant of Erin's rests on now.</summary>
    public async Task<string> ScopeRoleAsync()
    {
        var (id, credential) = await GetAsync(SlackUser.Erin);
        var scope = await AskAsync($"SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{credential.User}'::regrole LIMIT 1");
        await EndAsync(SlackUser.Erin, id);
        return scope;
    }

    /// <summary>Nobody has anything, or is about to get it.</summary>
    public async Task CleanUpAsync()
    {
        await SettledAsync();
        for (var watch = Stopwatch.StartNew(); await HasRoleAsync("_") && watch.Elapsed < Patience.Limit;)
        {
            foreach (var person in People) await System.Users.CommandAsync(person, "done all");
            await SettledAsync();
        }
    }

    /// <summary>All that was asked for is answered, and whatever was to be made or removed for it is, however busy the machine is.</summary>
    public async Task SettledAsync()
    {
        const string left = """
            SELECT (SELECT count(*) FROM inbox WHERE finished_at IS NULL)
                + (SELECT count(*) FROM grants WHERE ended_at IS NULL AND status <> 'Active' AND due_at IS NOT NULL AND due_at < $soon)
            """;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit; await Task.Delay(200))
            if (await StoredAsync(left, ("$soon", DateTimeOffset.UtcNow.AddMinutes(2).ToUnixTimeMilliseconds())) is "0") return;
    }

    public async Task<string> NowAsync(string user) =>
        (await System.Users.MessagesAsync(user)).Select(message => (string)message["ts"]!).Order(StringComparer.Ordinal).LastOrDefault() ?? "0";

    /// <summary>Whether the person is told something with these words.</summary>
    public async Task<bool> HearAsync(string user, string words, string after)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit; await Task.Delay(200))
            if ((await SinceAsync(user, after)).Any(said => said.Contains(words, StringComparison.Ordinal))) return true;
        return false;
    }

    /// <summary>The id of the grant that the person is told of.</summary>
    public async Task<string?> IdAsync(string user, string after)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit; await Task.Delay(200))
            if ((await SinceAsync(user, after)).Select(said => Id().Match(said)).FirstOrDefault(match => match.Success) is { Value: var id }) return id;
        return null;
    }

    /// <summary>The message with somebody's credentials.</summary>
    public async Task<JsonObject> CredentialsMessageAsync(string user, string id) =>
        (await System.Users.MessagesAsync(user)).Last(message => SlackUser.Words(message) is var words && GrantLine().Match(words).Groups["id"].Value == id);

    public async Task<IEnumerable<string>> SinceAsync(string user, string after) =>
        (await System.Users.MessagesAsync(user)).Where(message => string.CompareOrdinal((string)message["ts"]!, after) > 0).Select(SlackUser.Words);

    /// <summary>Sends a command to the door as somebody who is not Slack.</summary>
    public async Task<int> SendAsync(string secret, int seconds, string team = "T0DBACME1")
    {
        var body = $"team_id={team}&api_app_id=A0DBACCS1&user_id={SlackUser.Erin}&user_name=erin&channel_id=C0GENERAL&command=%2Fdb-access&text=orders+read+10m+because+it+is+sent+by+nobody&response_url=http%3A%2F%2F127.0.0.1%3A1%2F&trigger_id=1.2.{Interlocked.Increment(ref _asked)}";
        var at = DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var http = new HttpClient { BaseAddress = System.Product.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, "slack/commands") { Content = new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded") };
        if (secret.Length > 0)
        {
            request.Headers.Add("X-Slack-Request-Timestamp", at);
            request.Headers.Add("X-Slack-Signature", $"v0={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"v0:{at}:{body}")))}");
        }
        using var response = await http.SendAsync(request);
        return (int)response.StatusCode;
    }

    /// <summary>The first line of what is answered to these bytes.</summary>
    public async Task<string> RawAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, System.Product.Url.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)) ?? "";
    }

    public long ResidentMegabytes() => long.Parse(
        Digits().Match(File.ReadLines($"/proc/{System.Product.Id}/status").First(line => line.StartsWith("VmRSS", StringComparison.Ordinal))).Value, CultureInfo.InvariantCulture) / 1024;

    public async Task StoreAsync(string sql, params (string Name, object Value)[] values)
    {
        await using var store = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = System.StorePath, Pooling = false, DefaultTimeout = 10 }.ConnectionString);
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value);
        if (await command.ExecuteNonQueryAsync() == 0) throw new InvalidOperationException("nothing was written");
    }

    /// <summary>The first value of what stands in the store.</summary>
    public async Task<string> StoredAsync(string sql, params (string Name, object Value)[] values)
    {
        await using var store = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = System.StorePath, Pooling = false, DefaultTimeout = 10 }.ConnectionString);
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>What came of a grant in the end, by its record: its status.</summary>
    /// <param name="notYet">As it is before anything comes of it.</param>
    public async Task<string> OutcomeAsync(string id, string? notYet = null)
    {
        // Whoever makes roles looks by itself once a minute, and at once when somebody asks for something.
        await ReadsAsync(SlackUser.Sam);
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit; await Task.Delay(200))
            if (await StoredAsync("SELECT status FROM grants WHERE id = $id", ("$id", id)) is var status && status is "Active" or "Failed" or "Ended" && status != notYet) return status;
        return "nothing";
    }

    /// <summary>All that was left to do for a grant is done, what people are told of it too.</summary>
    public async Task NothingDueAsync(string id)
    {
        for (var watch = Stopwatch.StartNew(); await StoredAsync("SELECT count(*) FROM grants WHERE id = $id AND due_at IS NULL", ("$id", id)) is "0"; await Task.Delay(100))
            if (watch.Elapsed > Patience.Limit) throw new InvalidOperationException($"something of {id} is still to be done after {Patience.Limit}");
    }

    /// <summary>A copy of somebody's grant in another's name; answers its id.</summary>
    public async Task<string> ForgeGrantAsync(string from, Action<JsonObject> change)
    {
        var key = GrantId.New().ToString();
        var document = await DocumentAsync(from, grant =>
        {
            var now = DateTimeOffset.UtcNow.ToString("O");
            (grant["id"], grant["requestKey"], grant["version"], grant["events"], grant["attempts"], grant["leased"]) = (key, "forged", 1, 0, 0, false);
            (grant["approvedAt"], grant["stepDueAt"], grant["stepSince"]) = (now, now, now);
            change(grant);
        });
        await StoreAsync("""
            INSERT INTO grants (id, version, status, installation, team, requester, database, scope, role, created_at, expires_at, due_at, ended_at, document)
            SELECT $id, 1, 'Approved', installation, team, 'U0ENGINE3', database, scope, NULL, created_at, NULL, 1, NULL, $document FROM grants WHERE id = $from
            """, ("$id", key), ("$document", document), ("$from", from));
        return key;
    }

    /// <param name="due">When something is to be done for it; null to hide it for a year.</param>
    /// <param name="columns">What else to change in its row, in the same statement.</param>
    public async Task ChangeGrantAsync(string id, Action<JsonObject> change, DateTimeOffset? due = null, string columns = "") =>
        await StoreAsync($"UPDATE grants SET document = $document, due_at = $due{columns} WHERE id = $id",
            ("$document", await DocumentAsync(id, change)), ("$due", (due ?? DateTimeOffset.UtcNow.AddYears(1)).ToUnixTimeMilliseconds()), ("$id", id));

    private async Task<string> DocumentAsync(string id, Action<JsonObject> change)
    {
        await using var store = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = System.StorePath, Pooling = false, DefaultTimeout = 10 }.ConnectionString);
        await store.OpenAsync();
        await using var command = store.CreateCommand();
        command.CommandText = "SELECT document FROM grants WHERE id = $id";
        command.Parameters.AddWithValue("$id", id);
        var document = JsonNode.Parse((string)(await command.ExecuteScalarAsync())!)!.AsObject();
        change(document["grant"]!.AsObject());
        return document.ToJsonString();
    }

    private async Task<(string Id, DeliveredCredential Credential)?> TryGetAsync(string user, string length, TimeSpan patience)
    {
        var after = await NowAsync(user);
        await System.Users.CommandAsync(user, $"orders read {length} because attack number {Interlocked.Increment(ref _asked)} is being played");
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < patience; await Task.Delay(100))
        {
            foreach (var message in (await System.Users.MessagesAsync(user)).Where(message => string.CompareOrdinal((string)message["ts"]!, after) > 0))
            {
                var words = SlackUser.Words(message);
                if (DeliveredCredential.Read(words) is { } credential && GrantLine().Match(words) is { Success: true } id) return (id.Groups["id"].Value, credential);
            }
        }
        return null;
    }

    private static async Task<NpgsqlConnection> ConnectAsync(string connectionString)
    {
        var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    [GeneratedRegex("Grant: `?(?<id>[A-Z0-9]{4}-[A-Z0-9]{2})", RegexOptions.ExplicitCapture)]
    private static partial Regex GrantLine();

    [GeneratedRegex("[A-Z0-9]{4}-[A-Z0-9]{2}")]
    private static partial Regex Id();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
