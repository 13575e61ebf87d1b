using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Goes on with another key. The log itself brings the new one in, under a checkpoint of the old one, so that whoever trusts the old one
/// can trust it; where the old one is lost, nothing vouches for the new one, and that stands on the log.
/// </summary>
/// <param name="Old">Signs the checkpoint that brings the new one in; null when it is lost.</param>
/// <param name="New">The public part of the new one.</param>
/// <param name="TakeNew">Puts the new one where the signer that is set finds it; safe to repeat.</param>
public sealed record ChangeAuditKey(Actor By, ICheckpointSigner? Old, LogKey New, Action TakeNew) : IRequest<Result<Sequenced>>
{
    internal sealed class Handler(IAuditTrail audit, IMediator mediator, TimeProvider clock)
        : IRequestHandler<ChangeAuditKey, Result<Sequenced>>
    {
        public async Task<Result<Sequenced>> Handle(ChangeAuditKey command, CancellationToken cancellationToken)
        {
            var bringIn = KeyEvents.BringIn(command.New, command.By, clock.GetUtcNow());
            if (command.Old is { } old)
            {
                var vouched = await mediator.Send(new SequenceEvents(With: old, BringsIn: (command.New, bringIn)), cancellationToken);
                if (vouched.Refusal is not null) return vouched;
            }
            else
            {
                await audit.RecordAsync(bringIn, cancellationToken);
                await audit.RecordAsync(KeyEvents.Lost(command.New, command.By, clock.GetUtcNow()), cancellationToken);
            }

            command.TakeNew();
            // So that there is something to sign: from this checkpoint on it is the new key.
            await audit.RecordAsync(KeyEvents.Taken(command.New, command.By, clock.GetUtcNow()), cancellationToken);
            return await mediator.Send(new SequenceEvents(TakeKey: true), cancellationToken);
        }
    }
}
