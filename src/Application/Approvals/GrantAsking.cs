using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Approvals;

/// <summary>
/// What is due while people are asked: the databases are looked at, so that the card can say what would be given; those who are asked are
/// reminded; and when nobody decided in time, it lapses.
/// </summary>
internal sealed class GrantAsking(
    IGrantStore store, IRoleInventory inventory, GrantSeal seal, TimeProvider clock, ILogger<GrantAsking> log)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    /// <summary>Whether something of this is due.</summary>
    public static bool IsDue(Grant grant, DateTimeOffset now) => grant.IsAsking && grant.State.Asking is { } asking
        && (asking.Plan is null || asking.RemindAt <= now || asking.LapsesAt <= now);

    /// <summary>Whether it needs the database.</summary>
    public static bool NeedsDatabase(Grant grant, DateTimeOffset now) =>
        grant.State.Asking is { Plan: null } asking && asking.LapsesAt > now;

    public async Task<StepOutcome> StepAsync(Grant grant, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (grant.State.Asking is not { } asking) return StepOutcome.Nothing;
        if (asking.LapsesAt <= now)
        {
            var (_, lapsed) = await store.ChangeAsync(
                grant, mine => seal.Keep(mine, own => own.Lapse(clock.GetUtcNow())), cancellationToken);
            return lapsed.Refusal is null ? StepOutcome.Ended : StepOutcome.Nothing;
        }

        if (asking.Plan is not null)
        {
            var (_, reminded) = await store.ChangeAsync(grant, mine => mine.Remind(clock.GetUtcNow()), cancellationToken);
            return reminded.Refusal is null ? StepOutcome.Told : StepOutcome.Nothing;
        }

        var state = grant.State;
        var plan = await PlanAsync(state.Installation, state.Target, state.Scope, cancellationToken);
        var (_, outcome) = await store.ChangeAsync(
            grant,
            mine => seal.Keep(mine, own => plan.Refusal is { } why
                ? own.NotPlanned(why.Message, clock.GetUtcNow()) : own.Planned(plan.Value, clock.GetUtcNow())),
            CancellationToken.None);
        if (outcome.Refusal is not null) return StepOutcome.Nothing;

        if (plan.Refusal is null) return StepOutcome.Told;

        log.LogWarning("What {Grant} would give cannot be shown yet: {Why}", grant.Id.ToString(), plan.Refusal.Message);
        return StepOutcome.Postponed;
    }

    /// <summary>Expands a scope on the databases as they are now; refuses when they cannot be looked at in time.</summary>
    public Task<Result<AgreedPlan>> PlanAsync(
        string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken) =>
        Deadline.AskAsync<Result<AgreedPlan>>(
            Longest, clock,
            async token =>
            {
                var plan = await inventory.PlanAsync(installation, target, scope, token);
                return plan.Refusal is { } refusal ? refusal : AgreedPlan.Of(plan.Value);
            },
            late: () => new Error("plan.too_slow", "the database does not answer."),
            failure =>
            {
                log.LogError(failure, "What {Scope} gives on {Database} cannot be looked at", scope.Name.Value, target.Name.Value);
                return new Error("plan.failed", "the database could not be looked at.");
            },
            cancellationToken);
}
