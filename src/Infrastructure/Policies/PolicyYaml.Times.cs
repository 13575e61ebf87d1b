using System.Globalization;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using Calendar = DbAccess.Domain.Policies.Calendar;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    /// <summary>The part that reads calendars, and the rules' use of them.</summary>
    private sealed partial class Reader
    {
        private const string NotWord = "not";

        private static readonly Dictionary<string, DayOfWeek> Week = Enum.GetValues<DayOfWeek>()
            .ToDictionary(day => day.ToString()[..3].ToLowerInvariant(), StringComparer.Ordinal);

        private readonly Dictionary<string, Calendar> _hours = new(StringComparer.Ordinal);

        private Calendar? Calendar(YamlText key, YamlNode value)
        {
            var path = $"calendars.{Show.Text(key.Value)}";
            if (key.Value is NotWord || !GroupName().IsMatch(key.Value))
                Fault(key, $"calendars has '{Show.Text(key.Value)}', which is no name: small letters, digits, '.', '-' and '_', at most " +
                    "63, and not 'not'");
            if (Fields(value, path, ["days", "zone"], ["from", "until", "except"]) is not { } fields) return null;

            var days = new HashSet<DayOfWeek>();
            foreach (var text in fields.TryGetValue("days", out var daysNode) ? Texts(daysNode, $"{path}.days") : [])
            {
                if (Week.TryGetValue(text.Value, out var day)) days.Add(day);
                else Fault(text, $"{path}.days names '{Show.Text(text.Value)}', which is not a day{Show.Hint(text.Value, Week.Keys)}");
            }

            var zone = fields.TryGetValue("zone", out var zoneNode) ? Text(zoneNode, $"{path}.zone") : null;
            var known = ZonedTimes.Knows(zone?.Value);
            if (zone is not null && !known)
                Fault(zone, $"{path}.zone is '{Show.Text(zone.Value)}', which is no time zone{Show.Hint(zone.Value, ZonedTimes.Zones)} " +
                    "(like Europe/Istanbul)");

            // Both or neither; neither is the whole day.
            if (fields.ContainsKey("from") != fields.ContainsKey("until"))
                Fault(key, $"{path} has only one of 'from' and 'until'; leave both out for whole days");
            var from = Clock(fields, "from", path, mayBeMidnight: false);
            var until = Clock(fields, "until", path, mayBeMidnight: true);
            if (from is not null && from == until && !(from == TimeOnly.MinValue && fields["until"] is YamlText { Value: EndOfDay }))
                Fault(fields["until"], $"{path}.until is the same as from; leave both out for whole days");

            var except = new HashSet<DateOnly>();
            foreach (var item in fields.TryGetValue("except", out var exceptNode)
                ? Texts(exceptNode, $"{path}.except", mayBeEmpty: true) : [])
            {
                if (Day(item, $"{path}.except item") is { } day) except.Add(DateOnly.FromDateTime(day.DateTime));
            }

            return known ? new Calendar(
                key.Value, days, from ?? TimeOnly.MinValue, until ?? TimeOnly.MinValue, zone!.Value, except) : null;
        }

        private const string EndOfDay = "24:00";

        private TimeOnly? Clock(Dictionary<string, YamlNode> fields, string key, string path, bool mayBeMidnight)
        {
            if (!fields.TryGetValue(key, out var node) || Text(node, $"{path}.{key}") is not { } text) return null;
            if (mayBeMidnight && text.Value is EndOfDay) return TimeOnly.MinValue;
            if (TimeOnly.TryParseExact(text.Value, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)) return time;
            Fault(text, $"{path}.{key} is '{Show.Text(text.Value)}', which is not a time of day like \"09:00\"");
            return null;
        }

        /// <summary><c>office</c> or <c>not office</c>.</summary>
        private CalendarUse? When(YamlNode node, string path)
        {
            if (Text(node, path) is not { } text) return null;
            var words = text.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var name = words is [NotWord, var behind] ? behind : text.Value;
            if (!_calendars.Contains(name))
                Fault(text, $"{path} is '{Show.Text(text.Value)}'; it names one of 'calendars', or 'not' and one of " +
                    $"them{Show.Hint(name, _calendars)}");
            return _hours.TryGetValue(name, out var calendar) ? new CalendarUse(calendar, words is [NotWord, _]) : null;
        }
    }
}
