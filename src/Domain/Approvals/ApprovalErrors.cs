using DbAccess.Domain.Policies;

namespace DbAccess.Domain.Approvals;

/// <summary>Every refusal of a decision, one line each.</summary>
public static class ApprovalErrors
{
    public static Error Own() =>
        new("approval.own", "You asked for this, or it is for you: somebody else has to decide about it.");

    public static Error Already() =>
        new("approval.already", "You have agreed to this already; one person counts once in a request.");

    public static Error Decided() => new("approval.decided", "This is decided already; nothing was changed.");

    public static Error NoPlan(string? trouble) => new("approval.no_plan",
        $"What this would give cannot be shown yet: {trouble ?? "the database is being looked at"}. The card changes as soon as it can; " +
        "nobody can agree before.");

    public static Error Unclear(IEnumerable<string> groups) => new("approval.group_unreadable",
        $"Whether you are in {string.Join(", ", groups)} cannot be read from Slack right now, so nothing was decided. Try again in a " +
        "minute.");

    public static Error NotYourTurn(ApprovalStage now) => new("approval.not_your_turn",
        $"Not your turn yet: first {Words(now)} decide. The card changes when it is yours.");

    public static Error StageFull(ApprovalStage now) => new("approval.stage_full",
        $"Your part is decided already; now {Words(now)} decide.");

    public static Error NotApprover(ApprovalStage now) => new("approval.not_approver",
        $"Only {string.Join(", ", now.Of)} decide about this now, and you are not among them.");

    public static Error NoOffer() => new("approval.no_offer", "There is no offer to take or decline any more.");

    public static Error OfferNotLess(string why) => new("approval.offer_not_less", $"An offer must be less than what was asked for: {why}");

    public static Error CardChanged() => new("approval.card_changed",
        "What this would give has changed since that card was drawn. Look at it as it is now, and press again.");

    /// <summary>All of them, in order: <c>1 of dba, then 2 of security</c>.</summary>
    public static string Words(IEnumerable<ApprovalStage> stages) => string.Join(", then ", stages.Select(Words));

    /// <summary><c>1 of dba</c>, as rules write it.</summary>
    public static string Words(ApprovalStage stage) => $"{stage.Any} of {string.Join(", ", stage.Of)}";

    /// <param name="now">Those who are asked now.</param>
    public static Error NeededLater(IEnumerable<ApprovalStage> stages, ApprovalStage now) => new("approval.needed_later",
        $"Without you there would be nobody for a later stage ({Words(stages)}; each person counts once). Somebody else of " +
        $"{string.Join(", ", now.Of)} has to agree now; you are asked after that.");
}
