using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>Events as rows of the log's table.</summary>
internal static class EvidenceRows
{
    /// <summary>In the transaction of the state that it tells of.</summary>
    public static void Add(SqliteConnection connection, LogEvent happened)
    {
        var body = EventBody.Of(happened);
        connection.Execute(
            "INSERT INTO evidence (at, grant_id, number, body, open) VALUES ($at, $grant, $number, $body, $open)",
            ("$at", StoreTime.Milliseconds(happened.At)),
            ("$grant", happened.Grant?.ToString()),
            ("$number", happened.Number),
            ("$body", body.Json),
            ("$open", body.Open));
    }
}
