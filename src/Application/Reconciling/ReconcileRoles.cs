using DbAccess.Application.Ports;
using DbAccess.Domain;
using MediatR;

namespace DbAccess.Application.Reconciling;

/// <summary>
/// Compares the record with the clusters: roles without a live grant, live grants without a role, scope roles that somebody changed. Mends
/// what it may and reports the rest. Safe to run anywhere, any number of times. Refused where there is no policy.
/// </summary>
/// <param name="DryRun">Changes nothing and says what would be done.</param>
/// <param name="Confirm">An administrator says that the record is right: roles that it does not know are removed, and no grace is waited
/// for with scope roles.</param>
/// <param name="OnlyBusy">Only clusters with live or lately ended grants: cheap enough for every sweep, and wakes nobody.</param>
public sealed record ReconcileRoles(bool DryRun = false, bool Confirm = false, bool OnlyBusy = false) : IRequest<Result<ReconcileReport>>
{
    internal sealed class Handler(RoleReconciler reconciler, IPolicySource policies)
        : IRequestHandler<ReconcileRoles, Result<ReconcileReport>>
    {
        public async Task<Result<ReconcileReport>> Handle(ReconcileRoles command, CancellationToken cancellationToken)
        {
            // What a policy needs would look as if nobody needed it.
            if (policies.Missing is { } none) return none;

            return await reconciler.RunAsync(command.DryRun, command.Confirm, command.OnlyBusy, cancellationToken);
        }
    }
}
