using System.Globalization;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Steps;

/// <summary>What a holder is told about a grant, derived from what is on record. Pure.</summary>
public static class GrantMessages
{
    private const int MostListed = 20;

    // With the statement that mends it.
    private const int LongestWhy = 1_500;

    public static ChatMessage For(NoticeKind kind, GrantSnapshot grant) => kind switch
    {
        NoticeKind.Ending => Ending(grant),
        NoticeKind.Ended => Ended(grant),
        NoticeKind.Delayed => Delayed(grant),
        NoticeKind.Denied => Settled(grant, "was denied"),
        NoticeKind.Lapsed => Settled(grant, "lapsed"),
        NoticeKind.Withdrawn => Settled(grant, "was withdrawn"),
        NoticeKind.Offered => Offered(grant),
        NoticeKind.AskedAgain => AskedAgain(grant),
        NoticeKind.Extended => Extended(grant),
        NoticeKind.NotExtended => NotExtended(grant),
        NoticeKind.ReviewLate => ForAdministrators(grant, "Nobody has reviewed it in time", button: null),
        NoticeKind.ReviewBad => ForAdministrators(grant, GrantWords.Outcome(grant), button: null),
        NoticeKind.CardLost => ForAdministrators(grant, $"Those who decide cannot be asked where the policy " +
            $"says: {GrantWords.Plain(grant.Card?.Trouble ?? "", 300)}. They were asked directly",
            new ChatButton(CardActions.Resend, "Post the card again", grant.Id.ToString())),
        _ => Failed(grant),
    };

    private static ChatMessage Ending(GrantSnapshot grant) => new(
        $"{GrantWords.Brief(grant)} ends soon ({grant.Id}).",
        [
            new ChatPart.When($"{What(grant)} ends", grant.Window!.Expiry),
            new ChatPart.Text(
                $"Finish what is open: at that moment the sessions of {grant.Id} are cut and the role is removed. If you need longer, " +
                "ask again."),
            new ChatPart.Buttons([GrantActions.ReturnButton(grant.Id)]),
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
        if (grant is { EndReason: EndReason.Revoked, EndNote: not null })
            parts.Add(new ChatPart.Text($"It was {GrantWords.Revoked(grant)}."));
        if (grant.Receipt is { } receipt)
        {
            parts.Add(new ChatPart.Text($"{Sessions(receipt)}. {Role(grant, receipt)}"));
            if (receipt.HandedOver.Count > 0)
                parts.Add(new ChatPart.Text(
                    $"What the role owned was kept, under an owner nobody can log in as: {Listed(receipt.HandedOver)}. Ask a database " +
                    "administrator if you need it."));
            if (receipt.Dropped.Count > 0)
                parts.Add(new ChatPart.Text($"What was for the role only went with it: {Listed(receipt.Dropped)}."));
            if (receipt.Remarks.Count > 0)
                parts.Add(new ChatPart.Text($"Besides: {Listed(receipt.Remarks, "; ")}."));
            if (receipt.Activity is { Statements: > 0 } activity)
                parts.Add(new ChatPart.Note(
                    $"On record is what it ran, without any values: {Count(activity.Statements, "statement")}, " +
                    $"{Count(activity.Calls, "call")}, {Count(activity.Rows, "row")}."));
        }

        if (grant.CredentialsMessage is not null)
            parts.Add(new ChatPart.Note("The password was taken out of its message, and does not work any more."));
        return new ChatMessage($"{GrantWords.Brief(grant)} has ended ({grant.Id}).", parts);
    }

    private static string Sessions(RemovalReceipt receipt)
    {
        var sessions = receipt.SessionsEnded switch { 0 => "No session was open", 1 => "One open session was cut",
            var n => $"{n} open sessions were cut" };
        return receipt.SessionsEnded > 0 && receipt.Overrun >= TimeSpan.FromSeconds(1)
            ? string.Create(
                CultureInfo.InvariantCulture, $"{sessions}, the last one {receipt.Overrun.Value.TotalSeconds:0} s after the end")
            : sessions;
    }

    private static string Role(GrantSnapshot grant, RemovalReceipt receipt)
    {
        if (grant.Status is GrantStatus.Quarantined)
            return "The role is locked for good; removing it still waits for something in the database, and is tried until it works.";
        if (receipt.Left is null) return "The role is gone, and that was checked.";

        var where = receipt.Instances.Count switch { 0 or 1 => "", var n => $" on {n} servers" };
        return $"The role is gone, and that was checked{where}: no session, nothing owned, no privilege, no " +
            $"membership{(receipt.Left.Memberships > 0 ? " that gives anybody anything" : "")} and no setting of it is left.";
    }

    private static string Listed(IReadOnlyList<string> things, string between = ", ")
    {
        // A receipt that was cut says itself how many there were besides.
        var beyond = things is [.., ['a', 'n', 'd', ' ', .. var number, ' ', 'm', 'o', 'r', 'e']]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var cut) ? cut : 0;
        var lines = things.SkipLast(beyond > 0 ? 1 : 0).Select(thing => GrantWords.Plain(thing, 400)).ToList();
        var more = beyond + Math.Max(0, lines.Count - MostListed);
        return string.Join(between, lines.Take(MostListed)) +
            (more > 0 ? string.Create(CultureInfo.InvariantCulture, $" and {more} more") : "");
    }

    private static string Count(long number, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");

    private static ChatMessage Delayed(GrantSnapshot grant) => new(
        $"{GrantWords.Brief(grant)} is not ready yet ({grant.Id}).",
        [
            new ChatPart.Text($"{What(grant)} is not ready yet ({grant.Id}). " +
                GrantWords.Plain(grant.Step.Trouble ?? "It takes longer than usual.", LongestWhy)),
            new ChatPart.Note(
                $"I go on trying for {Durations.Write(Grant.ProvisioningPatience)}; you need not ask again. /db-access done {grant.Id} " +
                "gives it up."),
        ]);

    /// <summary>It was asked for, and is over before it began.</summary>
    private static ChatMessage Settled(GrantSnapshot grant, string how)
    {
        var words = $"{What(grant)} {how} ({grant.Id}). {GrantWords.Outcome(grant)}";
        return new ChatMessage(
            $"{GrantWords.Brief(grant)} {how} ({grant.Id}). {GrantWords.Outcome(grant)}",
            [new ChatPart.Text(words), new ChatPart.Buttons([GrantActions.AskAgainButton(grant.Id)])]);
    }

    private static ChatMessage Offered(GrantSnapshot grant)
    {
        if (grant.Asking?.Offer is not { } offer)
            return ChatMessage.Plain(
                $"There was an offer for {GrantWords.Brief(grant)} ({grant.Id}), which is void by now: {GrantWords.Outcome(grant)}");

        var words = $"{GrantWords.Plain(offer.Agreement.Called)} offers less for {grant.Id}: {GrantWords.ScopeOf(offer.Scope)} on " +
            $"{grant.Target.Name} for {Durations.Write(offer.Duration)} instead of {GrantWords.ScopeOf(grant.Scope)} for " +
            $"{Durations.Write(grant.Duration)}.";
        var id = grant.Id.ToString();
        return new ChatMessage(
            $"{GrantWords.Plain(offer.Agreement.Called, GrantWords.ShortName)} offers less than {GrantWords.Brief(grant)}: " +
            $"{GrantWords.Brief(offer.Scope)} for {Durations.Write(offer.Duration)} ({grant.Id}).",
        [
            new ChatPart.Text(words), new ChatPart.Text($"It gives: {GrantWords.Plain(offer.Plan.Summary, 300)}."),
            new ChatPart.Buttons([
                new ChatButton(GrantActions.Accept, "Accept", id, Primary: true), new ChatButton(GrantActions.Decline, "Keep asking", id)]),
        ]);
    }

    private static ChatMessage AskedAgain(GrantSnapshot grant) => new(
        $"{GrantWords.Brief(grant)} would give more by now than was approved ({grant.Id}), so those who decide are asked again.",
        [
            new ChatPart.Text(
                $"{What(grant)} would give more by now than was approved ({grant.Id}), so those who decide are asked again."),
        ]);

    private static ChatMessage Extended(GrantSnapshot grant) => new(
        $"{GrantWords.Brief(grant)} lasts longer ({grant.Id}).",
        [
            new ChatPart.When($"{grant.Scope.Name} on {grant.Target.Name} ({grant.Id}) now ends", grant.Window!.Expiry),
            new ChatPart.Note("The password stays the same; open sessions go on."),
        ]);

    private static ChatMessage NotExtended(GrantSnapshot grant) => new(
        $"{GrantWords.Brief(grant)} does not last longer ({grant.Id}). {GrantWords.Outcome(grant)}",
        [
            new ChatPart.Text($"{What(grant)} does not last longer ({grant.Id}). {GrantWords.Outcome(grant)}"),
            new ChatPart.When("It ends", grant.Window!.Expiry),
        ]);

    private static ChatMessage ForAdministrators(GrantSnapshot grant, string what, ChatButton? button)
    {
        var how = grant.BreakGlass ? ", taken by break-glass" : "";
        var words = $"{grant.Id}, {What(grant)} by {GrantWords.Plain(grant.Handle)}{how}: {what.TrimEnd('.')}.";
        var who = GrantWords.Plain(grant.Handle, GrantWords.ShortName);
        var summary = $"{who}, {GrantWords.Brief(grant)}{how} ({grant.Id}): {what.TrimEnd('.')}.";
        return new ChatMessage(summary, button is null ? [new ChatPart.Text(words)] : [new ChatPart.Text(words),
            new ChatPart.Buttons([button])]);
    }

    private static ChatMessage Failed(GrantSnapshot grant) => new(
        $"{GrantWords.Brief(grant)} could not be given ({grant.Id}).",
        [
            new ChatPart.Text(
                $"{What(grant)} could not be given ({grant.Id}): {GrantWords.Plain(grant.AbandonedBecause ?? "", LongestWhy)}"),
            new ChatPart.Note("No role exists for it; that was checked. You can ask again at any time."),
        ]);

    private static string What(GrantSnapshot grant) =>
        $"{GrantWords.ScopeOf(grant.Scope)} on {grant.Target.Name} for {Durations.Write(grant.Duration)}";
}
