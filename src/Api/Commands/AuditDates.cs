using System.CommandLine;
using System.Globalization;

namespace DbAccess.Api.Commands;

/// <summary>From when until when, and where to: what the verbs that write a part of the evidence log have in common.</summary>
internal static class AuditDates
{
    private const string Shape = "a date like 2026-10-01";

    public static Option<string?> To() => Takes.Value("--to", "DIR", "A folder that is not there yet.", required: true);

    public static Option<DateTimeOffset?> From(bool required = false) =>
        Takes.Value("--from", "DATE", "From the beginning of this day (UTC).", Read, Shape, required);

    public static Option<DateTimeOffset?> Until(bool required = false) =>
        Takes.Value("--until", "DATE", "Until the beginning of this day (UTC).", Read, Shape, required);

    /// <summary>A day, from its beginning in UTC, or an instant.</summary>
    public static DateTimeOffset? Read(string? text) =>
        DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'"],
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;
}
