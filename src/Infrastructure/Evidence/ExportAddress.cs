using System.Text.RegularExpressions;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>Where an export is in S3.</summary>
/// <param name="Prefix">Ends in a slash, or is empty.</param>
internal sealed partial record ExportAddress(string Bucket, string Prefix)
{
    /// <summary><c>s3://bucket</c> or <c>s3://bucket/prefix</c>; null for anything else.</summary>
    public static ExportAddress? Read(string text) => Shape().Match(text) is { Success: true } parts
        ? new ExportAddress(parts.Groups["bucket"].Value, parts.Groups["prefix"].Value is { Length: > 0 } prefix ? $"{prefix}/" : "")
        : null;

    [GeneratedRegex("^s3://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?<prefix>[^/]+(/[^/]+)*)?)?/?\\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Shape();
}
