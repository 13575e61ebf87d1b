using DbAccess.Domain.Approvals;
using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>How a grant begins.</summary>
public sealed partial class Grant
{
    /// <summary>A grant that waits for those whom <paramref name="asking"/> names.</summary>
    public static Grant RequestApproval(GrantId id, string installation, GrantRequest request, Asking asking, DateTimeOffset now)
    {
        asking = InTime(asking, request.StartsAt + request.Duration);
        var grant = Create(id, installation, request, GrantStatus.Pending, NextWhileAsking(asking, now), now);
        grant.State = grant.State with { Asking = asking };
        return grant;
    }

    /// <summary>A grant that a rule allows without asking anybody.</summary>
    public static Grant RequestAllowed(GrantId id, string installation, GrantRequest request, DateTimeOffset now)
    {
        var grant = Create(id, installation, request, GrantStatus.Pending, now, now);
        grant.Move(GrantStatus.Approved, [GrantStatus.Pending], "grant.approved", new Actor.Rule(request.Rule), now);
        var due = request.StartsAt > now ? request.StartsAt.Value : now;
        grant.State = grant.State with { ApprovedAt = now };
        grant.Step = Step.At(due);
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
            AskedBy = request.AskedBy,
            StartsAt = request.StartsAt,
            BreakGlass = request.BreakGlass is not null,
            Review = request.BreakGlass is { } glass ? new ReviewOwed(glass.Tell, glass.Review, glass.Within) : null,
            CreatedAt = now,
        }.With(Step.At(dueAt)));
        grant._newEvents.Add(new GrantEvent(1, now, "grant.requested", new Actor.Person(request.AskedBy ?? request.Requester), null,
            status, request.Reason));
        grant.State = grant.State with { Events = 1 };
        return grant;
    }
}
