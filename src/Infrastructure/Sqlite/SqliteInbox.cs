using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>Accepted requests in the SQLite file.</summary>
internal sealed class SqliteInbox(SqliteDatabase database, UnreadableRequests unreadable, TimeProvider clock) : IInbox
{
    private readonly string _holder = Guid.NewGuid().ToString("N");

    public Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            // A key may come back as another copy's alias and the other way round, so each is looked for in both places.
            var added = connection.Execute(
                """
                INSERT INTO inbox (key, alias, kind, team, user, channel, text, received_at, held_by, held_until, seal)
                SELECT $key, $alias, $kind, $team, $user, $channel, $text, $received, $me, $until, $seal
                WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE key = $key OR key = $alias OR alias = $key OR alias = $alias)
                """,
                ("$key", item.Key),
                ("$alias", alias),
                ("$kind", item.Kind),
                ("$team", item.From.Team),
                ("$user", item.From.User),
                ("$channel", item.Channel),
                ("$text", item.Text),
                ("$received", StoreTime.Text(item.ReceivedAt)),
                ("$seal", item.Seal),
                ("$me", _holder),
                ("$until", StoreTime.Text(item.ReceivedAt + IInbox.Hold))) == 1;
            return (added, added);
        },
        cancellationToken);

    public async Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        unreadable.Waiting(await database.ReadAsync(
        connection => connection.List(
            """
            SELECT key, kind, team, user, channel, text, received_at, held_until, seal FROM inbox
            WHERE finished_at IS NULL ORDER BY received_at, rowid
            """,
            row => new InboxRow(
                row.GetString(0), row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), Text(row, 4), row.GetString(5),
                row.GetString(6), Text(row, 7), Text(row, 8))),
        cancellationToken), now);

    public int CountUnreadable() => unreadable.Count;

    public Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        database.WriteAsync(
        connection =>
        {
            var held = connection.Execute(
                """
                UPDATE inbox SET held_by = $me, held_until = $until
                WHERE key = $key AND finished_at IS NULL AND (held_until IS NULL OR held_until <= $now OR held_by = $me)
                """,
                ("$key", key),
                ("$me", _holder),
                ("$now", StoreTime.Text(now)),
                ("$until", StoreTime.Text(until))) == 1;
            return (held, held);
        },
        cancellationToken);

    public Task FinishAsync(string key, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var finished = connection.Execute(
                "UPDATE inbox SET finished_at = $now WHERE key = $key AND finished_at IS NULL",
                ("$key", key),
                ("$now", StoreTime.Text(clock.GetUtcNow())));
            return (finished, finished > 0);
        },
        cancellationToken);

    public Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var purged = connection.Execute(
                "DELETE FROM inbox WHERE finished_at IS NOT NULL AND received_at < $before",
                ("$before", StoreTime.Text(before)));
            return (purged, purged > 0);
        },
        cancellationToken);

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
