using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Has a log go on whose end was edited by hand: from the largest checkpoint that is borne out by the events. What stood past it gets its
/// places anew, in the order in which it was recorded, and is signed then as what it is: recorded events that rested on the store alone.
/// What was found, and the root over what stood there, is an event itself. Safe to repeat.
/// </summary>
/// <param name="Kept">Checkpoints from elsewhere, as of <see cref="ExamineLog"/>.</param>
/// <param name="Agreed">The size of the checkpoint that somebody was shown: from another one nothing is gone on.</param>
public sealed record RepairLog(Actor By, IReadOnlyList<CheckpointFile> Kept, long Agreed) : IRequest<Result<LogFindings>>, IAudited
{
    public string Subject => "the evidence log";

    internal sealed class Handler(IEvidenceLog log, IAuditTrail audit, IMediator mediator, TimeProvider clock)
        : IRequestHandler<RepairLog, Result<LogFindings>>
    {
        private static readonly TimeSpan Lease = TimeSpan.FromMinutes(10);

        public async Task<Result<LogFindings>> Handle(RepairLog command, CancellationToken cancellationToken)
        {
            var (me, now) = (Guid.NewGuid().ToString("N"), clock.GetUtcNow());
            if (!await HoldAsync(me, now, now + Lease, cancellationToken)) return EvidenceErrors.Held();

            Result<LogFindings> found;
            try
            {
                found = await mediator.Send(new ExamineLog(command.Kept), cancellationToken);
                if (found.Refusal is not null || found.Value.Faults.Count == 0) return found;
                if (found.Value.Good.Checkpoint.Size != command.Agreed)
                    return EvidenceErrors.NoRepair("it is not any more as it was shown");

                await audit.RecordAsync(Repaired(command.By, found.Value), cancellationToken);
                var end = new LogEnd(0, found.Value.Head.Write(), found.Value.Good.Note());
                await log.GoBackAsync(end, found.Value.Head.Size, clock.GetUtcNow(), cancellationToken);
            }
            finally
            {
                await HoldAsync(me, now, clock.GetUtcNow(), CancellationToken.None);
            }

            var sequenced = await mediator.Send(new SequenceEvents(), cancellationToken);
            return sequenced.Refusal is { } refusal ? refusal : found;
        }

        /// <summary>False when another has it. Where there is no end that could be held, nobody can give places either.</summary>
        private async Task<bool> HoldAsync(string me, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
        {
            try
            {
                return await log.TryHoldAsync(me, now, until, cancellationToken);
            }
            catch (LogBrokenException)
            {
                return true;
            }
        }

        private LogEvent Repaired(Actor by, LogFindings found) => new()
        {
            At = clock.GetUtcNow(), Type = "audit.repaired", By = by, Way = Way.Current, Trace = Way.Trace,
            What =
            [
                new Fact.Number("size", found.Head.Size), new Fact.Text("root", Convert.ToBase64String(found.Good.Checkpoint.Root)),
                new Fact.Number("taken_back", found.TakenBack), new Fact.Texts("faults", found.Faults),
                .. found.Stood is { } stood ? [new Fact.Text("stood", stood)] : Array.Empty<Fact>(),
                .. found.Changed.Count > 0 ? [new Fact.Texts("changed", found.Changed)] : Array.Empty<Fact>(),
            ],
        };
    }
}
