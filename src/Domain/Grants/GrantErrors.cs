namespace DbAccess.Domain.Grants;

/// <summary>Every refusal about a grant, one line each.</summary>
public static class GrantErrors
{
    public static Error Unknown(string id) => new("grant.unknown", $"There is no grant {id}. `/db-access mine` lists yours.");

    public static Error CannotMove(GrantId id, GrantStatus from, GrantStatus to) => new("grant.cannot_move", from switch
    {
        GrantStatus.Ended => $"{id} has ended already; nothing was changed.",
        GrantStatus.Revoking or GrantStatus.Quarantined => $"Access through {id} is being taken away already; nothing more to do.",
        GrantStatus.Denied => $"{id} was denied. Ask again with a new request.",
        GrantStatus.Cancelled => $"{id} was cancelled. Ask again with a new request.",
        GrantStatus.Lapsed => $"{id} lapsed without a decision. Ask again with a new request.",
        GrantStatus.Failed => $"{id} could not be given and no role exists for it. Ask again with a new request.",
        _ => $"{id} is {Word(from)} and cannot become {Word(to)} now.",
    });

    public static Error SelfApproval(GrantId id) =>
        new("grant.self_approval", $"{id} is your own request: somebody else has to approve it.");

    public static Error WindowOpen(GrantId id, DateTimeOffset expiry) =>
        new("grant.window_open", $"{id} runs until {expiry:yyyy-MM-dd HH:mm:ss} UTC.");

    public static Error NotHolder(GrantId id) =>
        new("grant.not_holder",
        $"{id} is somebody else's. Only its holder can give it back; an administrator ends it with `/db-access revoke {id} <reason>`.");

    public static Error OwnGrant(GrantId id) => new("grant.own", $"{id} is your own: give it back with `/db-access done {id}`.");

    public static Error LeaseHeld(GrantId id) => new("grant.lease_held", $"Another worker is busy with {id}.");

    public static Error NotAbandoned(GrantId id) =>
        new("grant.not_abandoned", $"{id} is still being made: it fails only once its making was given up.");

    public static Error Abandoned(GrantId id, string why) => new("grant.abandoned", $"{id} is not given any more: {why}");

    public static Error TooLate(GrantId id) => new("grant.too_late", $"{id} could not be made in time.");

    public static Error TooManyOpen(IEnumerable<GrantSnapshot> open, int most) => new("limit.open_grants",
        $"You have {most} open grants, which is as many as one person may have: " +
        $"{string.Join(", ", open.Take(10).Select(grant => $"{grant.Id} ({grant.Scope.Name} on {grant.Target.Name})"))}. Give one back " +
        "first: `/db-access done <id>`, or `/db-access done all`.");

    public static Error Nothing(GrantId id) => new("grant.nothing", $"There is nothing like that to do for {id}.");

    private static string Word(GrantStatus status) => status switch
    {
        GrantStatus.Pending => "waiting for approval",
        GrantStatus.Provisioning => "being made",
        _ => status.ToString().ToLowerInvariant(),
    };
}
