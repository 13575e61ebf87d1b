using DbAccess.Domain.Policies;

namespace DbAccess.Domain.Tests.Policies;

public sealed class CalendarTests
{
    [Theory]
    // Istanbul is three hours ahead of UTC, always.
    [InlineData("2026-12-01T05:59:59Z", false)]
    [InlineData("2026-12-01T06:00:00Z", true)]
    [InlineData("2026-12-01T14:59:59Z", true)]
    [InlineData("2026-12-01T15:00:00Z", false)]
    // Saturday, Sunday, and Monday again.
    [InlineData("2026-12-05T10:00:00Z", false)]
    [InlineData("2026-12-06T10:00:00Z", false)]
    [InlineData("2026-12-07T10:00:00Z", true)]
    // A Friday that is excepted, and the one before.
    [InlineData("2026-12-25T10:00:00Z", false)]
    [InlineData("2026-12-18T10:00:00Z", true)]
    public void Office_hours_are_those_of_the_zone_and_end_before_until(string at, bool inside)
    {
        var office = Office();

        Assert.Equal(inside, office.Covers(DateTimeOffset.Parse(at)));
        Assert.Equal(inside, new CalendarUse(office, Not: false).Covers(DateTimeOffset.Parse(at)));
        Assert.Equal(!inside, new CalendarUse(office, Not: true).Covers(DateTimeOffset.Parse(at)));
    }

    [Theory]
    // The night from Friday the 4th on; its hours are Friday's, also where they lie on Saturday.
    [InlineData("2026-12-04T21:59:59Z", false)]
    [InlineData("2026-12-04T22:00:00Z", true)]
    [InlineData("2026-12-05T05:59:59Z", true)]
    [InlineData("2026-12-05T06:00:00Z", false)]
    [InlineData("2026-12-05T23:00:00Z", false)]
    [InlineData("2026-12-05T02:00:00Z", true)]
    // Thursday's night does not begin, since it is excepted; its morning is Wednesday's.
    [InlineData("2026-12-10T03:00:00Z", true)]
    [InlineData("2026-12-10T23:00:00Z", false)]
    [InlineData("2026-12-11T03:00:00Z", false)]
    public void Hours_that_cross_midnight_belong_to_the_day_on_which_they_begin(string at, bool inside)
    {
        var nights = new Calendar("nights", Weekdays, new TimeOnly(22, 0), new TimeOnly(6, 0), "UTC", new HashSet<DateOnly> { new(2026, 12, 10) });

        Assert.Equal(inside, nights.Covers(DateTimeOffset.Parse(at)));
    }

    [Theory]
    // Berlin, 2026-03-29: at 02:00 the clocks go to 03:00 (01:00 UTC), so 02:30 is not there and 03:00 is meant.
    [InlineData("02:30", "06:00", "2026-03-29T00:59:59Z", false)]
    [InlineData("02:30", "06:00", "2026-03-29T01:00:00Z", true)]
    [InlineData("02:30", "06:00", "2026-03-29T03:59:59Z", true)]
    [InlineData("02:30", "06:00", "2026-03-29T04:00:00Z", false)]
    // Both ends are not there: no hours at all that night.
    [InlineData("02:10", "02:50", "2026-03-29T01:00:00Z", false)]
    // Berlin, 2026-10-25: at 03:00 the clocks go back to 02:00 (01:00 UTC), so 02:30 is there twice and the first is meant.
    [InlineData("02:30", "06:00", "2026-10-25T00:29:59Z", false)]
    [InlineData("02:30", "06:00", "2026-10-25T00:30:00Z", true)]
    [InlineData("02:30", "06:00", "2026-10-25T01:15:00Z", true)]
    [InlineData("02:30", "06:00", "2026-10-25T05:00:00Z", false)]
    [InlineData("01:00", "02:30", "2026-10-25T00:29:59Z", true)]
    [InlineData("01:00", "02:30", "2026-10-25T00:30:00Z", false)]
    [InlineData("01:00", "02:30", "2026-10-25T01:15:00Z", false)]
    public void On_the_nights_when_the_clocks_change_hours_have_one_beginning_and_one_end(string from, string until, string at, bool inside)
    {
        var hours = new Calendar("hours", EveryDay, TimeOnly.Parse(from), TimeOnly.Parse(until), "Europe/Berlin", new HashSet<DateOnly>());

        Assert.Equal(inside, hours.Covers(DateTimeOffset.Parse(at)));
    }

    [Theory]
    [InlineData("2026-12-05T00:00:00Z", true)]
    [InlineData("2026-12-06T23:59:59Z", true)]
    [InlineData("2026-12-07T00:00:00Z", false)]
    [InlineData("2026-12-04T23:59:59Z", false)]
    public void Whole_days_begin_and_end_at_midnight(string at, bool inside)
    {
        var weekend = new Calendar("weekend", new HashSet<DayOfWeek> { DayOfWeek.Saturday, DayOfWeek.Sunday }, TimeOnly.MinValue, TimeOnly.MinValue, "UTC", new HashSet<DateOnly>());

        Assert.Equal(inside, weekend.Covers(DateTimeOffset.Parse(at)));
    }

    [Theory]
    [InlineData("2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z", "2026-12-01T15:00:00Z")]
    [InlineData("2026-12-01T15:00:00Z", "2026-12-02T06:00:00Z", "2026-12-01T15:00:00Z")]
    [InlineData("2026-12-01T03:00:00Z", "2026-12-01T06:00:00Z", "2026-12-01T03:00:00Z")]
    // Thursday evening before the excepted Friday: Monday.
    [InlineData("2026-12-24T15:00:00Z", "2026-12-28T06:00:00Z", "2026-12-24T15:00:00Z")]
    public void The_next_time_inside_and_outside_is_known(string from, string inside, string outside)
    {
        var office = Office();

        Assert.Equal(DateTimeOffset.Parse(inside), new CalendarUse(office, Not: false).Next(DateTimeOffset.Parse(from)));
        Assert.Equal(DateTimeOffset.Parse(outside), new CalendarUse(office, Not: true).Next(DateTimeOffset.Parse(from)));
    }

    [Fact]
    public void What_is_never_inside_or_outside_is_said_to_have_no_next_time()
    {
        var always = new Calendar("always", EveryDay, TimeOnly.MinValue, TimeOnly.MinValue, "UTC", new HashSet<DateOnly>());
        var never = always with { Days = new HashSet<DayOfWeek>() };

        Assert.Null(new CalendarUse(always, Not: true).Next(DateTimeOffset.Parse("2026-12-01T10:00:00Z")));
        Assert.Null(new CalendarUse(never, Not: false).Next(DateTimeOffset.Parse("2026-12-01T10:00:00Z")));
    }

    [Theory]
    [InlineData("2026-03-29", "02:30", "2026-03-29T01:00:00Z")]
    [InlineData("2026-10-25", "02:30", "2026-10-25T00:30:00Z")]
    [InlineData("2026-07-01", "22:00", "2026-07-01T20:00:00Z")]
    [InlineData("2026-12-01", "22:00", "2026-12-01T21:00:00Z")]
    public void A_time_on_the_wall_is_one_instant(string day, string time, string instant) =>
        Assert.Equal(DateTimeOffset.Parse(instant), ZonedTimes.At("Europe/Berlin", DateOnly.Parse(day), TimeOnly.Parse(time)));

    [Theory]
    [InlineData("22:00", "2026-12-01T20:59:59Z", "2026-12-01T21:00:00Z")]
    [InlineData("22:00", "2026-12-01T21:00:00Z", "2026-12-01T21:00:00Z")]
    [InlineData("22:00", "2026-12-01T21:00:01Z", "2026-12-02T21:00:00Z")]
    // It is already the next day there.
    [InlineData("00:30", "2026-12-01T23:15:00Z", "2026-12-01T23:30:00Z")]
    // Of a doubled time the second is over with the first.
    [InlineData("02:30", "2026-10-25T00:45:00Z", "2026-10-26T01:30:00Z")]
    [InlineData("02:30", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z")]
    public void The_next_time_on_the_wall_is_today_or_tomorrow(string time, string now, string next) =>
        Assert.Equal(DateTimeOffset.Parse(next), ZonedTimes.Next("Europe/Berlin", TimeOnly.Parse(time), DateTimeOffset.Parse(now)));

    [Theory]
    [InlineData("Europe/Istanbul", true)]
    [InlineData("Europe/Istambul", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Zones_are_known_without_any_of_the_machine(string? zone, bool known) => Assert.Equal(known, ZonedTimes.Knows(zone));

    [Fact]
    public void An_instant_is_shown_by_the_clocks_of_the_zone() =>
        Assert.Equal("2026-12-01T13:00:00+03:00", $"{ZonedTimes.Local("Europe/Istanbul", DateTimeOffset.Parse("2026-12-01T10:00:00Z")):yyyy-MM-ddTHH:mm:sszzz}");

    [Theory]
    [InlineData("2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z")]
    [InlineData("2026-12-01T13:00+03:00", "2026-12-01T10:00:00Z")]
    [InlineData("2026-12-01T10:00:00", null)]
    [InlineData("2026-12-01", null)]
    [InlineData("2026-13-01T10:00:00Z", null)]
    [InlineData("0001-01-01T00:00:00Z", null)]
    public void An_instant_is_written_with_its_offset(string text, string? instant) =>
        Assert.Equal(instant is null ? null : DateTimeOffset.Parse(instant), Instants.Parse(text));

    private static readonly HashSet<DayOfWeek> Weekdays = [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday];

    private static readonly HashSet<DayOfWeek> EveryDay = [.. Weekdays, DayOfWeek.Saturday, DayOfWeek.Sunday];

    private static Calendar Office() =>
        new("office", Weekdays, new TimeOnly(9, 0), new TimeOnly(18, 0), "Europe/Istanbul", new HashSet<DateOnly> { new(2026, 12, 25) });
}
