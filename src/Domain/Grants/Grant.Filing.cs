using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>How a grant begins.</summary>
public sealed partial class Grant
{
    /// <summary>A grant that waits for approvers until <paramref name="lapsesAt"/>.</summary>
    public static Grant RequestApproval(
            GrantId id, string installation, GrantRequest request, DateTimeOffset lapsesAt, DateTimeOffset now) =>
        Create(id, installation, request, GrantStatus.Pending, lapsesAt, now);

    /// <summary>A grant that a rule allows at once.</summary>
    public static Grant RequestAllowed(GrantId id, string installation, GrantRequest request, DateTimeOffset now)
    {
        var grant = Create(id, installation, request, GrantStatus.Pending, now, now);
        grant.Move(GrantStatus.Approved, [GrantStatus.Pending], "grant.approved", new Actor.Rule(request.Rule), now);
        grant.State = grant.State with { ApprovedAt = now, StepDueAt = now, StepSince = now };
        return grant;
    }

    private static Grant Create(
            GrantId id, string installation, GrantRequest request, GrantStatus status, DateTimeOffset dueAt, DateTimeOffset now)
    {
        var grant = new Grant(new GrantSnapshot
        {
            Id = id,
            Version = 0,
            Status = status,
            Installation = installation,
            RequestKey = request.Key,
            Correlation = request.Correlation,
            Requester = request.Requester,
            Handle = request.Handle,
            Target = request.Target,
            Scope = request.Scope,
            Reason = request.Reason,
            Ticket = request.Ticket,
            Duration = request.Duration,
            Rule = request.Rule,
            PolicyHash = request.PolicyHash,
            CreatedAt = now,
            StepDueAt = dueAt,
            StepSince = dueAt,
        });
        grant._newEvents.Add(new GrantEvent(1, now, "grant.requested", new Actor.Person(request.Requester), null, status, request.Reason));
        grant.State = grant.State with { Events = 1 };
        return grant;
    }
}
