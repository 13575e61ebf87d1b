using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using MediatR;

namespace DbAccess.Application.Steps;

/// <summary>
/// What came of the steps of one grant, in the order in which they were taken; empty when nothing was due or another worker has it.
/// </summary>
public sealed record StepsTaken(IReadOnlyList<StepOutcome> Steps);

/// <summary>
/// Takes what is due of one grant now: makes the role of a grant that was allowed and delivers its credentials, or takes away what was
/// returned or revoked, and tells what became due to be told. Safe to repeat: whoever finds nothing to do does nothing.
/// </summary>
public sealed record TakeNextStep(GrantId Id) : IRequest<Result<StepsTaken>>
{
    internal sealed class Handler(IGrantStore store, GrantSteps steps) : IRequestHandler<TakeNextStep, Result<StepsTaken>>
    {
        // A step and what it makes due at once (a notice); the bound is for a store that does not keep what it is told.
        private const int MostSteps = 5;

        public async Task<Result<StepsTaken>> Handle(TakeNextStep command, CancellationToken cancellationToken)
        {
            var taken = new List<StepOutcome>();
            while (taken.Count < MostSteps)
            {
                if (await store.FindAsync(command.Id, cancellationToken) is not { } grant)
                {
                    if (taken.Count == 0) return GrantErrors.Unknown(command.Id.ToString());
                    break;
                }

                var outcome = await steps.TakeDueAsync(grant, cancellationToken);
                if (outcome is StepOutcome.Nothing) break;
                taken.Add(outcome);
                // What was postponed is due at once only where the work was handed over: the next worker's then.
                if (outcome is StepOutcome.Postponed || cancellationToken.IsCancellationRequested) break;
            }

            return new StepsTaken(taken);
        }
    }
}
