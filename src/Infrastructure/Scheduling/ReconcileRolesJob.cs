using System.Diagnostics;
using DbAccess.Application;
using DbAccess.Application.Reconciling;
using MediatR;
using Microsoft.Extensions.Logging;
using Quartz;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>
/// Compares the record with every cluster where a grant is live or ended lately, at the start and every hour. What the cheap passes after
/// each sweep cannot see is seen here; clusters where nothing is live are left asleep, and looked at by <c>sweep --reconcile</c>.
/// </summary>
internal sealed class ReconcileRolesJob(IMediator mediator, ILogger<ReconcileRolesJob> log) : IJob
{
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        using var activity = Telemetry.Activities.StartActivity("ReconcileRolesJob", ActivityKind.Internal);
        var compared = await mediator.Send(new ReconcileRoles(), cancellationToken);
        if (compared.Refusal is { } refusal) log.LogError("Reconcile: nothing was compared: {Refusal}", refusal.Message);
        else log.LogInformation("Reconcile: {Report}", compared.Value.ToString());
    }
}
