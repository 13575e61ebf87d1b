using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Policies;

/// <summary>
/// The policy in force is put on record when it is another than the one before, with what has changed, and its text is
/// kept. Of several processes one does it.
/// </summary>
/// <param name="AtStart">A process has just started: the change may have come any time since the last one.</param>
public sealed record RecordPolicy(bool AtStart) : IRequest<Result>
{
    internal sealed class Handler(
            IPolicySource policies, KeptPolicies kept, IEvidenceLog log, IAuditTrail audit, TimeProvider clock, ILogger<Handler> logger)
        : IRequestHandler<RecordPolicy, Result>
    {
        private const string Mark = "policy";

        public async Task<Result> Handle(RecordPolicy command, CancellationToken cancellationToken)
        {
            if (policies.Missing is not null) return Result.Done;

            var policy = policies.Current;
            if (!await kept.KeepAsync(policy, clock.GetUtcNow(), cancellationToken) && policy.Text.Length > 0)
                logger.LogWarning(
                    "The text of policy {Hash} is not kept: it is too large, or others write there all the time", policy.Hash);
            var mark = await log.ReadMarkAsync(Mark, cancellationToken);
            var before = string.IsNullOrEmpty(mark) ? null : PolicyOutline.Read(mark);
            if (before?.Hash == policy.Hash) return Result.Done;

            var outline = PolicyOutline.Of(policy);
            var difference = before is null ? null : outline.Since(before);
            await log.TryRecordAsync(audit, Mark, mark, outline.Write(), new LogEvent
            {
                At = clock.GetUtcNow(), Type = "policy.in_force", By = new Actor.Sweep(), Way = Way.Current, PolicyHash = outline.Hash,
                What =
                [
                    .. command.AtStart ? [new Fact.Flag("at_start", true)] : Array.Empty<Fact>(),
                    .. before is { } old ? [new Fact.Text("before", old.Hash)] : Array.Empty<Fact>(),
                    .. difference is not null ? [new Fact.Texts("difference", difference)] : Array.Empty<Fact>(),
                ],
            }, cancellationToken);
            return Result.Done;
        }
    }
}
