using DbAccess.Domain.Policies;

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

    public static Error WindowOpen(GrantId id, DateTimeOffset expiry) =>
        new("grant.window_open", $"{id} runs until {SaidInstants.Write(expiry)}.");

    public static Error NotHolder(GrantId id) =>
        new("grant.not_holder",
        $"{id} is somebody else's. Only its holder can give it back; an administrator ends it with `/db-access revoke {id} <reason>`.");

    public static Error OwnGrant(GrantId id) => new("grant.own", $"{id} is your own: give it back with `/db-access done {id}`.");

    public static Error LeaseHeld(GrantId id) => new("grant.lease_held", $"Another worker is busy with {id}.");

    public static Error NotAbandoned(GrantId id) =>
        new("grant.not_abandoned", $"{id} is still being made: it fails only once its making was given up.");

    public static Error Abandoned(GrantId id, string why) => new("grant.abandoned", $"{id} is not given any more: {why}");

    public static Error TooLate(GrantId id) => new("grant.too_late", $"{id} could not be made in time.");

    public static Error TooManyOpen(IEnumerable<GrantSnapshot> open, int most, bool forOthers) => new("limit.open_grants",
        $"You have {most} open grants{(forOthers ? " that you asked for others" : "")}, which is as many as one person may have: " +
        $"{string.Join(", ", open.Take(10).Select(grant => $"{grant.Id} ({grant.Scope.Name} on {grant.Target.Name})"))}. " +
        (forOthers ? "Their holders have to give one back first, or they ask themselves."
            : "Give one back first: `/db-access done <id>`, or `/db-access done all`."));

    public static Error NotStarted(GrantId id, DateTimeOffset start) =>
        new("grant.not_started", $"{id} begins at {SaidInstants.Write(start)}.");

    public static Error CannotExtend(GrantId id, GrantStatus status) => new("grant.cannot_extend", status switch
    {
        GrantStatus.Pending => $"{id} waits for approval; it can be made longer once it is live.",
        GrantStatus.Approved or GrantStatus.Provisioning => $"{id} is being made; it can be made longer once it is live.",
        _ => $"{id} is over and cannot be made longer. Ask again: `/db-access again {id}`.",
    });

    public static Error ExtensionAsked(GrantId id) =>
        new("grant.extension_asked", $"More time for {id} is asked for already; those who decide have not answered yet.");

    public static Error NoMoreExtensions(GrantId id, string rule, int times) => new("grant.no_more_extensions", times == 0
        ? $"Rule {rule} gives no more time. Ask again when {id} ends: `/db-access again {id}`."
        : $"{id} was made longer {times} time{(times == 1 ? "" : "s")}, which is as often as rule {rule} allows. Ask again when it ends: " +
            $"`/db-access again {id}`.");

    public static Error ExtensionTooLong(string rule, string most, string asked) => new("grant.extension_too_long",
        $"Rule {rule} makes it longer by {most} at a time; you asked for {asked}. Ask for {most} or less.");

    public static Error NotYourPassword(GrantId id) =>
        new("grant.not_holder", $"{id} is somebody else's: how to get in is shown to nobody but its holder.");

    public static Error NoPasswordYet(GrantId id) => new("grant.no_password_yet", $"{id} is not ready yet. You are told when it is.");

    public static Error NoPasswordAnyMore(GrantId id) =>
        new("grant.no_password", $"{id} is over, and no password of it works any more. Ask again: `/db-access again {id}`.");

    public static Error PasswordComing(GrantId id) =>
        new("grant.password_coming", $"A new password for {id} is on its way already. It comes in a moment.");

    public static Error NoReview(GrantId id) => new("grant.no_review", $"No review is owed for {id}.");

    public static Error Reviewed(GrantId id, string by) => new("grant.reviewed", $"{id} was reviewed already, by {by}.");

    public static Error ReviewFirst(GrantId owed, string reviewers) => new("grant.review_first",
        $"What you took in an emergency before ({owed}) was not looked at yet. Ask {reviewers} to review it first; until then use a rule " +
        "that asks somebody.");

    public static Error CapDay(string rule, int most) => new("policy.cap_day",
        $"Rule {rule} gives {most} in 24 hours to one person, and you have had as many.");

    public static Error CapAtOnce(string rule, int most) => new("policy.cap_at_once",
        $"Rule {rule} gives {most} at once to one person, and you have as many. Give one back first: `/db-access mine` lists them.");

    public static Error NotOurs(GrantId id) => new("grant.not_ours",
        $"The record of {id} is not one that DbAccess made, or was changed since. Nothing was done; an administrator should look into it.");

    public static Error TooFar(DateTimeOffset latest) => new("request.too_far",
        $"Access can be asked for at most 7 days ahead: until {SaidInstants.Write(latest)}. Ask again closer to it.");

    public static Error NotShown(GrantId id, string database) => new("grant.not_shown",
        $"{id} is somebody else's. Its story is for whoever holds or asked for it, those who approve on {database}, and administrators.");

    public static Error NotAsker(GrantId id) => new("grant.not_asker",
        $"{id} was asked for by somebody else. `/db-access mine` lists yours; ask for the same with a request of your own.");

    public static Error Nothing(GrantId id) => new("grant.nothing", $"There is nothing like that to do for {id}.");

    private static string Word(GrantStatus status) => status switch
    {
        GrantStatus.Pending => "waiting for approval",
        GrantStatus.Provisioning => "being made",
        _ => status.ToString().ToLowerInvariant(),
    };
}
