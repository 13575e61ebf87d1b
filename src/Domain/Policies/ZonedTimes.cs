using NodaTime;
using NodaTime.TimeZones;

namespace DbAccess.Domain.Policies;

/// <summary>
/// Times on a clock on the wall, in a named zone, as instants. The zones are those that NodaTime carries with it: neither a small image nor
/// a function has any of its own. A time that does not exist (the clocks go forward) is the next that does; of a doubled one the first is
/// meant.
/// </summary>
public static class ZonedTimes
{
    private static readonly ZoneLocalMappingResolver Resolve =
        Resolvers.CreateMappingResolver(Resolvers.ReturnEarlier, Resolvers.ReturnStartOfIntervalAfter);

    /// <summary>The names there are, <c>Europe/Istanbul</c>.</summary>
    public static IReadOnlyCollection<string> Zones => DateTimeZoneProviders.Tzdb.Ids;

    /// <summary>Whether there is such a zone; every other method wants one that there is.</summary>
    public static bool Knows(string? zone) => zone is not null && DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone) is not null;

    /// <summary>The instant, in UTC, at which the clocks of a zone show this.</summary>
    /// <exception cref="DateTimeZoneNotFoundException">There is no such zone.</exception>
    public static DateTimeOffset At(string zone, DateOnly day, TimeOnly time) =>
        LocalDateTime.FromDateTime(day.ToDateTime(time)).InZone(Zone(zone), Resolve).ToInstant().ToDateTimeOffset();

    /// <summary>When the clocks of a zone next show this: today, or tomorrow when that has passed.</summary>
    /// <exception cref="DateTimeZoneNotFoundException">There is no such zone.</exception>
    public static DateTimeOffset Next(string zone, TimeOnly time, DateTimeOffset now)
    {
        var today = Day(zone, now);
        return At(zone, today, time) is var at && at >= now ? at : At(zone, today.AddDays(1), time);
    }

    /// <summary>The same instant as the clocks of a zone show it, with the zone's offset at that moment; for people.</summary>
    /// <exception cref="DateTimeZoneNotFoundException">There is no such zone.</exception>
    public static DateTimeOffset Local(string zone, DateTimeOffset instant) =>
        Instant.FromDateTimeOffset(instant).InZone(Zone(zone)).ToDateTimeOffset();

    /// <summary>Which day it is there.</summary>
    /// <exception cref="DateTimeZoneNotFoundException">There is no such zone.</exception>
    public static DateOnly Day(string zone, DateTimeOffset instant) => DateOnly.FromDateTime(Local(zone, instant).DateTime);

    private static DateTimeZone Zone(string zone) => DateTimeZoneProviders.Tzdb[zone];
}
