using System.Globalization;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Steps;

/// <summary>What stays with the holder, and its buttons, derived from what is on record. Pure.</summary>
public static class HolderMessages
{
    /// <param name="more">As <see cref="Credential.ExtendBy"/>.</param>
    /// <param name="open">What their role has open now; null where that is not known.</param>
    /// <returns>Null where <see cref="GrantMessages"/> says it.</returns>
    public static ChatMessage? For(NoticeKind kind, GrantSnapshot grant, TimeSpan? more, OpenSessions? open = null) => kind switch
    {
        NoticeKind.Ending when grant.Window is { } window => Ending(grant, window, more, open),
        NoticeKind.Ended => WithAskAgain(GrantMessages.For(kind, grant), grant),
        NoticeKind.NotRevealed => WithAskAgain(ChatMessage.Plain(
            $"{GrantWords.Brief(grant)} was given back by itself ({grant.Id}): nobody had the password shown in time. No role was " +
            "made."),
            grant),
        NoticeKind.NoPassword => ChatMessage.Plain(
            $"There is no new password for {GrantWords.Brief(grant)} ({grant.Id}): " +
            $"{GrantWords.Plain((grant.Step.Trouble ?? "it did not work").TrimEnd('.'), 300)}. " +
            "The one before may not work any more; press the button again in a while."),
        _ => null,
    };

    /// <summary>While it is live, or waits for its password to be shown.</summary>
    public static IReadOnlyList<ChatButton> Buttons(GrantSnapshot grant, TimeSpan? more)
    {
        var id = grant.Id.ToString();
        var live = grant.Status is GrantStatus.Active || grant.RevealBy is null;
        var buttons = new List<ChatButton>();
        if (grant.RevealBy is not null)
            buttons.Add(new ChatButton(GrantActions.Reveal, "Show password", id, Primary: true));
        if (live) buttons.Add(new ChatButton(GrantActions.Connect, "Connect…", id, Spoken: $"Ways to connect with {id}"));
        if (live && more is { } by) buttons.Add(Extend(grant.Id, by));
        if (live && grant.RevealBy is null)
            buttons.Add(new ChatButton(
                GrantActions.NewPassword, "New password", id, Confirm: "The password you have stops working at once."));
        if (live && grant is { RevealBy: null, BreakGlass: false }) buttons.Add(KeepButton(grant.Id));
        buttons.Add(GrantActions.ReturnButton(grant.Id));
        return buttons;
    }

    /// <summary>The end, in the place of what was there: nothing of it opens anything.</summary>
    public static ChatMessage Over(GrantSnapshot grant)
    {
        var what = $"{grant.Target.Name} · {grant.Scope.Name} ·";
        if (grant.Status is GrantStatus.Cancelled)
            return new ChatMessage($"{GrantWords.Brief(grant)} was given back by itself ({grant.Id}).",
            [
                new ChatPart.When($"{what} given back by itself", grant.EndedAt!.Value), new ChatPart.Note($"Grant: {grant.Id}"),
                new ChatPart.Buttons([GrantActions.AskAgainButton(grant.Id)]),
            ]);

        var ended = grant.Receipt is { } receipt && receipt.LockedOutAt != RemovalReceipt.NotYet ? receipt.LockedOutAt : grant.EndedAt;
        return new ChatMessage($"{GrantWords.Brief(grant)} has ended ({grant.Id}).",
        [
            ended is { } at ? new ChatPart.When($"{what} ended", at) : new ChatPart.Text($"{what} ended"),
            new ChatPart.Text(Receipt(grant)),
            new ChatPart.Note($"Grant: {grant.Id}. The password that stood here is gone and does not work any more."),
            new ChatPart.Buttons(grant.BreakGlass ? [GrantActions.AskAgainButton(grant.Id)]
                : [GrantActions.AskAgainButton(grant.Id), KeepButton(grant.Id)]),
        ]);
    }

    /// <summary>In the place of a password that another one replaced.</summary>
    public static ChatMessage Replaced(GrantSnapshot grant) => new(
        $"The password of {grant.Id} that stood here no longer works.",
        [
            new ChatPart.Text($"The password of {grant.Id} that stood here no longer works; a newer message has the one that does."),
        ]);

    /// <summary><c>+30 min</c>.</summary>
    public static string More(TimeSpan by) => by.Ticks % TimeSpan.TicksPerMinute != 0 ? $"+{Durations.Write(by)}"
        : by.Ticks % TimeSpan.TicksPerHour == 0
            ? string.Create(CultureInfo.InvariantCulture, $"+{by.TotalHours:0} h")
            : string.Create(CultureInfo.InvariantCulture, $"+{by.TotalMinutes:0} min");

    private static ChatMessage Ending(GrantSnapshot grant, AccessWindow window, TimeSpan? more, OpenSessions? open)
    {
        var what = $"{grant.Scope.Name} on {grant.Target.Name}";
        List<ChatButton> buttons = [GrantActions.ReturnButton(grant.Id)];
        if (more is { } by && grant.ExtendBy is null) buttons.Insert(0, Extend(grant.Id, by));
        var longer = grant.ExtendBy is not null ? " More time is asked for, and not decided yet."
            : more is null ? " The rule gives no more time: ask again if you need it." : "";
        return new ChatMessage(
            $"{GrantWords.Brief(grant)} ends soon ({grant.Id}){(open is { Transactions: > 0 } ? $" with {Transactions(open)}" : "")}.",
            [
                new ChatPart.When($"{what} (`{grant.Id}`) ends", window.Expiry),
                new ChatPart.Text($"{Open(open)}Then its sessions are cut and the role is removed.{longer}"),
                new ChatPart.Buttons(buttons),
            ]);
    }

    private static string Open(OpenSessions? open) => open switch
    {
        null => "Finish what is open. ",
        { Sessions: 0 } => "You have no session open. ",
        { Transactions: 0 } =>
            $"You have {Count(open.Sessions, "open session")}, and no transaction in {(open.Sessions == 1 ? "it" : "them")}. ",
        _ => $"You have {Transactions(open)}{Idle(open)}: what is not committed by then is lost. ",
    };

    private static string Transactions(OpenSessions open) => Count(open.Transactions, "open transaction");

    private static string Idle(OpenSessions open) => open.IdleFor is { } idle && idle >= TimeSpan.FromSeconds(5)
        ? $" (idle for {Durations.Write(idle < TimeSpan.FromMinutes(1) ? TimeSpan.FromSeconds(Math.Floor(idle.TotalSeconds))
            : TimeSpan.FromMinutes(Math.Floor(idle.TotalMinutes)))})" : "";

    /// <summary>Asks for a name to keep what was asked for under.</summary>
    public static ChatButton KeepButton(GrantId id) =>
        new(PresetActions.Keep, "Keep…", id.ToString(), Spoken: $"Keep what {id} asks for as a preset");

    private static ChatButton Extend(GrantId id, TimeSpan by) =>
        new(GrantActions.Extend, More(by), id.ToString(), Spoken: $"Have {id} longer by {Durations.Write(by)}");

    private static ChatMessage WithAskAgain(ChatMessage message, GrantSnapshot grant) => message with
    {
        Parts = [.. message.Parts, new ChatPart.Buttons([GrantActions.AskAgainButton(grant.Id)])],
    };

    /// <summary><c>Last session cut after 0.2 s; role proved gone. 9 statements, 14 rows.</c></summary>
    private static string Receipt(GrantSnapshot grant)
    {
        if (grant.Receipt is not { } receipt) return "What was done to end it is on record.";

        var after = receipt.LastSessionGoneAt - (grant.EndReason is EndReason.Expired && grant.Window is { } window
            ? window.Expiry : receipt.LockedOutAt);
        var sessions = receipt.SessionsEnded == 0 ? "No session was open"
            : string.Create(CultureInfo.InvariantCulture, $"Last session cut after {Math.Max(0, after.TotalSeconds):0.0} s");
        var role = grant.Status is GrantStatus.Quarantined ? "the role is locked for good, and not removed yet"
            : receipt.ProvedAt is not null ? "role proved gone" : "role gone";
        var ran = receipt.Activity is { Statements: > 0 } activity
            ? string.Create(CultureInfo.InvariantCulture, $" {Count(activity.Calls, "statement")}, {Count(activity.Rows, "row")}.") : "";
        return $"{sessions}; {role}.{ran}";
    }

    private static string Count(long number, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");
}
