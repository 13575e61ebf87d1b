using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Evidence;

/// <summary>One thing that happened, as the evidence log keeps it (<c>docs/audit-format.md</c>). It has no place in the log yet.</summary>
public sealed record LogEvent
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Stable and for machines: <c>grant.requested</c>, <c>command.revoke_grant</c>, …</summary>
    public required string Type { get; init; }

    public required Actor By { get; init; }

    /// <summary>The way in: <see cref="Evidence.Way"/>.</summary>
    public required string Way { get; init; }

    public GrantId? Grant { get; init; }

    /// <summary>Which of the grant's own events it is, from 1; null for attempts.</summary>
    public int? Number { get; init; }

    /// <summary>Of an attempt: <c>done</c>, <c>failed</c>, or the code of the refusal.</summary>
    public string? Outcome { get; init; }

    public string? Rule { get; init; }

    public string? PolicyHash { get; init; }

    public string? PlanHash { get; init; }

    /// <summary>The trace id that the log lines of the same request carry.</summary>
    public string? Trace { get; init; }

    /// <summary>The rest. No secret.</summary>
    public IReadOnlyList<Fact> What { get; init => field = value ?? []; } = [];
}
