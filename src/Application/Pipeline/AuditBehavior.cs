using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using MediatR;

namespace DbAccess.Application.Pipeline;

/// <summary>
/// Puts every attempt on the audit record. If the record cannot be written the caller fails: its own state, if it was saved, is picked up
/// by the sweep. Only what takes away goes on then.
/// </summary>
internal sealed class AuditBehavior<TRequest, TResponse>(IAuditTrail audit, LateRecords late, IPolicySource policies, TimeProvider clock)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : IAudited
    where TResponse : IOutcome<TResponse>
{
    private static readonly string Type = $"command.{EventTypes.Snake(typeof(TRequest).Name)}";

    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        var outcome = "failed";
        var started = clock.GetTimestamp();
        var notes = AttemptNotes.Begin();
        try
        {
            var response = await next();
            outcome = response.Refusal?.Code ?? "done";
            return response;
        }
        finally
        {
            if (!request.OnlyRefusals || outcome is not "done")
            {
                var attempt = Attempt(request, outcome, clock.GetElapsedTime(started), notes);
                // Not cancelled with the caller: the attempt has happened.
                await (request.EndsAccess ? late.RecordAsync(attempt) : audit.RecordAsync(attempt, CancellationToken.None));
            }
        }
    }

    private LogEvent Attempt(TRequest request, string outcome, TimeSpan took, AttemptNotes notes) => new()
    {
        At = clock.GetUtcNow(), Type = request.OnlyRefusals ? "press.refused" : Type, By = request.By, Way = Way.Current,
        Grant = request.About ?? notes.Grant, Outcome = outcome, Rule = notes.Rule, PlanHash = notes.PlanHash,
        PolicyHash = policies.Missing is null ? policies.Current.Hash : null, Trace = Way.Trace,
        What = [new Fact.Text("subject", request.Subject), new Fact.Number("ms", (long)took.TotalMilliseconds)],
    };
}
