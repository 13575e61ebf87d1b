using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Approvals;

/// <summary>What is pressed to decide about a grant, wherever it is shown. Pure.</summary>
public static class DecisionButtons
{
    /// <summary>For those who are asked for their yes.</summary>
    public static IReadOnlyList<ChatButton> ToDecide(GrantSnapshot grant)
    {
        var id = grant.Id.ToString();
        var length = Durations.Write(grant.ExtendBy ?? grant.Duration);
        var confirm = Risk(grant) is { Length: > 0 } risk
            ? $"{risk} {GrantWords.Plain(grant.Handle)} gets {grant.Scope.Name} on {grant.Target.Name} for {length}." : null;
        List<ChatButton> buttons = [];
        if (grant.Asking?.Plan is not null)
            buttons.Add(new ChatButton(CardActions.Approve, $"Approve {length}", id, Confirm: confirm, Primary: true));
        if (grant.Status is GrantStatus.Pending) buttons.Add(new ChatButton(CardActions.Offer, "Less…", id, Spoken: "Offer less"));
        buttons.Add(new ChatButton(CardActions.Deny, "No…", id, Danger: true, Spoken: "Deny, with a reason"));
        buttons.Add(new ChatButton(CardActions.Details, "Details", id));
        return buttons;
    }

    /// <summary>For those who look at what was taken in an emergency.</summary>
    public static IReadOnlyList<ChatButton> ToReview(GrantSnapshot grant) =>
    [
        new(CardActions.ReviewOk, "All right", grant.Id.ToString(), Primary: true, Spoken: "Reviewed, all right"),
        new(CardActions.ReviewBad, "Not all right…", grant.Id.ToString(), Danger: true, Spoken: "Reviewed, not all right"),
    ];

    /// <summary>What makes one stop and think; empty mostly.</summary>
    public static string Risk(GrantSnapshot grant) =>
        $"{(grant.Scope.HighRisk ? "High risk. " : "")}{(grant.Scope.RunAs is { } owner
            ? $"Sessions act as the owner {GrantWords.Plain(owner)}: whatever that owner may do, they may." : "")}".TrimEnd();
}
