using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>Grants in the SQLite file: state, events and <c>due_at</c> in one transaction, and only over the version that was loaded.</summary>
internal sealed class SqliteGrantStore(SqliteDatabase database) : IGrantStore
{
    // Reachable by tests that ask SQLite how it would run them.
    internal const string ListDueSql = "SELECT id, version, document FROM grants WHERE due_at <= $now ORDER BY due_at, id LIMIT $limit";
    internal const string NextDueSql = "SELECT due_at FROM grants WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1";
    internal const string ListByRequesterSql =
        "SELECT id, version, document FROM grants WHERE team = $team AND requester = $user ORDER BY created_at DESC, id LIMIT $limit";

    internal const string ListLiveSql = "SELECT id, version, document FROM grants WHERE ended_at IS NULL ORDER BY created_at DESC, id LIMIT $limit";
    internal const string ListLiveByDatabaseSql =
        "SELECT id, version, document FROM grants WHERE ended_at IS NULL AND database = $database ORDER BY created_at DESC, id LIMIT $limit";

    public async Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken)
    {
        var state = grant.State with { Version = 1 };
        var outcome = await database.WriteAsync(
            connection =>
            {
                var added = SqliteDatabase.Execute(
                    connection,
                    """
                    INSERT INTO grants (id, version, status, installation, team, requester, database, scope, role, created_at, expires_at, due_at, ended_at, document)
                    VALUES ($id, $version, $status, $installation, $team, $requester, $database, $scope, $role, $created, $expires, $due, $ended, $document)
                    ON CONFLICT (id) DO NOTHING
                    """,
                    [
                        .. Changing(state),
                        ("$installation", state.Installation),
                        ("$team", state.Requester.Team),
                        ("$requester", state.Requester.User),
                        ("$database", state.Target.Name.Value),
                        ("$scope", state.Scope.Name.Value),
                        ("$created", StoreTime.Milliseconds(state.CreatedAt)),
                    ]) == 1;
                if (added) AddEvents(connection, grant);
                return (added ? SaveOutcome.Saved : SaveOutcome.LostRace, added);
            },
            cancellationToken);

        if (outcome is SaveOutcome.Saved) grant.Saved(state.Version);
        return outcome;
    }

    public async Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken)
    {
        var loaded = grant.State.Version;
        var state = grant.State with { Version = loaded + 1 };
        var outcome = await database.WriteAsync(
            connection =>
            {
                var saved = SqliteDatabase.Execute(
                    connection,
                    """
                    UPDATE grants SET version = $version, status = $status, role = $role, expires_at = $expires, due_at = $due, ended_at = $ended, document = $document
                    WHERE id = $id AND version = $loaded
                    """,
                    [.. Changing(state), ("$loaded", loaded)]) == 1;
                if (saved) AddEvents(connection, grant);
                return (saved ? SaveOutcome.Saved : SaveOutcome.LostRace, saved);
            },
            cancellationToken);

        if (outcome is SaveOutcome.Saved) grant.Saved(state.Version);
        return outcome;
    }

    public async Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) =>
        (await ListAsync("SELECT id, version, document FROM grants WHERE id = $id", cancellationToken, ("$id", id.ToString()))).FirstOrDefault();

    public async Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        var due = await ListAsync(ListDueSql, cancellationToken, ("$now", StoreTime.Milliseconds(now)), ("$limit", limit));
        // The column is rounded up to milliseconds; the grant itself knows exactly.
        due.RemoveAll(grant => grant.State.DueAt > now);
        return due;
    }

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) => database.ReadAsync<DateTimeOffset?>(
        connection =>
        {
            using var command = SqliteDatabase.Command(connection, NextDueSql);
            return command.ExecuteScalar() is long due ? DateTimeOffset.FromUnixTimeMilliseconds(due) : null;
        },
        cancellationToken);

    public async Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        await ListAsync(ListByRequesterSql, cancellationToken, ("$team", requester.Team), ("$user", requester.User), ("$limit", limit));

    public async Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken) => database is null
        ? await ListAsync(ListLiveSql, cancellationToken, ("$limit", limit))
        : await ListAsync(ListLiveByDatabaseSql, cancellationToken, ("$database", database.Value), ("$limit", limit));

    public async Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken) => await database.ReadAsync(
        connection => SqliteDatabase.List(
            connection,
            """SELECT seq, at, type, by, "from", "to", note FROM events WHERE grant_id = $id ORDER BY seq""",
            row => new GrantEvent(
                row.GetInt32(0),
                StoreTime.Parse(row.GetString(1)),
                row.GetString(2),
                Actor.Parse(row.GetString(3)) ?? throw new GrantDocumentException(id.ToString(), string.Create(CultureInfo.InvariantCulture, $"event {row.GetInt32(0)} does not say who did it.")),
                row.IsDBNull(4) ? null : Enum.Parse<GrantStatus>(row.GetString(4)),
                Enum.Parse<GrantStatus>(row.GetString(5)),
                row.IsDBNull(6) ? null : row.GetString(6)),
            ("$id", id.ToString())),
        cancellationToken);

    public async Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken)
    {
        var counts = await database.ReadAsync(
            connection => SqliteDatabase.List(
                connection,
                "SELECT status, count(*) FROM grants GROUP BY status",
                row => (Status: Enum.Parse<GrantStatus>(row.GetString(0)), Count: row.GetInt64(1))),
            cancellationToken);
        return counts.ToDictionary(row => row.Status, row => row.Count);
    }

    private static (string Name, object? Value)[] Changing(GrantSnapshot state) =>
    [
        ("$id", state.Id.ToString()),
        ("$version", state.Version),
        ("$status", state.Status.ToString()),
        ("$role", state.Role?.Value),
        ("$expires", StoreTime.Milliseconds(state.Window?.Expiry)),
        ("$due", StoreTime.Milliseconds(state.DueAt)),
        ("$ended", StoreTime.Milliseconds(state.EndedAt)),
        ("$document", GrantJson.Write(state)),
    ];

    private static void AddEvents(SqliteConnection connection, Grant grant)
    {
        foreach (var happened in grant.NewEvents)
        {
            SqliteDatabase.Execute(
                connection,
                """INSERT INTO events (grant_id, seq, at, type, by, "from", "to", note) VALUES ($grant, $seq, $at, $type, $by, $from, $to, $note)""",
                ("$grant", grant.Id.ToString()),
                ("$seq", happened.Sequence),
                ("$at", StoreTime.Text(happened.At)),
                ("$type", happened.Type),
                ("$by", happened.By.ToString()),
                ("$from", happened.From?.ToString()),
                ("$to", happened.To.ToString()),
                ("$note", happened.Note));
        }
    }

    private Task<List<Grant>> ListAsync(string sql, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters) => database.ReadAsync(
        connection => SqliteDatabase.List(connection, sql, row => Read(row.GetString(0), row.GetInt64(1), row.GetString(2)), parameters),
        cancellationToken);

    // The column is what saves are compared with, so it is the version that counts.
    private static Grant Read(string id, long version, string document) => new(GrantJson.Read(id, document) with { Version = version });
}
