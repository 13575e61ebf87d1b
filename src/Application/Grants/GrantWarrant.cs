using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Grants;

/// <summary>Whether a grant may (still) be given, or go on.</summary>
internal abstract record Warrant
{
    private Warrant()
    {
    }

    /// <param name="Most">As long as the rule allows now; the grant's own length when that is no longer.</param>
    /// <param name="Connect">How people reach the cluster, where the policy says so.</param>
    /// <param name="Rule">That covers it now.</param>
    public sealed record Holds(TimeSpan Most, AccessRule Rule, ConnectHints? Connect) : Warrant;

    /// <summary>Not any more, for good; in words for the holder.</summary>
    public sealed record Gone(string Why) : Warrant;

    /// <summary>It cannot be said now: giving waits, and nothing is taken away for it.</summary>
    public sealed record Unclear(string Why) : Warrant;
}

/// <summary>
/// Asks policy and directory again whether a grant on record may be given or go on: a record says what was decided once, not that it still
/// holds, and whoever can write to the store could have written it.
/// </summary>
internal sealed class GrantWarrant(RequestJudge judge, GrantSeal seal, IGrantStore store)
{
    // Refusals that say nothing about the grant: what is asked does not answer.
    private static readonly string[] Passing = [IDirectory.Unavailable, "policy.none", "policy.group_unreadable"];

    /// <summary>A grant that was never anything else is still to be given.</summary>
    private static readonly GrantStatus[] ToGive = [GrantStatus.Pending, GrantStatus.Approved, GrantStatus.Provisioning];

    /// <summary>Before anything is given: it was decided here, would be decided so now, and was not given yet.</summary>
    public async Task<Warrant> ToGiveAsync(Grant grant, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!seal.IsOurs(grant))
            return new Warrant.Gone("the record of it is not one that DbAccess made, or was changed since. An administrator should look " +
                "into it");
        // An older record of it has a seal that fits. What has happened since stands on the log.
        if ((await store.ListEventsAsync(grant.Id, cancellationToken)).Any(happened => !ToGive.Contains(happened.To)))
            return new Warrant.Gone("it was given before, or was over, and its record was put back to what it was before that. An " +
                "administrator should look into it");

        return await JudgeAsync(grant, now, giving: true, cancellationToken);
    }

    /// <summary>While it lives: the person, the rule, and what the rule covers.</summary>
    public Task<Warrant> ToGoOnAsync(Grant grant, DateTimeOffset now, CancellationToken cancellationToken) =>
        JudgeAsync(grant, now, giving: false, cancellationToken);

    /// <summary>What is on record, as it would be asked for now.</summary>
    internal static AccessWish Wish(GrantSnapshot state) =>
        new(state.Target.Name, state.Scope.Name, null, state.Reason)
        {
            Only = Only(state.Scope), BreakGlass = state.BreakGlass, StartsAt = state.StartsAt ?? (state.Status is GrantStatus.Active
                ? state.Window?.Start : null),
        };

    private async Task<Warrant> JudgeAsync(Grant grant, DateTimeOffset now, bool giving, CancellationToken cancellationToken)
    {
        var state = grant.State;
        var judged = await judge.JudgeAsync(state.Requester, Wish(state), now, cancellationToken);
        if (judged.Refusal is { } refusal)
            return Passing.Contains(refusal.Code, StringComparer.Ordinal)
                ? new Warrant.Unclear(refusal.Message) : new Warrant.Gone(refusal.Message.TrimEnd('.'));

        var terms = judged.Value.Terms;
        if (terms.Target != state.Target || terms.Scope.InFull() != state.Scope.InFull())
            return new Warrant.Gone($"the policy for {state.Scope.Name} on {state.Target.Name} has changed since it was decided");
        // Who decided stays on record as they decided; but where people have to agree by now, somebody must have been asked.
        if (giving && !terms.AtOnce && state.Asking is not { Stage: null })
            return new Warrant.Gone($"rule {terms.Rule.Id} asks for approval by now, and nobody was asked");
        return new Warrant.Holds(
            terms.Rule.Lifetime.Max < state.Duration ? terms.Rule.Lifetime.Max : state.Duration, terms.Rule, judged.Value.Connect);
    }

    /// <summary>The tables that a scope was narrowed to, as they were asked for; none for the whole scope.</summary>
    internal static IReadOnlyList<TableMention> Only(PrivilegeScope scope) =>
        scope.NarrowedTo.Count == 0 ? [] : TableMention.ReadAll(string.Join(", ", scope.NarrowedTo)).Tables;
}
