using DbAccess.Domain.Grants;

namespace DbAccess.Application.Evidence.Pages;

internal sealed record FastYes(string Grant, string Approver, string Who, string Database, string Scope, DateTimeOffset At, TimeSpan Took);

internal sealed record Overrun(string Grant, string Who, string Database, string Scope, DateTimeOffset At, TimeSpan By);

internal sealed record UnusedGrant(
    string Grant, string Who, string Database, string Scope, string Rule, DateTimeOffset At, TimeSpan Held);

/// <param name="Late">Administrators were told that nobody had looked.</param>
internal sealed record BrokenGlass(
    string Grant, string Who, string Database, string Scope, string Rule, DateTimeOffset At, bool Late);

/// <param name="Last">When it was refused last.</param>
internal sealed record Refusal(string Code, string Who, long Times, DateTimeOffset Last);

/// <summary>Everything that a report counts, in a size that does not grow with the number of events.</summary>
internal sealed class ReportSums(ReportPeriod period)
{
    /// <summary>A yes sooner after the card could be seen was hardly read.</summary>
    public static readonly TimeSpan TooFast = TimeSpan.FromSeconds(5);

    private const int MostRows = 5_000;
    private const int MostRefusals = 20_000;
    private const int MostScopes = 1_000;

    private static readonly TimeSpan[] Steps =
        [TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.MaxValue];

    private readonly Dictionary<(string Code, string Who), Refusal> _refusals = [];
    private readonly Dictionary<string, ScopeUse> _scopes = new(StringComparer.Ordinal);

    public long Events { get; set; }

    public long Asked { get; set; }

    public long Given { get; set; }

    public long Extended { get; set; }

    public long Ended { get; private set; }

    public long Denied { get; private set; }

    public long Cancelled { get; private set; }

    public long Lapsed { get; private set; }

    public long Failed { get; private set; }

    public long StillLive { get; set; }

    public long Quarantined { get; set; }

    public long NotProved { get; set; }

    public long GlassBroken { get; set; }

    public long BadReviews { get; set; }

    public long Approvals { get; set; }

    public long Attempts { get; set; }

    public long FailedAttempts { get; set; }

    public long Refused { get; private set; }

    public long Policies { get; set; }

    public long Verbs { get; set; }

    public long Untold { get; set; }

    /// <summary>Activated or ended, and asked for before the first event that was seen.</summary>
    public long Unknown { get; set; }

    public long WithoutDigest { get; set; }

    public long OverrunUnknown { get; set; }

    public TimeSpan Held { get; set; }

    public AccessTally ByPerson { get; } = new("person", period);

    public AccessTally ByDatabase { get; } = new("database", period);

    public AccessTally ByScope { get; } = new("scope", period);

    public AccessTally ByRule { get; } = new("rule", period);

    public Kept<FastYes> Fast { get; } = new(MostRows);

    public Kept<Overrun> Overruns { get; } = new(MostRows);

    public Kept<UnusedGrant> Unused { get; } = new(MostRows);

    public Kept<BrokenGlass> Unreviewed { get; } = new(MostRows);

    /// <summary>How many were gone in time, within a second, ten seconds, a minute, and later.</summary>
    public long[] OverrunSteps { get; } = new long[Steps.Length];

    public SortedDictionary<string, long> EndReasons { get; } = new(StringComparer.Ordinal);

    public List<Refusal> Refusals => [.. _refusals.Values.OrderByDescending(one => one.Times)
        .ThenBy(one => one.Code, StringComparer.Ordinal).ThenBy(one => one.Who, StringComparer.Ordinal)];

    public IEnumerable<ScopeUse> Scopes => _scopes.Values.OrderBy(one => one.Scope, StringComparer.Ordinal);

    public IEnumerable<(AccessTally Tally, string Name)> Lines(OpenGrant grant) =>
        [(ByPerson, grant.Who), (ByDatabase, grant.Database), (ByScope, grant.Scope), (ByRule, grant.Rule)];

    public void Refuse(string code, string who, DateTimeOffset at)
    {
        Refused++;
        var key = (code, who);
        if (!_refusals.TryGetValue(key, out var before) && _refusals.Count >= MostRefusals)
        {
            key = (code, AccessTally.Others);
            _refusals.TryGetValue(key, out before);
        }

        _refusals[key] = new Refusal(key.Item1, key.Item2, (before?.Times ?? 0) + 1, at);
    }

    public void Over(string status)
    {
        switch (status)
        {
            case nameof(GrantStatus.Ended): Ended++; break;
            case nameof(GrantStatus.Denied): Denied++; break;
            case nameof(GrantStatus.Cancelled): Cancelled++; break;
            case nameof(GrantStatus.Lapsed): Lapsed++; break;
            case nameof(GrantStatus.Failed): Failed++; break;
        }
    }

    public void EndedBy(string reason) => EndReasons[reason] = EndReasons.GetValueOrDefault(reason) + 1;

    public void Overran(Overrun one)
    {
        OverrunSteps[Array.FindIndex(Steps, step => one.By < step)]++;
        if (one.By > TimeSpan.Zero) Overruns.Add(one, (long)one.By.TotalMilliseconds);
    }

    /// <summary>Null when there are too many to be told apart here.</summary>
    public ScopeUse? Scope(string name) => _scopes.TryGetValue(name, out var use) ? use
        : _scopes.Count >= MostScopes ? null : _scopes[name] = new ScopeUse(name);
}
