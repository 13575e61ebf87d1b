using System.Diagnostics;
using DbAccess.Application.Approvals;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Steps;

/// <summary>
/// Takes the one step of a grant that is due. Every step starts with a conditional write that leases it, so any number of workers may try;
/// whoever loses the race leaves. What a step makes due in turn (a notice, a next try) is found by the next look at what is due.
/// </summary>
internal sealed class GrantSteps(
    IGrantStore store, GrantAsking asking, GrantGiving giving, GrantRemoving removing, GrantTelling telling, GrantCards cards,
    ClusterPlaces places, TimeProvider clock)
{
    /// <param name="early">Also a step that was put off until later.</param>
    public async Task<StepOutcome> TakeDueAsync(Grant grant, CancellationToken cancellationToken, bool early = false)
    {
        // The id of the request that started it all, from the first log line to the last statement of the removal.
        var request = ActivityContext.TryParse(grant.State.Correlation, null, out var parsed) ? parsed : default;
        using var activity = Telemetry.Activities.StartActivity("GrantStep", ActivityKind.Internal, request);
        activity?.SetTag("grant", grant.Id.ToString());

        var now = clock.GetUtcNow();
        if (grant.State.Step.DueAt <= now || (early && grant.State.IsPostponed(now)))
        {
            return grant.Status switch
            {
                GrantStatus.Pending when GrantAsking.NeedsDatabase(grant, now) =>
                    await OnClusterAsync(grant, asking.StepAsync, cancellationToken),
                GrantStatus.Pending => await asking.StepAsync(grant, cancellationToken),
                GrantStatus.Approved or GrantStatus.Provisioning => await OnClusterAsync(grant, giving.GiveAsync, cancellationToken),
                GrantStatus.Active or GrantStatus.Revoking or GrantStatus.Quarantined =>
                    await OnClusterAsync(grant, removing.RemoveAsync, cancellationToken),
                _ => StepOutcome.Nothing,
            };
        }

        if (grant.State.Review?.LateAt <= now)
            return grant.Escalate(now).Refusal is null && await store.SaveAsync(grant, cancellationToken) is SaveOutcome.Saved
                ? StepOutcome.Told : StepOutcome.Nothing;
        if (grant.State.Owed.DueAt <= now) return await telling.TellAsync(grant, cancellationToken);
        return grant.State.Card?.DueAt <= now ? await cards.DrawAsync(grant, cancellationToken) : StepOutcome.Nothing;
    }

    private async Task<StepOutcome> OnClusterAsync(
        Grant grant, Func<Grant, CancellationToken, Task<StepOutcome>> step, CancellationToken cancellationToken)
    {
        var cluster = grant.State.Target.Cluster;
        if (!places.TryEnter(cluster)) return StepOutcome.Nothing;

        var (started, failed) = (clock.GetTimestamp(), true);
        try
        {
            var outcome = await RecordedAsync(grant, step, cancellationToken);
            failed = outcome is StepOutcome.Postponed;
            return outcome;
        }
        finally
        {
            places.Leave(cluster, failed, clock.GetElapsedTime(started));
        }
    }

    /// <summary>Every statement that it runs on the target is on the grant's record when it is over.</summary>
    private async Task<StepOutcome> RecordedAsync(
        Grant grant, Func<Grant, CancellationToken, Task<StepOutcome>> step, CancellationToken cancellationToken)
    {
        using var ran = RanStatements.Begin(clock);
        try
        {
            return await step(grant, cancellationToken);
        }
        finally
        {
            await store.RecordRestAsync(grant.Id);
        }
    }
}
