using System.Diagnostics;
using DbAccess.Application.Evidence;
using DbAccess.Domain;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Pipeline;

/// <summary>Name, actor, subject, length and outcome of every command. Never the command itself: it holds what people wrote.</summary>
internal sealed class LoggingBehavior<TRequest, TResponse>(ILogger<LoggingBehavior<TRequest, TResponse>> log, TimeProvider clock)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : notnull
    where TResponse : IOutcome<TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        var name = typeof(TRequest).Name;
        using var activity = Telemetry.Activities.StartActivity(name);
        var started = clock.GetTimestamp();
        var outcome = "failed";
        try
        {
            var response = await next();
            outcome = response.Refusal?.Code ?? "done";
            return response;
        }
        finally
        {
            var took = clock.GetElapsedTime(started);
            activity?.SetTag("outcome", outcome);
            Telemetry.Commands.Record(took.TotalSeconds, new KeyValuePair<string, object?>("command", name),
                new KeyValuePair<string, object?>("outcome", outcome));
            if (request is IAudited audited)
                log.LogInformation("{Command} by {Actor} on {Subject}: {Outcome} after {Milliseconds} ms", name, audited.By.ToString(),
                    audited.Subject, outcome, (long)took.TotalMilliseconds);
            else
                log.LogDebug("{Command}: {Outcome} after {Milliseconds} ms", name, outcome, (long)took.TotalMilliseconds);
        }
    }
}
