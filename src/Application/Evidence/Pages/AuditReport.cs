using DbAccess.Domain.Grants;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// What happened in a period, added up while the events go by: a page, and a file of values for each of its tables. Of grants that are open
/// a few fields are kept, of the rest sums and lists of a limited length. Events come in the order of the log; those from before the period
/// are wanted too, as far back as grants may reach (they say whose is what), and count for nothing else. Not for several threads.
/// </summary>
/// <param name="origin">Of the log: <c>dbaccess/prod</c>.</param>
public sealed class AuditReport(string origin, ReportPeriod period)
{
    // At most 40 kB each; what is beyond is said to be not on record.
    private const int MostPlans = 2_000;
    private const int MostOpen = 100_000;

    private readonly Dictionary<string, OpenGrant> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BrokenGlass> _owed = new(StringComparer.Ordinal);
    private bool _closed;

    /// <summary>What plans give, by their hash: few differ.</summary>
    private readonly Dictionary<string, IReadOnlyList<string>> _plans = new(StringComparer.Ordinal);

    internal string Origin { get; } = origin;

    internal ReportPeriod Period { get; } = period;

    internal ReportSums Sums { get; } = new(period);

    /// <summary>What people are called, by <c>TEAM/USER</c>; handles on record come first.</summary>
    internal Dictionary<string, string> Names { get; } = new(StringComparer.Ordinal);

    public void Add(LoggedEvent one)
    {
        if (one.At >= Period.Until) return;

        var counts = Period.Holds(one.At);
        if (counts) Sums.Events++;
        if (one is { Number: not null, Grant: { } id } && one.Type.StartsWith("grant.", StringComparison.Ordinal)) AddStep(one, id, counts);
        else if (counts) AddAttempt(one);
    }

    /// <summary>People's names as the directory has them, for those who never asked for anything in these events.</summary>
    public void Call(string principal, string name) => Names.TryAdd(principal, name);

    /// <summary>What was live when the period ended was held up to then. To be told after the last event; safe to repeat.</summary>
    internal void Close()
    {
        if (_closed) return;
        _closed = true;
        foreach (var grant in _open.Values)
        {
            if (grant.LiveFrom is not { } from) continue;
            if (grant.LockedOut is null) Sums.StillLive++;
            Hold(grant, from, grant.LockedOut ?? Period.Until);
        }

        foreach (var broken in _owed.Values) Sums.Unreviewed.Add(broken, -broken.At.ToUnixTimeMilliseconds());
    }

    private void AddAttempt(LoggedEvent one)
    {
        switch (one.Type)
        {
            case "policy.in_force" when !one.Flag("at_start") || one.Texts("difference").Count > 0: Sums.Policies++; break;
            case var type when type.StartsWith("verb.", StringComparison.Ordinal): Sums.Verbs++; break;
            case "notice.untold": Sums.Untold++; break;
        }

        if (one.Type is "press.refused" || one.Type.StartsWith("command.", StringComparison.Ordinal))
        {
            Sums.Attempts++;
            if (one.Outcome is { } code and not ("done" or "failed")) Sums.Refuse(code, one.Actor, one.At);
            else if (one.Outcome is "failed") Sums.FailedAttempts++;
        }
    }

    private void AddStep(LoggedEvent one, string id, bool counts)
    {
        if (one.Type is "grant.requested")
        {
            Ask(one, id, counts);
            return;
        }

        if (one.Type is "grant.reviewed" or "grant.review_bad")
        {
            _owed.Remove(id);
            if (counts && one.Type is "grant.review_bad") Sums.BadReviews++;
            return;
        }

        if (!_open.TryGetValue(id, out var grant))
        {
            // It began before the first event that we were given: whose it is stands there.
            if (counts && one.Type is "grant.ended" or "grant.activated") Sums.Unknown++;
            return;
        }

        grant.Rule = one.Rule ?? grant.Rule;
        if (one.PlanHash is { } plan) Remember(grant, plan, one);
        switch (one.Type)
        {
            case "grant.planned" or "grant.asked_again": grant.Shown(one.At); break;
            case "grant.agreed" or "grant.approved": Agree(grant, one, counts); break;
            case "grant.offer_accepted": grant.Scope = grant.Offered ?? grant.Scope; break;
            case "grant.offered": grant.Offered = one.Text("scope"); break;
            case "grant.review_late": if (_owed.TryGetValue(id, out var late)) _owed[id] = late with { Late = true }; break;
            case "grant.activated": Activate(grant, one, counts); break;
            case "grant.quarantined": grant.LockedOut = one.Time("locked_out"); break;
            case "grant.extended": if (counts) Sums.Extended++; break;
            case "grant.revoking": if (counts) Sums.EndedBy(one.Text("reason") ?? "?"); break;
        }

        if (one.Text("to") is { } to) Move(grant, to, one, counts);
    }

    private void Ask(LoggedEvent one, string id, bool counts)
    {
        var who = one.Text("requester") ?? one.Actor;
        if (one.Text("handle") is { Length: > 0 } handle) Names[who] = handle;
        var grant = new OpenGrant(id, who, one.Text("database") ?? "?", one.Flag("break_glass"), one.Texts("stages"))
        {
            Scope = one.Text("scope") ?? "?", Rule = one.Rule ?? "?",
        };
        if (_open.Count < MostOpen) _open[id] = grant;
        if (!counts) return;

        Sums.Asked++;
        foreach (var (tally, name) in Sums.Lines(grant)) tally.Asked(name);
    }

    private void Remember(OpenGrant grant, string plan, LoggedEvent one)
    {
        grant.Plan = plan;
        grant.Summary = one.Text("summary") ?? grant.Summary;
        if (one.Has("gives") && _plans.Count < MostPlans) _plans.TryAdd(plan, one.Texts("gives"));
    }

    private void Agree(OpenGrant grant, LoggedEvent one, bool counts)
    {
        if (!EventWords.IsPerson(one.Actor)) return;
        var took = grant.Agreed(one.At);
        if (!counts) return;

        Sums.Approvals++;
        if (took is { } time && time < ReportSums.TooFast)
            Sums.Fast.Add(new FastYes(grant.Id, one.Actor, grant.Who, grant.Database, grant.Scope, one.At, time),
                -(long)time.TotalMilliseconds);
    }

    private void Activate(OpenGrant grant, LoggedEvent one, bool counts)
    {
        grant.LiveFrom ??= one.At;
        if (!counts) return;

        Sums.Given++;
        foreach (var (tally, name) in Sums.Lines(grant)) tally.Given(name, one.At);
        if (!grant.BreakGlass) return;

        Sums.GlassBroken++;
        _owed[grant.Id] = new BrokenGlass(grant.Id, grant.Who, grant.Database, grant.Scope, grant.Rule, one.At, Late: false);
    }

    private void Move(OpenGrant grant, string to, LoggedEvent one, bool counts)
    {
        if (to is nameof(GrantStatus.Quarantined) && counts && one.Type is "grant.quarantined") Sums.Quarantined++;
        if (to is not (nameof(GrantStatus.Ended) or nameof(GrantStatus.Denied) or nameof(GrantStatus.Cancelled)
            or nameof(GrantStatus.Lapsed) or nameof(GrantStatus.Failed))) return;

        _open.Remove(grant.Id);
        if (!counts) return;

        Sums.Over(to);
        if (to is not nameof(GrantStatus.Ended)) return;

        var until = one.Time("locked_out") ?? one.At;
        if (grant.LiveFrom is { } from) Hold(grant, from, until);
        if (!one.Has("proved")) Sums.NotProved++;
        if (one.Count("overrun_ms") is not { } late) Sums.OverrunUnknown++;
        else Sums.Overran(new Overrun(
            grant.Id, grant.Who, grant.Database, grant.Scope, until, TimeSpan.FromMilliseconds(Math.Max(0, late))));
        Use(grant, one, until);
    }

    private void Use(OpenGrant grant, LoggedEvent one, DateTimeOffset until)
    {
        var gives = grant.Plan is { } plan && _plans.TryGetValue(plan, out var kept) ? kept : null;
        var asOwner = grant.Summary?.Contains(", acting as ", StringComparison.Ordinal) is true
            || gives?.Any(entry => entry.StartsWith("acts as ", StringComparison.Ordinal)) is true;
        var digest = one.Count("run_calls") is { } calls && !asOwner ? calls : (long?)null;
        if (digest is null) Sums.WithoutDigest++;
        else if (digest == 0)
            Sums.Unused.Add(new UnusedGrant(grant.Id, grant.Who, grant.Database, grant.Scope, grant.Rule, until,
                grant.LiveFrom is { } from ? until - from : TimeSpan.Zero), -until.ToUnixTimeMilliseconds());
        Sums.Scope(grant.Scope)?.Add(gives, Ran(one), asOwner);
    }

    /// <summary>
    /// All that ran; null when that is not on record, was withheld, or is not all of it: the most frequent are kept, shortened.
    /// </summary>
    private static IReadOnlyList<string>? Ran(LoggedEvent one)
    {
        if (one.Count("run_statements") is not { } statements) return null;
        if (statements == 0) return [];
        if (one.Sealed("run")?.Value is not { } lines) return null;
        var read = DigestLine.Read(lines);
        return read.Count < statements || read.Any(line => line.Statement.EndsWith('…')) ? null : [.. read.Select(line => line.Statement)];
    }

    private void Hold(OpenGrant grant, DateTimeOffset from, DateTimeOffset until)
    {
        var (begin, end) = (from < Period.From ? Period.From : from, until > Period.Until ? Period.Until : until);
        if (end <= begin) return;
        Sums.Held += end - begin;
        foreach (var (tally, name) in Sums.Lines(grant)) tally.Held(name, end - begin);
    }
}
