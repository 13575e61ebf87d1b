using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What whoever decided is answered, privately. Pure.</summary>
internal static class DecisionReplies
{
    public static ChatMessage Approved(GrantSnapshot grant) =>
        Settled(grant, $"You agreed to {What(grant)}.", $"{Replies.Untick(grant.Handle)} gets it now");

    public static ChatMessage Denied(GrantSnapshot grant) =>
        ChatMessage.Plain($"You denied {What(grant)}. Whoever asked is told why.");

    public static ChatMessage Offered(GrantSnapshot grant) => ChatMessage.Plain(
        $"Your offer for {What(grant)} is made. If it is taken, that counts as your yes to it; meanwhile the full request stays open.");

    public static ChatMessage Accepted(GrantSnapshot grant) =>
        Settled(grant, $"You took the offer: {What(grant)}.", "how to log in comes by direct message");

    public static ChatMessage Declined(GrantSnapshot grant) =>
        ChatMessage.Plain($"You keep asking for {What(grant)}. The offer is void.");

    public static ChatMessage Cancelled(GrantSnapshot grant) => ChatMessage.Plain(grant.Status is GrantStatus.Active
        ? $"You do not ask for more time any more; {What(grant)} ends as it was." : $"{What(grant)} is cancelled.");

    public static ChatMessage Extended(GrantSnapshot grant)
    {
        if (grant.ExtendBy is { } by)
            return ChatMessage.Plain(
                $"{Durations.Write(by)} more for {What(grant)} is asked for, and waits for {Waits(grant)}. Until then it ends as it was.");
        var words = $"{What(grant)} lasts longer";
        return new ChatMessage($"{words}.", [new ChatPart.When($"{words}. It ends", grant.Window!.Expiry)]);
    }

    public static ChatMessage Reviewed(GrantSnapshot grant) => ChatMessage.Plain(grant.Review is { AllRight: true }
        ? $"You reviewed {What(grant)}: all right." : $"You reviewed {What(grant)}: not all right. Administrators are told.");

    public static ChatMessage Resent(GrantSnapshot grant) => ChatMessage.Plain($"The card of {What(grant)} is posted again.");

    /// <summary>What becomes of it after a yes: it waits for others, begins later, or is given.</summary>
    private static ChatMessage Settled(GrantSnapshot grant, string done, string given)
    {
        if (Waits(grant) is { } next) return ChatMessage.Plain($"{done} It still waits for {next}.");
        if (grant is not { StartsAt: { } start, Status: GrantStatus.Approved })
            return ChatMessage.Plain($"{done} It is approved; {given}.");
        return new ChatMessage(
            $"{done} It is approved, and begins later.", [new ChatPart.When($"{done} It is approved, and begins", start)]);
    }

    private static string? Waits(GrantSnapshot grant) => grant.Asking is { Stage: { } stage } asking
        && (grant.Status is GrantStatus.Pending || grant.ExtendBy is not null) ? asking.StillToAgree(stage) : null;

    private static string What(GrantSnapshot grant) =>
        $"`{grant.Id}` ({GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} on {grant.Target.Name} for {Durations.Write(grant.Duration)})";
}
