using System.Diagnostics;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using MediatR;

namespace DbAccess.Application.Pipeline;

/// <summary>
/// Puts every attempt on the audit record. If the record cannot be written the caller fails: its own state, if it was saved, is picked up
/// by the sweep.
/// </summary>
internal sealed class AuditBehavior<TRequest, TResponse>(IAuditTrail audit, TimeProvider clock) : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IAudited
    where TResponse : IOutcome<TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        var outcome = "failed";
        try
        {
            var response = await next();
            outcome = response.Refusal?.Code ?? "done";
            return response;
        }
        finally
        {
            // Not cancelled with the caller: the attempt has happened.
            await audit.AppendAsync(
                new AuditRecord(
                    clock.GetUtcNow(), typeof(TRequest).Name, request.By, request.Subject, outcome, Activity.Current?.TraceId.ToString()),
                CancellationToken.None);
        }
    }
}
