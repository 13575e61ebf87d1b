using System.Globalization;
using System.Runtime.CompilerServices;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>
/// Grants in the SQLite file: state, events and <c>due_at</c> in one transaction, and only over the version that was loaded.
/// </summary>
internal sealed class SqliteGrantStore(SqliteDatabase database, UnreadableGrants unreadable) : IGrantStore, IGrantRetention
{
    // A reader of all that there was must not keep one transaction open for minutes.
    private const int Page = 500;

    // Reachable by tests that ask SQLite how it would run them.
    internal const string ListDueSql = "SELECT id, version, document FROM grants WHERE due_at <= $now ORDER BY due_at, id LIMIT $limit";
    internal const string NextDueSql = "SELECT due_at, id FROM grants WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT $limit";
    internal const string ListByRequesterSql =
        "SELECT id, version, document FROM grants WHERE team = $team AND requester = $user ORDER BY created_at DESC, id LIMIT $limit";

    internal const string ListLiveByRequesterSql =
        "SELECT id, version, document FROM grants WHERE team = $team AND requester = $user AND ended_at IS NULL ORDER BY created_at " +
            "DESC, id LIMIT $limit";

    internal const string ListLiveSql =
        "SELECT id, version, document FROM grants WHERE ended_at IS NULL ORDER BY created_at DESC, id LIMIT $limit";
    internal const string ListLiveByDatabaseSql =
        "SELECT id, version, document FROM grants WHERE ended_at IS NULL AND database = $database ORDER BY created_at DESC, id LIMIT " +
            "$limit";

    internal const string ListLiveIdsSql = "SELECT id FROM grants WHERE ended_at IS NULL LIMIT $limit";
    internal const string ListLatelyEndedSql =
        "SELECT CASE WHEN json_valid(document) THEN json_extract(document, '$.grant.target.cluster') END, max(ended_at) FROM grants " +
            "WHERE ended_at >= $since AND role IS NOT NULL GROUP BY 1";

    // The row value is compared as a whole, so that a page begins where the one before ended.
    internal const string ReadSinceSql =
        "SELECT id, version, document, created_at FROM grants WHERE (created_at, id) > ($since, $after) ORDER BY created_at, id LIMIT " +
            "$limit";

    internal const string CountQuarantinedSql = "SELECT count(*) FROM grants WHERE status = 'Quarantined'";

    public async Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken)
    {
        var state = grant.State with { Version = 1 };
        var outcome = await database.WriteAsync(
            connection =>
            {
                var added = connection.Execute(
                    """
                    INSERT INTO grants (id, version, status, installation, team, requester, database, scope, role, created_at, expires_at,
                        due_at, ended_at, document)
                    VALUES ($id, $version, $status, $installation, $team, $requester, $database, $scope, $role, $created, $expires, $due,
                        $ended, $document)
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
                var saved = connection.Execute(
                    """
                    UPDATE grants SET version = $version, status = $status, role = $role, expires_at = $expires, due_at = $due,
                        ended_at = $ended, document = $document, purge_at = NULL
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

    public Task MayGoAsync(GrantId grant, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var noted = connection.Execute(
                "UPDATE grants SET purge_at = $at WHERE id = $id AND ended_at IS NOT NULL",
                ("$at", StoreTime.Milliseconds(at)), ("$id", grant.ToString()));
            return (noted, noted > 0);
        },
        cancellationToken);

    public Task PurgeAsync(DateTimeOffset now, long exported, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var purged = connection.Execute(
                "DELETE FROM grants WHERE purge_at <= $now AND ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM evidence " +
                    "WHERE grant_id = grants.id AND (place IS NULL OR place >= $exported))",
                ("$now", StoreTime.Milliseconds(now)), ("$exported", exported));
            return (purged, purged > 0);
        },
        cancellationToken);

    public async Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) =>
        (await database.ReadAsync(connection => connection.List("SELECT id, version, document FROM grants WHERE id = $id",
            Read, ("$id", id.ToString())), cancellationToken)).FirstOrDefault();

    public async Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        var due = await ListAsync(ListDueSql, limit, cancellationToken, ("$now", StoreTime.Milliseconds(now)));
        // The column is rounded up to milliseconds; the grant itself knows exactly.
        due.RemoveAll(grant => grant.State.DueAt > now);
        return due;
    }

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) => database.ReadAsync<DateTimeOffset?>(
        connection =>
        {
            var leftOut = unreadable.Ids;
            var next = connection.List(NextDueSql, row => (Due: row.GetInt64(0), Id: row.GetString(1)),
                ("$limit", 1 + leftOut.Count)).Where(row => !leftOut.Contains(row.Id));
            return next.Select(row => (DateTimeOffset?)DateTimeOffset.FromUnixTimeMilliseconds(row.Due)).FirstOrDefault();
        },
        cancellationToken);

    public async Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        await ListAsync(ListByRequesterSql, limit, cancellationToken, ("$team", requester.Team), ("$user", requester.User));

    public async Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(
            PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        await ListAsync(ListLiveByRequesterSql, limit, cancellationToken, ("$team", requester.Team), ("$user", requester.User));

    public async Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken) =>
        database is null
        ? await ListAsync(ListLiveSql, limit, cancellationToken)
        : await ListAsync(ListLiveByDatabaseSql, limit, cancellationToken, ("$database", database.Value));

    public async Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken) => await database.ReadAsync(
        connection => connection.List(ListLiveIdsSql, row => ReadId(row.GetString(0)), ("$limit", limit)),
            cancellationToken);

    public async Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(
            DateTimeOffset since, CancellationToken cancellationToken)
    {
        var ended = await database.ReadAsync(
            connection => connection.List(
                ListLatelyEndedSql,
                row => (Cluster: row.IsDBNull(0)
                    ? null : ClusterName.Parse(row.GetString(0)), At: DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1))),
                ("$since", StoreTime.Milliseconds(since))),
            cancellationToken);
        return ended.Where(row => row.Cluster is not null).ToDictionary(row => row.Cluster!, row => row.At);
    }

    public async IAsyncEnumerable<Grant> ReadSinceAsync(
        DateTimeOffset since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // No id is empty, so the first millisecond is part of it.
        var (at, after) = (StoreTime.Milliseconds(since), "");
        while (true)
        {
            var rows = await database.ReadAsync(
                connection => connection.List(
                    ReadSinceSql,
                    row => (Id: row.GetString(0), At: row.GetInt64(3), Grant: unreadable.TryRead(row.GetString(0), () => Read(row))),
                    ("$since", at), ("$after", after), ("$limit", Page)),
                cancellationToken);
            foreach (var grant in rows.Select(row => row.Grant).OfType<Grant>().Where(grant => grant.State.CreatedAt >= since))
                yield return grant;
            if (rows.Count < Page) yield break;
            (at, after) = (rows[^1].At, rows[^1].Id);
        }
    }

    public async Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken) =>
        await database.ReadAsync(
        connection => connection.List(
            "SELECT number, body, open FROM evidence WHERE grant_id = $id AND number IS NOT NULL ORDER BY number",
            row => EventReading.GrantEvent(id, new EventBody(row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2))),
            ("$id", id.ToString())),
        cancellationToken);

    public async Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken)
    {
        var counts = await database.ReadAsync(
            connection => connection.List(
                "SELECT status, count(*) FROM grants GROUP BY status",
                // A status of a newer version is counted by that one.
                row => (Status: Enum.TryParse<GrantStatus>(row.GetString(0), out var status)
                    ? status : (GrantStatus?)null, Count: row.GetInt64(1))),
            cancellationToken);
        return counts.Where(row => row.Status is not null).ToDictionary(row => row.Status!.Value, row => row.Count);
    }

    public int CountUnreadable() => unreadable.Ids.Count;

    public Task<long> CountQuarantinedAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(connection => connection.Scalar(CountQuarantinedSql), cancellationToken);

    private static GrantId ReadId(string id) => GrantId.Parse(id) ?? throw new GrantDocumentException(id, "its id is none.");

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
            EvidenceRows.Add(connection, GrantFacts.Of(grant.State, happened, Way.Current, Way.Trace));
    }

    /// <summary>What cannot be read is left out, and hides nothing that stands behind it: then more rows are asked for.</summary>
    private Task<List<Grant>> ListAsync(
            string sql, int limit, CancellationToken cancellationToken, params (string Name, object? Value)[] parameters) =>
        database.ReadAsync(
        connection =>
        {
            for (long enough = (long)limit + unreadable.Ids.Count; ; enough *= 4)
            {
                var rows = connection.List(
                    sql, row => unreadable.TryRead(row.GetString(0), () => Read(row)), [.. parameters, ("$limit", enough)]);
                var readable = rows.OfType<Grant>().Take(limit).ToList();
                if (readable.Count >= limit || rows.Count < enough) return readable;
            }
        },
        cancellationToken);

    // The column is what saves are compared with, so it is the version that counts.
    private static Grant Read(SqliteDataReader row) =>
        new(GrantJson.Read(row.GetString(0), row.GetString(2)) with { Version = row.GetInt64(1) });
}
