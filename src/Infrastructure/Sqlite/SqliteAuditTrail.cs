using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>
/// The audit trail in the SQLite file. Each row carries a hash over the row before and its own content, so that a later change of one shows
/// in all that follow.
/// </summary>
internal sealed class SqliteAuditTrail(SqliteDatabase database) : IAuditTrail
{
    public Task AppendAsync(AuditRecord record, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            var (sequence, previous) = Last(connection);
            var row = AuditRow.Of(sequence + 1, record);
            SqliteDatabase.Execute(
                connection,
                "INSERT INTO audit (seq, at, action, by, subject, outcome, correlation, hash) VALUES ($seq, $at, $action, $by, $subject, " +
                    "$outcome, $correlation, $hash)",
                ("$seq", row.Sequence),
                ("$at", row.At),
                ("$action", row.Action),
                ("$by", row.By),
                ("$subject", row.Subject),
                ("$outcome", row.Outcome),
                ("$correlation", row.Correlation),
                ("$hash", row.Hash(previous)));
            return (row.Sequence, true);
        },
        cancellationToken);

    /// <summary>Reads the whole trail and follows its chain.</summary>
    public Task<AuditVerdict> VerifyAsync(CancellationToken cancellationToken) => database.ReadAsync(
        connection =>
        {
            var (rows, previous, firstBroken) = (0L, AuditRow.Beginning, (long?)null);
            using var command = SqliteDatabase.Command(
                connection, "SELECT seq, at, action, by, subject, outcome, correlation, hash FROM audit ORDER BY seq");
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                cancellationToken.ThrowIfCancellationRequested();
                rows++;
                var hash = reader.GetFieldValue<byte[]>(7);
                if (firstBroken is null && reader.GetInt64(0) != rows) firstBroken = rows;
                if (firstBroken is null && !Read(reader).Hash(previous).AsSpan().SequenceEqual(hash)) firstBroken = rows;
                previous = hash;
            }

            return new AuditVerdict(rows, firstBroken, Convert.ToHexStringLower(previous));
        },
        cancellationToken);

    private static (long Sequence, byte[] Hash) Last(SqliteConnection connection)
    {
        using var command = SqliteDatabase.Command(connection, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
        using var reader = command.ExecuteReader();
        return reader.Read() ? (reader.GetInt64(0), reader.GetFieldValue<byte[]>(1)) : (0, AuditRow.Beginning);
    }

    private static AuditRow Read(SqliteDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.IsDBNull(6)
            ? null : row.GetString(6));
}
