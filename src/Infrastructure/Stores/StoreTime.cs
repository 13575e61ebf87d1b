using System.Globalization;

namespace DbAccess.Infrastructure.Stores;

/// <summary>Instants in columns: whole milliseconds where a number is compared, full text where the exact instant is given back.</summary>
internal static class StoreTime
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'";

    /// <summary>Rounded up, so that nothing counts as due before it is: a grant told to expire a moment too soon would refuse.</summary>
    public static long Milliseconds(DateTimeOffset at)
    {
        var whole = at.ToUnixTimeMilliseconds();
        return DateTimeOffset.FromUnixTimeMilliseconds(whole) < at ? whole + 1 : whole;
    }

    public static long? Milliseconds(DateTimeOffset? at) => at is { } instant ? Milliseconds(instant) : null;

    /// <summary>UTC, of one length, so that texts sort as the instants do.</summary>
    public static string Text(DateTimeOffset at) => at.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    public static DateTimeOffset Parse(string text) =>
        DateTimeOffset.ParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    /// <summary>Null for what <see cref="Text"/> did not write.</summary>
    public static DateTimeOffset? TryParse(string? text) =>
        DateTimeOffset.TryParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;
}
