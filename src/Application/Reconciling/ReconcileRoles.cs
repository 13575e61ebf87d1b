using DbAccess.Application.Ports;
using DbAccess.Domain;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Reconciling;

/// <summary>
/// Compares the record with the clusters: roles without a live grant, live grants without a role, scope roles that somebody changed. Mends
/// what it may and reports the rest. Safe to run anywhere, any number of times. Refused where there is no policy.
/// </summary>
/// <param name="DryRun">Changes nothing and says what would be done.</param>
/// <param name="Confirm">An administrator says that the record is right: roles that it does not know are removed, and no grace is waited
/// for with scope roles.</param>
/// <param name="Reach">Which clusters.</param>
public sealed record ReconcileRoles(bool DryRun = false, bool Confirm = false, ReconcileReach Reach = ReconcileReach.Busy)
    : IRequest<Result<ReconcileReport>>
{
    internal sealed class Handler(
        RoleReconciler reconciler, OpenFindings open, IPolicySource policies, TimeProvider clock, ILogger<Handler> log)
        : IRequestHandler<ReconcileRoles, Result<ReconcileReport>>
    {
        public async Task<Result<ReconcileReport>> Handle(ReconcileRoles command, CancellationToken cancellationToken)
        {
            // What a policy needs would look as if nobody needed it.
            if (policies.Missing is { } none) return none;

            var report = await reconciler.RunAsync(command.DryRun, command.Confirm, command.Reach, cancellationToken);
            // A cheap pass does not look at everything.
            if (!command.DryRun && command.Reach is not ReconcileReach.BusyCheaply) await KeepAsync(report, cancellationToken);
            return report;
        }

        /// <summary>So that administrators see it; what was found and mended does not depend on it.</summary>
        private async Task KeepAsync(ReconcileReport report, CancellationToken cancellationToken)
        {
            try
            {
                await open.WriteAsync(report, clock.GetUtcNow(), cancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "What the comparison found could not be noted; the next one tries again");
            }
        }
    }
}
