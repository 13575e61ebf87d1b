using DbAccess.Application.Ports;
using DbAccess.Domain;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Evidence;

/// <summary>Says in a line that alarms read how the evidence log is: tampered with or not, and how long events wait.</summary>
/// <param name="Always">Also while all is well: a function's sweep says it each time, whoever runs all day only what is wrong.</param>
public sealed record TellOfEvidence(bool Always) : IRequest<Result>
{
    internal sealed class Handler(IEvidenceLog log, LogWatch watch, TimeProvider clock, ILogger<Handler> logger)
        : IRequestHandler<TellOfEvidence, Result>
    {
        public async Task<Result> Handle(TellOfEvidence command, CancellationToken cancellationToken)
        {
            var (tampered, behind) = (watch.IsTampered, TimeSpan.Zero);
            // Where they were given places just now nothing waits.
            if (watch.Trouble is not null || watch.SequencedAt is null)
            {
                try
                {
                    if ((await log.CountUnplacedAsync(cancellationToken)).Since is { } since) behind = clock.GetUtcNow() - since;
                }
                catch (LogBrokenException)
                {
                    tampered = true;
                }
            }

            if (command.Always || tampered || behind > TimeSpan.FromMinutes(5))
                logger.Log(tampered ? LogLevel.Critical : LogLevel.Information,
                    "Evidence log: tampered with {EvidenceTampered}, events wait for {EvidenceBehindSeconds} s", tampered ? 1 : 0,
                    (long)Math.Max(0, behind.TotalSeconds));
            return Result.Done;
        }
    }
}
