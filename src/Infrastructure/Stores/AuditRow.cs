using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Stores;

/// <summary>What a look through the audit trail found.</summary>
/// <param name="Rows">How many rows there are.</param>
/// <param name="FirstBroken">The first row that is missing, was changed, or stands where it was not written; null when there is
/// none.</param>
/// <param name="Head"> The last row's hash (hex). A chain cannot show that its end was cut off, or that all of it was written anew; who
/// notes this elsewhere can tell. </param>
public sealed record AuditVerdict(long Rows, long? FirstBroken, string Head);

/// <summary>One row of an audit trail as it is kept and hashed, the same in every store.</summary>
internal sealed record AuditRow(long Sequence, string At, string Action, string By, string Subject, string Outcome, string? Correlation)
{
    /// <summary>What stands in for the row before the first.</summary>
    public static readonly byte[] Beginning = new byte[SHA256.HashSizeInBytes];

    public static AuditRow Of(long sequence, AuditRecord record) =>
        new(sequence, StoreTime.Text(record.At), record.Action, record.By.ToString()!, record.Subject, record.Outcome, record.Correlation);

    // A JSON array, since no text in one field can then pass for two.
    public byte[] Hash(byte[] previous) => SHA256.HashData(
    [
        .. previous,
        .. JsonSerializer.SerializeToUtf8Bytes([Sequence.ToString(CultureInfo.InvariantCulture), At, Action, By, Subject, Outcome,
            Correlation], AuditShape.Default.StringArray),
    ]);
}

/// <summary>What is hashed of an audit row, for the serializer.</summary>
[JsonSerializable(typeof(string?[]))]
internal sealed partial class AuditShape : JsonSerializerContext;
