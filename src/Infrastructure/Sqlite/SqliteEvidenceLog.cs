using System.Globalization;
using System.Runtime.CompilerServices;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>
/// The evidence log in the SQLite file. Writes are one after the other there, so the order of the rows is that of the commits, and giving
/// places is an update of rows that have none.
/// </summary>
internal sealed class SqliteEvidenceLog(SqliteDatabase database) : IAuditTrail, IEvidenceLog
{
    // A reader of the whole log must not keep one transaction open for minutes: the write-ahead file would grow meanwhile.
    private const int Page = 2_000;

    private const int Constraint = 19;

    internal const string UnplacedSql = "SELECT id, body, open FROM evidence WHERE place IS NULL ORDER BY id LIMIT $limit";

    public Task RecordAsync(LogEvent happened, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            EvidenceRows.Add(connection, happened);
            return (true, true);
        },
        cancellationToken);

    public Task<bool> TryHoldAsync(string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        database.WriteAsync(
        connection =>
        {
            // Not "somebody else has it": nobody ever would again.
            if (connection.Scalar("SELECT count(*) FROM log_end") == 0) throw NoEnd();
            var held = connection.Execute(
                "UPDATE log_end SET held_by = $holder, held_until = $until WHERE held_by IS NULL OR held_by = $holder OR held_until <= " +
                    "$now OR held_until > $beyond",
                ("$holder", holder), ("$until", until.ToUnixTimeMilliseconds()), ("$now", now.ToUnixTimeMilliseconds()),
                ("$beyond", (until + LogEnd.ClocksDiffer).ToUnixTimeMilliseconds())) == 1;
            return (held, held);
        },
        cancellationToken);

    public Task<LogEnd> ReadEndAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.List("SELECT version, head, checkpoint FROM log_end",
            row => new LogEnd(row.GetInt64(0), Text(row, 1), Text(row, 2))) is [var end, ..] ? end : throw NoEnd(),
        cancellationToken);

    public async Task<IReadOnlyList<UnplacedEvent>> ListUnplacedAsync(int limit, CancellationToken cancellationToken) =>
        await database.ReadAsync(
        connection => connection.List(UnplacedSql,
            row => new UnplacedEvent(row.GetInt64(0).ToString(CultureInfo.InvariantCulture), new EventBody(row.GetString(1), Text(row, 2))),
            ("$limit", limit)),
        cancellationToken);

    public Task<bool> TryAppendAsync(LogEnd over, long firstPlace, IReadOnlyList<(UnplacedEvent Event, byte[] Hash)> placed, LogEnd end,
        DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var moved = connection.Execute(
                "UPDATE log_end SET version = $version, head = $head, checkpoint = $checkpoint WHERE version = $over",
                ("$version", over.Version + 1), ("$head", end.Head), ("$checkpoint", end.Checkpoint), ("$over", over.Version)) == 1;
            if (!moved) return (false, false);

            try
            {
                using var place = connection.Command(
                    "UPDATE evidence SET place = $place, hash = $hash WHERE id = $id AND place IS NULL",
                    ("$place", 0L), ("$hash", null), ("$id", 0L));
                for (var i = 0; i < placed.Count; i++)
                {
                    place.Parameters["$place"].Value = firstPlace + i;
                    place.Parameters["$hash"].Value = placed[i].Hash;
                    place.Parameters["$id"].Value = long.Parse(placed[i].Event.Key, CultureInfo.InvariantCulture);
                    if (place.ExecuteNonQuery() != 1) return (false, false);
                }

                if (end.Checkpoint is not null)
                    connection.Execute("INSERT INTO checkpoints (size, at, note) VALUES ($size, $at, $note)",
                        ("$size", firstPlace + placed.Count), ("$at", StoreTime.Text(at)), ("$note", end.Checkpoint));
                return (true, true);
            }
            catch (SqliteException taken) when (taken.SqliteErrorCode == Constraint)
            {
                throw new LogBrokenException(string.Create(CultureInfo.InvariantCulture,
                    $"something stands past its end, from event {firstPlace} on (tables evidence and checkpoints)"), taken);
            }
        },
        cancellationToken);

    public Task GoBackAsync(LogEnd end, long place, DateTimeOffset at, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var (now, note) = (StoreTime.Milliseconds(at), end.Checkpoint!);
            connection.Execute(
                "INSERT INTO marks (name, value) SELECT 'aside:' || size || ':' || $now, note FROM checkpoints WHERE size >= $place " +
                    "AND note <> $note ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                ("$now", now), ("$place", place), ("$note", note));
            connection.Execute("DELETE FROM checkpoints WHERE size >= $place", ("$place", place));
            connection.Execute("INSERT INTO checkpoints (size, at, note) VALUES ($place, $at, $note)",
                ("$place", place), ("$at", StoreTime.Text(end.Signed!.Checkpoint.At)), ("$note", note));
            connection.Execute(
                "INSERT INTO log_end (one, version, head, checkpoint) VALUES (1, 1, $head, $note) ON CONFLICT (one) DO UPDATE " +
                    "SET version = version + 1, head = excluded.head, checkpoint = excluded.checkpoint",
                ("$head", end.Head), ("$note", note));
            // What keeps places as they are would keep these; it comes back with the same commit.
            const string trigger = "evidence_is_not_edited";
            var sql = connection.List($"SELECT sql FROM sqlite_schema WHERE name = '{trigger}'", row => row.GetString(0));
            if (sql.Count > 0) connection.Execute($"DROP TRIGGER {trigger}");
            connection.Execute("UPDATE evidence SET place = NULL, hash = NULL WHERE place >= $place", ("$place", place));
            foreach (var text in sql) connection.Execute(text);
            return (true, true);
        },
        cancellationToken);

    public IAsyncEnumerable<PlacedEvent> ReadAsync(long from, CancellationToken cancellationToken) => PagesAsync(
        "SELECT place, body, open, hash FROM evidence WHERE place >= $from ORDER BY place LIMIT $page", from, cancellationToken);

    public IAsyncEnumerable<PlacedEvent> ReadGrantAsync(GrantId grant, CancellationToken cancellationToken) => PagesAsync(
        "SELECT place, body, open, hash FROM evidence WHERE grant_id = $grant AND place >= $from ORDER BY place LIMIT $page", 0,
        cancellationToken, ("$grant", grant.ToString()));

    public async IAsyncEnumerable<string> ReadCheckpointsAsync(
        long past, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = past; ;)
        {
            var from = after;
            var page = await database.ReadAsync(
                connection => connection.List("SELECT size, note FROM checkpoints WHERE size > $from ORDER BY size LIMIT $page",
                    row => (Size: row.GetInt64(0), Note: row.GetString(1)), ("$from", from), ("$page", Page)),
                cancellationToken);
            foreach (var (size, note) in page)
            {
                yield return note;
                after = size;
            }

            if (page.Count < Page) yield break;
        }
    }

    public Task<(long Events, DateTimeOffset? Since)> CountUnplacedAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.List("SELECT count(*), min(at) FROM evidence WHERE place IS NULL",
            row => (row.GetInt64(0), row.IsDBNull(1) ? (DateTimeOffset?)null
                : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1))))[0],
        cancellationToken);

    public Task<string?> ReadMarkAsync(string name, CancellationToken cancellationToken) => database.ReadAsync(
        connection => connection.List("SELECT value FROM marks WHERE name = $name", row => row.GetString(0), ("$name",
            name))
            .FirstOrDefault(),
        cancellationToken);

    public Task<bool> TryWriteMarkAsync(string name, string? over, string value, CancellationToken cancellationToken) =>
        database.WriteAsync(
        connection =>
        {
            var written = connection.Execute(over is null
                ? "INSERT INTO marks (name, value) VALUES ($name, $value) ON CONFLICT (name) DO NOTHING"
                : "UPDATE marks SET value = $value WHERE name = $name AND value = $over",
                ("$name", name), ("$value", value), ("$over", over)) == 1;
            return (written, written);
        },
        cancellationToken);

    private async IAsyncEnumerable<PlacedEvent> PagesAsync(string sql, long from,
        [EnumeratorCancellation] CancellationToken cancellationToken,
        params (string Name, object? Value)[] values)
    {
        while (true)
        {
            var first = from;
            var page = await database.ReadAsync(
                connection => connection.List(sql,
                    row => new PlacedEvent(row.GetInt64(0), new EventBody(row.GetString(1), Text(row, 2)), row.IsDBNull(3)
                        ? null : row.GetFieldValue<byte[]>(3)),
                    [.. values, ("$from", first), ("$page", Page)]),
                cancellationToken);
            foreach (var placed in page)
            {
                yield return placed;
                from = placed.Place + 1;
            }

            if (page.Count < Page) yield break;
        }
    }

    private static LogBrokenException NoEnd() => new("its end is gone (table log_end)");

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
