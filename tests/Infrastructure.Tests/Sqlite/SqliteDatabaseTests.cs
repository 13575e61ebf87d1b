using System.Diagnostics;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace DbAccess.Infrastructure.Tests.Sqlite;

public sealed class SqliteDatabaseTests : IDisposable
{
    private readonly SqliteFolder _folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_and_its_folder_are_for_nobody_else()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("File modes are Unix.");
            return;
        }

        await new SqliteGrantStore(_folder.Open(), Unreadable.New()).AddAsync(Some.Active(), Stop);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(_folder.File)!));
        var files = Directory.GetFiles(Path.GetDirectoryName(_folder.File)!);
        Assert.Contains(files, file => file.EndsWith("-wal", StringComparison.Ordinal));
        foreach (var file in files) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Every_connection_writes_through_to_the_disk()
    {
        var database = _folder.Open();
        await database.InitializeAsync(Stop);

        for (var i = 0; i < 3; i++)
        {
            using var connection = database.Open();
            Assert.Equal("wal", Text(connection, "PRAGMA journal_mode"));
            Assert.Equal("2", Text(connection, "PRAGMA synchronous"));
            Assert.Equal("1", Text(connection, "PRAGMA foreign_keys"));
            Assert.Equal("10000", Text(connection, "PRAGMA busy_timeout"));
        }
    }

    [Fact]
    public async Task A_file_of_a_newer_version_is_refused_and_left_alone()
    {
        await _folder.Open().InitializeAsync(Stop);
        using (var raw = _folder.Raw()) raw.Execute("PRAGMA user_version = 99");

        var refusal = await Assert.ThrowsAsync<SqliteStoreException>(() => new SqliteGrantStore(_folder.Open(), Unreadable.New()).AddAsync(Some.Active(), Stop));

        Assert.Contains("newer version", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("99", refusal.Message, StringComparison.Ordinal);
        using var after = _folder.Raw();
        Assert.Equal((99, 0), (after.Scalar("PRAGMA user_version"), after.Scalar("SELECT count(*) FROM grants")));
    }

    [Fact]
    public async Task Somebody_elses_file_is_refused_and_left_alone()
    {
        var file = Path.Combine(_folder.Folder, "other.db");
        using (var raw = _folder.Raw(file)) raw.Execute("CREATE TABLE theirs (a)");

        var refusal = await Assert.ThrowsAsync<SqliteStoreException>(() => _folder.Open(file).InitializeAsync(Stop));

        Assert.Contains("another program", refusal.Message, StringComparison.Ordinal);
        using var after = _folder.Raw(file);
        Assert.Equal("theirs", Text(after, "SELECT group_concat(name) FROM sqlite_schema"));
    }

    [Fact]
    public async Task What_is_no_database_is_refused_and_left_alone()
    {
        var file = Path.Combine(_folder.Folder, "notes.txt");
        var text = new string('n', 5000);
        await File.WriteAllTextAsync(file, text, Stop);

        var refusal = await Assert.ThrowsAsync<SqliteStoreException>(() => _folder.Open(file).InitializeAsync(Stop));

        Assert.Contains("not an SQLite file", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(file, Stop));
        await Assert.ThrowsAsync<SqliteStoreException>(() => _folder.Open(_folder.Folder).InitializeAsync(Stop));
    }

    [Fact]
    public async Task Many_that_start_at_once_make_the_tables_once()
    {
        var databases = Enumerable.Range(0, 8).Select(_ => _folder.Open()).ToList();

        await Task.WhenAll(databases.Select(database => Task.Run(() => database.InitializeAsync(Stop), Stop)));

        foreach (var database in databases) await database.PingAsync(Stop);
    }

    [Fact]
    public async Task A_file_that_vanished_is_noticed_and_no_empty_one_takes_its_place()
    {
        var database = _folder.Open();
        await database.PingAsync(Stop);

        File.Delete(_folder.File);

        await Assert.ThrowsAsync<SqliteStoreException>(() => database.PingAsync(Stop));
        await Assert.ThrowsAsync<SqliteStoreException>(() => new SqliteGrantStore(database, Unreadable.New()).AddAsync(Some.Active(), Stop));
        Assert.False(File.Exists(_folder.File));
    }

    [Fact]
    public async Task What_has_a_place_cannot_be_edited_and_nothing_removed()
    {
        await new SqliteGrantStore(_folder.Open(), Unreadable.New()).AddAsync(Some.Active(), Stop);
        await AppendAsync(1);
        using var raw = _folder.Raw();
        raw.Execute("UPDATE evidence SET place = 0, hash = zeroblob(32) WHERE id = 1");

        foreach (var sql in (string[])
            [
                "UPDATE evidence SET body = 'x'", "UPDATE evidence SET open = 'x' WHERE id = 2", "DELETE FROM evidence",
                "UPDATE evidence SET place = 1 WHERE id = 1", "UPDATE evidence SET hash = x'00' WHERE id = 1",
                "UPDATE evidence SET number = 7 WHERE id = 2", "UPDATE evidence SET place = NULL WHERE id = 1",
            ])
            Assert.Throws<SqliteException>(() => raw.Execute(sql));

        Assert.Equal(1, raw.Scalar("SELECT count(*) FROM attempts WHERE outcome = 'done'"));
        Assert.Equal(5, raw.Scalar("SELECT count(*) FROM events"));
    }

    /// <summary>A text that was cut in the middle of an emoji, or carries a NUL: neither may make a row that cannot be read, or that looks tampered with.</summary>
    [Theory]
    [InlineData('\0', '\0')]
    [InlineData('\ud83d', '\ufffd')]
    public async Task Broken_text_harms_nothing(char sent, char kept)
    {
        var database = _folder.Open();
        var trail = new SqliteEvidenceLog(database);
        var store = new SqliteGrantStore(database, Unreadable.New());
        var grant = new Grant(MaximalGrant.Snapshot(GrantId.New(), $"a{sent}b"));

        await trail.RecordAsync(Attempt($"a{sent}b"), Stop);
        await store.AddAsync(grant, Stop);

        Assert.Contains(kept is '\0' ? "a\\u0000b" : "a\ufffdb", Assert.Single(await trail.ListUnplacedAsync(10, Stop)).Body.Json, StringComparison.Ordinal);
        Assert.Equal($"a{kept}b", (await store.FindAsync(grant.Id, Stop))!.State.Reason);
    }

    [Theory]
    [InlineData(SqliteGrantStore.ListDueSql, "grants_due")]
    [InlineData(SqliteGrantStore.NextDueSql, "grants_due")]
    [InlineData(SqliteGrantStore.ListByRequesterSql, "grants_requester")]
    [InlineData(SqliteGrantStore.ListLiveByRequesterSql, "grants_(requester|live)")]
    [InlineData(SqliteGrantStore.ListLiveSql, "grants_live")]
    [InlineData(SqliteGrantStore.ReadSinceSql, "grants_created")]
    [InlineData(SqliteGrantStore.ListLiveByDatabaseSql, "grants_live_by_database")]
    public async Task Lists_are_read_from_their_index_in_its_order(string sql, string index)
    {
        await _folder.Open().InitializeAsync(Stop);
        using var raw = _folder.Raw();

        var plan = string.Join('\n', raw.List("EXPLAIN QUERY PLAN " + sql, row => row.GetString(3), [.. Parameters(sql)]));

        Assert.Matches($@"\b{index}\b", plan);
        Assert.DoesNotContain("TEMP B-TREE", plan, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SqliteGrantStore.ListLiveIdsSql, "grants_live(_by_database)?")]
    [InlineData(SqliteGrantStore.ListLatelyEndedSql, "grants_ended")]
    [InlineData(SqliteGrantStore.CountQuarantinedSql, "grants_status")]
    public async Task What_every_sweep_asks_is_answered_from_an_index(string sql, string index)
    {
        await _folder.Open().InitializeAsync(Stop);
        using var raw = _folder.Raw();

        var plan = string.Join('\n', raw.List("EXPLAIN QUERY PLAN " + sql, row => row.GetString(3), [.. Parameters(sql)]));

        Assert.Matches($@"INDEX {index}\b", plan);
    }

    [Fact]
    public async Task A_file_of_the_first_version_gets_what_is_new_and_keeps_what_it_has()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File)!);
        using (var first = _folder.Raw())
        {
            first.Execute(SqliteSchema.Migrations[0]);
            first.Execute($"PRAGMA application_id = {0x44424163}; PRAGMA user_version = 1;");
            first.Execute("INSERT INTO inbox (key, kind, team, user, text, received_at) VALUES ('a', 'command', 'T0DBACME1', 'U0ENGINE1', 'help', '2026-03-02T14:00:00.0000000Z')");
        }

        var inbox = new SqliteInbox(_folder.Open(), Unreadable.Requests(), TimeProvider.System);
        Assert.Equal("a", Assert.Single(await inbox.ListWaitingAsync(Some.Now, Stop)).Key);
        Assert.True(await inbox.TryHoldAsync("a", Some.Now, Some.Now.AddSeconds(20), Stop));
        await _folder.Open().InitializeAsync(Stop);
        Assert.Empty(await inbox.ListWaitingAsync(Some.Now, Stop));
    }

    [Fact]
    public async Task Asking_what_is_due_costs_the_same_with_a_hundred_thousand_grants_as_with_ten()
    {
        await _folder.Open().InitializeAsync(Stop);
        using var raw = _folder.Raw();

        // As long as every grant can be read.
        var next = SqliteGrantStore.NextDueSql.Replace("$limit", "1", StringComparison.Ordinal);
        Fill(raw, 10);
        var few = (Due: Steps(raw, SqliteGrantStore.ListDueSql), Next: Steps(raw, next));
        Fill(raw, 100_000);
        var many = (Due: Steps(raw, SqliteGrantStore.ListDueSql), Next: Steps(raw, next));

        Assert.Equal(few, many);
        Assert.InRange(many.Due, 1, 100);
        // Proves the measure: a look at every row is seen as one.
        Assert.True(Steps(raw, "SELECT count(*) FROM grants WHERE document = ''") > 100_000);
        var store = new SqliteGrantStore(_folder.Open(), Unreadable.New());
        Assert.Empty(await store.ListDueAsync(Some.Now, 100, Stop));
        Assert.Equal(Some.Now.AddYears(50), await store.NextDueAsync(Stop));
    }

    /// <summary>
    /// A writer in another process, killed without warning in the middle of writing: what it had been told was saved is there, whole, and
    /// nothing else is half there.
    /// </summary>
    [Fact]
    public async Task What_was_saved_survives_the_death_of_the_writing_process()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        // Run as "dotnet Tests.dll" the process is dotnet, and wants to be told of the assembly.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet") start.ArgumentList.Add(typeof(WriterProcess).Assembly.Location);
        start.Environment[WriterProcess.Variable] = _folder.File;
        using var writer = Process.Start(start)!;
        var acknowledged = new List<(GrantId Id, int Events)>();
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            patience.CancelAfter(TimeSpan.FromSeconds(60));
            while (acknowledged.Count < 50 && await writer.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                if (line.Split(' ') is ["saved", var id, var events]) acknowledged.Add((GrantId.Parse(id)!, int.Parse(events, CultureInfo.InvariantCulture)));
            }
        }
        finally
        {
            writer.Kill();
            await writer.WaitForExitAsync(Stop);
        }

        Assert.Equal(50, acknowledged.Count);
        var database = _folder.Open();
        var store = new SqliteGrantStore(database, Unreadable.New());
        foreach (var (id, events) in acknowledged)
        {
            var grant = await store.FindAsync(id, Stop);
            Assert.NotNull(grant);
            Assert.True(grant.State.Events >= events);
        }

        foreach (var grant in await store.ListLiveAsync(null, int.MaxValue, Stop))
            Assert.Equal(grant.State.Events, (await store.ListEventsAsync(grant.Id, Stop)).Count);
        using var raw = _folder.Raw();
        Assert.Equal("ok", Text(raw, "PRAGMA integrity_check"));
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(Some.Active(), Stop));
    }

    private static void Fill(SqliteConnection raw, int count) => raw.Execute(
        """
        BEGIN;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $count)
        INSERT OR IGNORE INTO grants (id, version, status, installation, team, requester, database, scope, created_at, due_at, ended_at, document)
        SELECT 'G' || i, 1, iif(i % 2, 'Active', 'Ended'), 'i', 'T', 'U', 'orders', 'read', i, iif(i % 2, $due + i - 1, NULL), iif(i % 2, NULL, i), '{}' FROM n;
        COMMIT;
        ANALYZE;
        """,
        ("$count", count),
        ("$due", StoreTime.Milliseconds(Some.Now.AddYears(50))));

    /// <summary>How many steps SQLite's own machine takes for a statement: what it costs, without a clock.</summary>
    private static int Steps(SqliteConnection connection, string sql)
    {
        const int vmStep = 4;
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_prepare_v2(connection.Handle, sql, out var statement));
        using (statement)
        {
            foreach (var (name, value) in Parameters(sql))
            {
                if (value is long number) Assert.Equal(raw.SQLITE_OK, raw.sqlite3_bind_int64(statement, raw.sqlite3_bind_parameter_index(statement, name), number));
            }

            while (raw.sqlite3_step(statement) == raw.SQLITE_ROW)
            {
                // Only the steps count.
            }

            return raw.sqlite3_stmt_status(statement, vmStep, 0);
        }
    }

    private static IEnumerable<(string Name, object? Value)> Parameters(string sql) => new (string Name, object? Value)[]
    {
        ("$now", StoreTime.Milliseconds(Some.Now)), ("$limit", 100L), ("$team", "T"), ("$user", "U"), ("$database", "orders"),
        ("$since", StoreTime.Milliseconds(Some.Now)), ("$after", ""),
    }.Where(parameter => sql.Contains(parameter.Name, StringComparison.Ordinal));

    private static string Text(SqliteConnection connection, string sql)
    {
        using var command = connection.Command(sql);
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture)!;
    }

    private async Task AppendAsync(int count)
    {
        var trail = new SqliteEvidenceLog(_folder.Open());
        for (var i = 0; i < count; i++)
            await trail.RecordAsync(Attempt($"{i}"), Stop);
    }

    private static LogEvent Attempt(string subject) => new()
    {
        At = Some.Now, Type = "command.create_grant", By = new Domain.Principals.Actor.Sweep(), Way = Way.Worker, Outcome = "done",
        What = [new Fact.Text("subject", subject)],
    };
}
