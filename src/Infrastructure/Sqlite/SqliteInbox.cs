using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>Accepted requests in the SQLite file.</summary>
internal sealed class SqliteInbox(SqliteDatabase database, TimeProvider clock) : IInbox
{
    public Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            // A key may come back as another copy's alias and the other way round, so each is looked for in both places.
            var added = SqliteDatabase.Execute(
                connection,
                """
                INSERT INTO inbox (key, alias, kind, team, user, channel, text, received_at)
                SELECT $key, $alias, $kind, $team, $user, $channel, $text, $received
                WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE key = $key OR key = $alias OR alias = $key OR alias = $alias)
                """,
                ("$key", item.Key),
                ("$alias", alias),
                ("$kind", item.Kind),
                ("$team", item.From.Team),
                ("$user", item.From.User),
                ("$channel", item.Channel),
                ("$text", item.Text),
                ("$received", StoreTime.Text(item.ReceivedAt))) == 1;
            return (added, added);
        },
        cancellationToken);

    public async Task<IReadOnlyList<InboxItem>> ListUnfinishedAsync(CancellationToken cancellationToken) => await database.ReadAsync(
        connection => SqliteDatabase.List(
            connection,
            "SELECT key, kind, team, user, channel, text, received_at FROM inbox WHERE finished_at IS NULL ORDER BY received_at, rowid",
            row => new InboxItem(
                row.GetString(0),
                row.GetString(1),
                PrincipalId.Parse(row.GetString(2), row.GetString(3)) ?? throw new SqliteStoreException($"The request {row.GetString(0)} does not say whose it is."),
                row.IsDBNull(4) ? null : row.GetString(4),
                row.GetString(5),
                StoreTime.Parse(row.GetString(6)))),
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
