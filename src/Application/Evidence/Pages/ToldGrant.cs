using DbAccess.Application.Evidence.Packs;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>A stretch of a grant's life.</summary>
/// <param name="Until">Null when it was not over yet.</param>
internal sealed record Phase(PhaseKind Kind, DateTimeOffset From, DateTimeOffset? Until);

internal enum PhaseKind
{
    /// <summary>Nobody has decided yet.</summary>
    Asked,

    /// <summary>Allowed; the role is not there yet, or nobody has its password.</summary>
    Agreed,

    /// <summary>The holder can log in.</summary>
    Live,

    /// <summary>Being taken away.</summary>
    Revoking,

    /// <summary>Locked out, and not removed yet.</summary>
    Locked,
}

/// <summary>What the events of one grant come to. Whatever no event says is null or empty.</summary>
internal sealed class ToldGrant
{
    private readonly LoggedEvent? _asked;

    /// <param name="events">All that name the grant, in the order of the log.</param>
    public ToldGrant(string id, IReadOnlyList<PackedEvent> events)
    {
        (Id, Packed) = (id, events);
        Events = [.. events.Select(one => one.Event)];
        Own = [.. Events.Where(one => one.Number is not null)];
        _asked = Last("grant.requested");
        var offered = Last("grant.offer_accepted") is { } accepted
            ? Own.LastOrDefault(one => one.Type is "grant.offered" && one.Place < accepted.Place) : null;
        Scope = offered?.Text("scope") ?? _asked?.Text("scope");
        Asked = Length(offered?.Count("seconds") ?? _asked?.Count("seconds"));
        Status = Own.LastOrDefault(one => one.Text("to") is not null)?.Text("to");
        Phases = [.. Stretches()];
        End = Own.LastOrDefault(IsEnd);
    }

    public string Id { get; }

    public IReadOnlyList<PackedEvent> Packed { get; }

    public IReadOnlyList<LoggedEvent> Events { get; }

    /// <summary>The grant's own events, which are numbered.</summary>
    public IReadOnlyList<LoggedEvent> Own { get; }

    public IReadOnlyList<Phase> Phases { get; }

    /// <summary>The event that brought it to its end; null when it goes on.</summary>
    public LoggedEvent? End { get; }

    public string? Scope { get; }

    /// <summary>How long it was asked for, or offered for.</summary>
    public TimeSpan? Asked { get; }

    /// <summary>The name of a <see cref="GrantStatus"/>.</summary>
    public string? Status { get; }

    public DateTimeOffset? AskedAt => _asked?.At;

    /// <summary>Who holds it, as <c>TEAM/USER</c>.</summary>
    public string? Holder => _asked?.Text("requester") ?? _asked?.Actor;

    public string? AskedBy => _asked?.Text("asked_by") is { } other && other != Holder ? other : null;

    public string? Database => _asked?.Text("database");

    public IReadOnlyList<string> Databases => _asked?.Texts("databases") ?? [];

    public string? Cluster => _asked?.Text("cluster");

    public IReadOnlyList<string> Only => _asked?.Texts("only") ?? [];

    public IReadOnlyList<string> Stages => _asked?.Texts("stages") ?? [];

    public SealedText? Reason => _asked?.Sealed("reason");

    public string? Ticket => _asked?.Text("ticket");

    public bool BreakGlass => _asked?.Flag("break_glass") is true;

    public string? Rule => Approved?.Rule ?? _asked?.Rule;

    public string? PolicyHash => Approved?.PolicyHash ?? _asked?.PolicyHash;

    /// <summary>What was made, or else what was agreed to.</summary>
    public LoggedEvent? Plan => Own.LastOrDefault(one => one is { Type: "grant.role_made", PlanHash: not null })
        ?? Own.LastOrDefault(one => one.PlanHash is not null);

    public string? PlanSummary => Own.LastOrDefault(one => one.Type is "grant.role_made" && one.Has("summary"))?.Text("summary")
        ?? Own.LastOrDefault(one => one.Has("summary"))?.Text("summary");

    /// <summary>Of the same plan, wherever it stands; null when the plan was too long to be kept, or was shown to nobody.</summary>
    public IReadOnlyList<string>? Gives => Own.LastOrDefault(one => one.Has("gives") && one.PlanHash == Plan?.PlanHash)?.Texts("gives");

    public LoggedEvent? Approved => Last("grant.approved");

    public LoggedEvent? Activated => Last("grant.activated");

    public LoggedEvent? Revoking => Own.FirstOrDefault(one => one.Type is "grant.revoking");

    public LoggedEvent? Statements => Last("grant.statements");

    /// <summary>What was found and done at the end, final or so far.</summary>
    public LoggedEvent? Receipt => Own.LastOrDefault(one => one.Has("existed") || one.Has("proved") || one.Has("locked_out"));

    public string? Role => Own.LastOrDefault(one => one.Has("role"))?.Text("role");

    public DateTimeOffset? Expiry => Own.LastOrDefault(one => one.Has("expiry"))?.Time("expiry");

    /// <summary>From when its holder could log in; null when they never could.</summary>
    public DateTimeOffset? LiveFrom => Activated?.At;

    /// <summary>When the role was shut out, else when it was on record as over; null while it is live.</summary>
    public DateTimeOffset? LiveUntil => Receipt?.Time("locked_out") ?? End?.At;

    public DateTimeOffset? ProvedAt => Receipt?.Time("proved");

    /// <summary>Numbers that should be there and are not: a pack that was made honestly has none.</summary>
    public IReadOnlyList<long> Missing
    {
        get
        {
            var there = Own.Select(one => one.Number!.Value).ToHashSet();
            return there.Count == 0 ? [] : [.. LongRange(1, there.Max()).Where(number => !there.Contains(number)).Take(20)];
        }
    }

    public LoggedEvent? Last(string type) => Own.LastOrDefault(one => one.Type == type);

    private static bool IsEnd(LoggedEvent one) => one.Text("to") is nameof(GrantStatus.Ended) or nameof(GrantStatus.Denied)
        or nameof(GrantStatus.Cancelled) or nameof(GrantStatus.Lapsed) or nameof(GrantStatus.Failed);

    private static TimeSpan? Length(long? seconds) => seconds is > 0 and < 1_000_000_000 ? TimeSpan.FromSeconds(seconds.Value) : null;

    private static IEnumerable<long> LongRange(long from, long to)
    {
        for (var number = from; number <= to; number++) yield return number;
    }

    private IEnumerable<Phase> Stretches()
    {
        Phase? open = null;
        foreach (var one in Own)
        {
            if (one.Text("to") is not { } to)
            {
                if (one.Type is "grant.requested") open ??= new Phase(PhaseKind.Asked, one.At, null);
                continue;
            }

            PhaseKind? kind = to switch
            {
                nameof(GrantStatus.Pending) => PhaseKind.Asked,
                nameof(GrantStatus.Approved) or nameof(GrantStatus.Provisioning) => PhaseKind.Agreed,
                nameof(GrantStatus.Active) => PhaseKind.Live,
                nameof(GrantStatus.Revoking) => PhaseKind.Revoking,
                nameof(GrantStatus.Quarantined) => PhaseKind.Locked,
                _ => null,
            };
            if (kind == open?.Kind) continue;

            // Instants are not always in order (several processes write); a stretch has no length below zero.
            if (open is not null) yield return open with { Until = one.At > open.From ? one.At : open.From };
            open = kind is { } next ? new Phase(next, one.At, null) : null;
        }

        if (open is not null) yield return open;
    }
}
