using System.Globalization;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Grants;

/// <summary>What a grant, its scope and what people said of it are called in sentences, wherever those stand. Pure.</summary>
public static class GrantWords
{
    /// <summary>As much of what somebody is called as leaves a notification room for the rest.</summary>
    public const int ShortName = 40;

    /// <summary>
    /// A scope as people asked for it: <c>fix-orders</c>, or <c>fix-orders, only public.orders,</c> where somebody narrowed it (to be
    /// followed by more words).
    /// </summary>
    public static string ScopeOf(PrivilegeScope scope) => Only(scope) is { } only ? $"{scope.Name}, only {only}," : scope.Name.Value;

    /// <summary>The tables that a scope was narrowed to, the first few by name; null when it is as the policy has it.</summary>
    public static string? Only(PrivilegeScope scope)
    {
        const int shown = 5;
        if (scope.NarrowedTo.Count == 0) return null;

        var names = string.Join(", ", scope.NarrowedTo.Take(shown).Select(name => Plain(name)));
        return scope.NarrowedTo.Count > shown ? $"{names} and {scope.NarrowedTo.Count - shown} more" : names;
    }

    /// <summary>
    /// What and how long, for the first words of a notification: those are all that a locked phone shows, and names of tables would fill
    /// them.
    /// </summary>
    public static string Brief(GrantSnapshot grant) =>
        $"{Brief(grant.Scope)} on {grant.Target.Name} for {Durations.Write(grant.Duration)}";

    public static string Brief(PrivilegeScope scope) => scope.NarrowedTo.Count switch
    {
        0 => scope.Name.Value,
        1 => $"{scope.Name} (1 table)",
        var tables => string.Create(CultureInfo.InvariantCulture, $"{scope.Name} ({tables} tables)"),
    };

    /// <summary>Who revoked it and why, as far as that is on record: <c>revoked by dana: left the team</c>.</summary>
    public static string Revoked(GrantSnapshot grant)
    {
        var why = grant.EndNote is { } note ? $": {Plain(note.TrimEnd('.', ' '), 300)}" : "";
        return $"revoked{(grant.EndedBy is { } by ? $" by {Plain(by)}" : "")}{why}";
    }

    /// <summary>What it came to, in one sentence.</summary>
    public static string Outcome(GrantSnapshot grant)
    {
        var by = grant.EndedBy is { } name ? $" by {Plain(name)}" : "";
        var why = grant.EndNote is { } note ? $": {Plain(note.TrimEnd('.', ' '), 300)}" : "";
        if (grant.Review is { At: not null } review)
            return review.AllRight ? $"Reviewed by {Plain(review.Called!)}: all right."
                : $"Reviewed by {Plain(review.Called!)}: not all right. {Plain(review.Why!, 300)}";
        return grant.Status switch
        {
            GrantStatus.Denied => $"Denied{by}{why}.",
            GrantStatus.Lapsed => "Lapsed: nobody decided in time.",
            GrantStatus.Cancelled when grant.EndReason is EndReason.Superseded => $"Withdrawn{why}.",
            GrantStatus.Cancelled => "Cancelled by whoever asked.",
            GrantStatus.Failed => $"Approved, but it could not be given: {Plain(grant.AbandonedBecause ?? "", 300)}",
            GrantStatus.Pending => "Nobody has decided yet.",
            // Those who were asked last were asked for more time, and did not give it.
            GrantStatus.Active when grant.Asking is { Stage: not null } =>
                grant.EndNote is null ? "Not extended: nobody decided in time." : $"Not extended{by}{why}.",
            GrantStatus.Active when grant.Extensions > 0 => "Extended.",
            GrantStatus.Ended or GrantStatus.Revoking or GrantStatus.Quarantined => "Given, and over.",
            _ => $"Approved{Agreed(grant)}.",
        };
    }

    public static string Agreed(GrantSnapshot grant) => grant.Asking is { Agreements: { Count: > 0 } yes }
        ? $" by {string.Join(", ", yes.Select(agreement => Plain(agreement.Called)))}" : "";

    /// <summary>Somebody's words in a sentence of ours: a back-tick of theirs would pair up with one of ours.</summary>
    public static string Plain(string words, int longest = 130) => Show.Text(words, longest).Replace('`', '\'');
}
