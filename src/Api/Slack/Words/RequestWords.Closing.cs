using System.Globalization;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Words;

/// <summary>What may be said of a request besides, and what comes of all that was said.</summary>
internal sealed partial class RequestWords
{
    private const string Utc = "UTC";
    private static readonly CultureInfo Digits = CultureInfo.InvariantCulture;

    private readonly DateTimeOffset _now;
    private readonly IReadOnlyList<(string Shown, string User)> _mentions;
    private TypedTime? _begin, _end;
    private DateTimeOffset? _startsAt;
    private bool _breakGlass;

    // The reason was set off by "because": nothing that was meant as something else is in it.
    private bool _isSet;
    private string? _for, _number;

    private bool HasLength => _duration is not null || _end is not null || _number is not null;

    private string Zone => _offers.Zone ?? Utc;

    /// <summary>When, for whom, in an emergency: told before the reason begins, also when all the rest is said. How many words it takes.
    /// </summary>
    private (int Taken, Intent.Misread? Question) Aside(int at, string word)
    {
        if (Names.IsName(word)) return (0, null);
        var limit = _because > at ? _because : _words.Count;
        if (!_breakGlass && IsBreakGlass(at, limit) is > 0 and var glass)
        {
            _breakGlass = true;
            return (glass, null);
        }

        if (word is "for" && _for is null && at + 1 < limit && Person(at + 1) is var (taken, unknown) && (taken > 0 || unknown is not null))
            return (taken + 1, unknown);

        var (time, bad) = WhenWords.At(_words, at, limit);
        if (bad is not null)
            return (0, new Intent.Misread($"{Typed.Quoted(bad)} is no time of day. Times look like 22:00, days like 2026-12-01."));
        if (time is null || (time.Ends ? _end : _begin) is not null) return LengthToo(at);
        if (time.Ends && HasLength) return (0, Both());
        if (time.Ends) _end = time;
        else _begin = time;
        return (time.Taken, null);
    }

    private (int Taken, Intent.Misread? Question) LengthToo(int at) =>
        _end is not null && _because > at && LengthWords.At(_words, at).Length is not null ? (0, Both()) : (0, null);

    private static Intent.Misread Both() => new("Say a length or `until` with a time, not both. Nothing was filed yet.");

    private int IsBreakGlass(int at, int limit)
    {
        var word = Typed.Bare(_words[at].Text, Names);
        if (word is "break-glass" or "breakglass") return 1;
        return word is "break" && at + 1 < limit && Typed.Bare(_words[at + 1].Text, Names) is "glass" ? 2 : 0;
    }

    /// <summary>Somebody who is mentioned. A name alone is nobody's for certain: people choose and change them.</summary>
    private (int Taken, Intent.Misread? Unknown) Person(int at)
    {
        var rest = _line[_words[at].Start..];
        var (shown, user) = _mentions.Where(one => rest.StartsWith(one.Shown, StringComparison.Ordinal))
            .OrderByDescending(one => one.Shown.Length).FirstOrDefault();
        if (shown is not null && _mentions.All(one => one.Shown != shown || one.User == user))
        {
            _for = user;
            var end = _words[at].Start + shown.Length;
            return (_words.Skip(at).TakeWhile(word => word.Start < end).Count(), null);
        }

        if (rest is not ['@', not ' ', ..] || Names.IsName(Typed.Bare(_words[at].Text, Names))) return (0, null);
        return (0, new Intent.Misread(
            $"I cannot tell for certain who {Typed.Quoted(_words[at].Text)} is. Mention them, so that Slack makes a link of the name: " +
            "type @ and choose them from the list. Nothing was filed yet."));
    }

    /// <summary>A number where a length is expected: of what is asked back, and nothing that was said is lost.</summary>
    private bool BareNumber(int at)
    {
        var word = _words[at].Text.Trim([.. Typed.Around]).TrimEnd([.. Typed.Behind]);
        if (HasLength || word.Length > 4 || !word.All(char.IsAsciiDigit) || int.Parse(word, Digits) == 0)
            return false;

        _number = word;
        return true;
    }

    private Intent Close()
    {
        if (_reason is { Length: 0 }) _reason = null;
        if (Times() is { } wrong) return wrong;
        var draft = new Draft(_database, _scope, _duration, _reason, _only.Count == 0 ? null : string.Join(", ", _only))
        {
            BreakGlass = _breakGlass ? true : null, StartsAt = _startsAt, For = _for,
        };
        // A button holds a draft or it does not; one without the tables would ask for more than was said.
        if (_only.Count > 0 && DraftJson.Write(draft with { Reason = null }).Length > Draft.Longest)
            return new Intent.Misread(
                "The names of these tables are too long for a typed request. `/db-access` alone opens a form that takes them. Nothing " +
                "was filed yet.");
        if (_misspelt.Count > 0)
        {
            var meant = string.Join(" and ", _misspelt.Select(pair => $"`{pair.Meant}` (you typed {Typed.Quoted(pair.Typed)})"));
            return new Intent.Misread($"Did you mean {meant}? Nothing was filed yet.", draft);
        }

        if (_number is { } number) return WhichUnit(number, draft);
        return _database is not null && _scope is not null && _reason is not null && (HasLength || _isSet)
            ? new Intent.File(new AccessWish(
                DatabaseName.Parse(_database)!, ScopeName.Parse(_scope)!, Durations.Parse(_duration), _reason)
                {
                    Only = _only, BreakGlass = _breakGlass, StartsAt = _startsAt,
                }) { For = _for, Remark = ZoneRemark() }
            : new Intent.Form(draft);
    }

    private static Intent.Misread WhichUnit(string number, Draft draft)
    {
        return new Intent.Misread($"{number} what? Lengths look like 45s, 30m, 2h or 1d. Nothing was filed yet.")
        {
            Choices =
            [
                .. Unit("minutes", TimeSpan.FromMinutes(int.Parse(number, Digits))),
                .. Unit("hours", TimeSpan.FromHours(int.Parse(number, Digits))),
            ],
        };

        (string, Draft)[] Unit(string name, TimeSpan length) =>
            length > Durations.Longest ? [] : [($"{number} {name}", draft with { Duration = Durations.Write(length) })];
    }

    /// <summary>Times of day as instants and lengths, by the clock of whoever asks.</summary>
    private Intent.Misread? Times()
    {
        _startsAt = _begin?.In(Zone, _now, _now);
        if (_startsAt < _now)
            return new Intent.Misread($"{Local(_startsAt.Value)} has passed already. Nothing was filed yet.");
        if (_startsAt > _now + AccessWish.FurthestAhead)
            return new Intent.Misread(
                $"{Local(_startsAt.Value)} is too far ahead: access can be asked for at most 7 days before. Nothing was filed yet.");
        if (_end is null) return null;

        var start = _startsAt ?? _now;
        var end = _end.In(Zone, _now, start.AddSeconds(1));
        var length = TimeSpan.FromSeconds(Math.Floor((end - start).TotalSeconds));
        if (length <= TimeSpan.Zero)
            return new Intent.Misread($"{Local(end)} is before it begins. Nothing was filed yet.");
        if (length > Durations.Longest) return new Intent.Misread($"{Local(end)} is too far ahead. Nothing was filed yet.");
        _duration = Durations.Write(length);
        return null;
    }

    private string Local(DateTimeOffset instant) =>
        string.Create(CultureInfo.InvariantCulture, $"{ZonedTimes.Local(Zone, instant):yyyy-MM-dd HH:mm} ({Zone})");

    private string? ZoneRemark() => (_begin is not null || _end is not null) && _offers.Zone is null
        ? "Slack did not tell me your time zone, so the time was read as UTC." : null;
}
