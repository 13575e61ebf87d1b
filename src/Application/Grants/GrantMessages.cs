using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Grants;

/// <summary>What a holder is told about a grant, derived from what is on record. Pure.</summary>
public static class GrantMessages
{
    /// <summary>The action of the button that gives a grant back; its value is the grant id.</summary>
    public const string ReturnAction = "return_grant";

    public static ChatMessage For(NoticeKind kind, GrantSnapshot grant) => kind switch
    {
        NoticeKind.Ending => Ending(grant),
        NoticeKind.Ended => Ended(grant),
        NoticeKind.Delayed => Delayed(grant),
        _ => Failed(grant),
    };

    public static ChatButton ReturnButton(GrantId id) =>
        new(ReturnAction, "I'm done", id.ToString(), Confirm: $"This ends {id} now: open sessions are cut and the role is removed.");

    private static ChatMessage Ending(GrantSnapshot grant) => new(
        $"{What(grant)} ends soon ({grant.Id}).",
        [
            new ChatPart.When($"*{What(grant)}* ends", grant.Window!.Expiry),
            new ChatPart.Text($"Finish what is open: at that moment the sessions of {grant.Id} are cut and the role is removed. If you need longer, ask again."),
            new ChatPart.Buttons([ReturnButton(grant.Id)]),
        ]);

    private static ChatMessage Ended(GrantSnapshot grant)
    {
        var why = grant.EndReason switch
        {
            EndReason.Expired => "its time was over",
            EndReason.Returned => "you gave it back",
            EndReason.Revoked => "it was revoked",
            _ => "what it rested on is gone",
        };
        var parts = new List<ChatPart> { new ChatPart.Text($"{What(grant)} has ended: {why} ({grant.Id}).") };
        if (grant.Receipt is { } receipt)
        {
            var sessions = receipt.SessionsEnded switch { 0 => "No session was open", 1 => "One open session was cut", var n => $"{n} open sessions were cut" };
            var role = grant.Status is GrantStatus.Quarantined
                ? "The role is locked for good; removing it still waits for something in the database, and is tried until it works."
                : "The role is gone, and that was checked.";
            parts.Add(new ChatPart.Text($"{sessions}. {role}"));
            if (receipt.HandedOver.Count > 0)
                parts.Add(new ChatPart.Text($"What the role owned was kept, under an owner nobody can log in as: {string.Join(", ", receipt.HandedOver.Take(20))}. Ask a database administrator if you need it."));
        }

        parts.Add(new ChatPart.Note("The message with the credentials was removed; they do not work any more."));
        return new ChatMessage($"{What(grant)} has ended ({grant.Id}).", parts);
    }

    private static ChatMessage Delayed(GrantSnapshot grant) => new(
        $"{What(grant)} is not ready yet ({grant.Id}).",
        [
            new ChatPart.Text($"{What(grant)} is not ready yet ({grant.Id}). {grant.Trouble ?? "It takes longer than usual."}"),
            new ChatPart.Note($"I go on trying for {Durations.Write(Grant.ProvisioningPatience)}; you need not ask again. /db-access done {grant.Id} gives it up."),
        ]);

    private static ChatMessage Failed(GrantSnapshot grant) => new(
        $"{What(grant)} could not be given ({grant.Id}).",
        [
            new ChatPart.Text($"{What(grant)} could not be given ({grant.Id}): {grant.AbandonedBecause}"),
            new ChatPart.Note("No role exists for it; that was checked. You can ask again at any time."),
        ]);

    private static string What(GrantSnapshot grant) => $"{grant.Scope.Name} on {grant.Target.Name} for {Durations.Write(grant.Duration)}";
}
