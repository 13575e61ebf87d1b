using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>
/// The upgrade to the evidence log: what versions before it kept as events of grants and as attempts becomes leaves of it.
/// </summary>
internal static class CarriedEvents
{
    /// <summary>Copies all of it into the log's table, oldest first. Once, in the transaction that then drops the old tables.</summary>
    public static void Carry(SqliteConnection connection)
    {
        using var attempts = Cursor(connection, "SELECT at, action, by, subject, outcome, correlation FROM audit ORDER BY seq");
        using var events = Cursor(connection, """
            SELECT e.at, e.grant_id, e.seq, e.type, e.by, e."from", e."to", e.note, g.document
            FROM events e JOIN grants g ON g.id = e.grant_id ORDER BY e.grant_id, e.seq
            """);
        // They come grant by grant, so each document is read once.
        (string Id, GrantSnapshot? State)? last = null;
        while (events.Read())
        {
            if (last?.Id != events.GetString(1)) last = (events.GetString(1), State(events));
            EvidenceRows.Add(connection, GrantsOwn(events, last?.State));
        }

        while (attempts.Read())
            EvidenceRows.Add(connection, CarriedEvent.Attempt(
                attempts.GetString(0), attempts.GetString(1), attempts.GetString(2), attempts.GetString(3), attempts.GetString(4),
                Text(attempts, 5)));
    }

    private static LogEvent GrantsOwn(SqliteDataReader row, GrantSnapshot? state)
    {
        var (id, from, to) = (row.GetString(1), Text(row, 5), row.GetString(6));
        // What somebody wrote there by hand, or a newer version did, does not keep the rest from being carried.
        if (GrantId.Parse(id) is not { } grant || StoreTime.TryParse(row.GetString(0)) is not { } at
            || !Enum.TryParse<GrantStatus>(to, out var after) || (from is not null && !Enum.TryParse<GrantStatus>(from, out _)))
            return CarriedEvent.Unreadable(id, row.GetInt32(2), row.GetString(3), row.GetString(4), Text(row, 7));

        var happened = new GrantEvent(row.GetInt32(2), at, row.GetString(3), Actor.Parse(row.GetString(4)) ?? new Actor.Sweep(),
            from is null ? null : Enum.Parse<GrantStatus>(from), after, Text(row, 7));
        return CarriedEvent.OfGrant(grant, state, happened);
    }

    /// <summary>Null where the document cannot be read: its events are carried all the same.</summary>
    private static GrantSnapshot? State(SqliteDataReader row)
    {
        try
        {
            return GrantJson.Read(row.GetString(1), row.GetString(8));
        }
        catch (GrantDocumentException)
        {
            return null;
        }
    }

    private static SqliteDataReader Cursor(SqliteConnection connection, string sql) =>
        connection.Command(sql).ExecuteReader();

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
