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
    /// <summary>The event by which a key comes into the log.</summary>
    internal static LogEvent BringIn(LogKey key, Actor by, DateTimeOffset now) => Event("audit.key", by, now, key) with
    {
        What = [new Fact.Text("key", Convert.ToBase64String([.. key.Spki])), new Fact.Text("key_id", key.Id)],
    };

    private static LogEvent Event(string type, Actor by, DateTimeOffset now, LogKey key) => new()
    {
        At = now, Type = type, By = by, Way = Way.Current, What = [new Fact.Text("key_id", key.Id)],
    };

    internal sealed class Handler(IAuditTrail audit, IMediator mediator, TimeProvider clock)
        : IRequestHandler<ChangeAuditKey, Result<Sequenced>>
    {
        public async Task<Result<Sequenced>> Handle(ChangeAuditKey command, CancellationToken cancellationToken)
        {
            var bringIn = BringIn(command.New, command.By, clock.GetUtcNow());
            if (command.Old is { } old)
            {
                var vouched = await mediator.Send(new SequenceEvents(With: old, BringsIn: (command.New, bringIn)), cancellationToken);
                if (vouched.Refusal is not null) return vouched;
            }
            else
            {
                await audit.RecordAsync(bringIn, cancellationToken);
                await audit.RecordAsync(Event("audit.key_lost", command.By, clock.GetUtcNow(), command.New), cancellationToken);
            }

            command.TakeNew();
            // So that there is something to sign: from this checkpoint on it is the new key.
            await audit.RecordAsync(Event("audit.key_taken", command.By, clock.GetUtcNow(), command.New), cancellationToken);
            return await mediator.Send(new SequenceEvents(TakeKey: true), cancellationToken);
        }
    }
}
