using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>Accepted requests in the SQLite file.</summary>
internal sealed class SqliteInbox(SqliteDatabase database, TimeProvider clock) : IInbox
{
    private readonly string _holder = Guid.NewGuid().ToString("N");

    public Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            // A key may come back as another copy's alias and the other way round, so each is looked for in both places.
            var added = SqliteDatabase.Execute(
                connection,
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

    /// <summary>A row that is no request (damaged, or put there by somebody else) is left out: it must not hide those behind it.</summary>
    public async Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        [.. (await database.ReadAsync(
        connection => SqliteDatabase.List<InboxItem?>(
            connection,
            """
            SELECT key, kind, team, user, channel, text, received_at, seal FROM inbox
            WHERE finished_at IS NULL AND (held_until IS NULL OR held_until <= $now) ORDER BY received_at, rowid
            """,
            row => PrincipalId.Parse(row.GetString(2), row.GetString(3)) is { } from && StoreTime.TryParse(row.GetString(6)) is { } received
                ? new InboxItem(
                    row.GetString(0), row.GetString(1), from, row.IsDBNull(4) ? null : row.GetString(4), row.GetString(5), received)
                {
                    Seal = row.IsDBNull(7) ? null : row.GetString(7),
                }
                : null,
            ("$now", StoreTime.Text(now))),
        cancellationToken)).OfType<InboxItem>()];

    public Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        database.WriteAsync(
        connection =>
        {
            var held = SqliteDatabase.Execute(
                connection,
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
            var finished = SqliteDatabase.Execute(
                connection,
                "UPDATE inbox SET finished_at = $now WHERE key = $key AND finished_at IS NULL",
                ("$key", key),
                ("$now", StoreTime.Text(clock.GetUtcNow())));
            return (finished, finished > 0);
        },
        cancellationToken);

    public Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var purged = SqliteDatabase.Execute(
                connection,
                "DELETE FROM inbox WHERE finished_at IS NOT NULL AND received_at < $before",
                ("$before", StoreTime.Text(before)));
            return (purged, purged > 0);
        },
        cancellationToken);
}
