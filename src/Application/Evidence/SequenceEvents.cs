using System.Globalization;
using System.Text;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Evidence;

/// <summary>What a sequencing did.</summary>
/// <param name="Placed">How many events got their place.</param>
/// <param name="Size">How many have one now.</param>
/// <param name="Checkpoint">The newest one; null while the log is empty.</param>
public sealed record Sequenced(long Placed, long Size, SignedCheckpoint? Checkpoint);

/// <summary>
/// Gives recorded events their place in the evidence log, and signs what it comes to. One at a time by a lease; that two at once make no
/// fork is kept by the store, which takes an append only over the end that it was computed from. Safe to repeat from any point: what has no
/// place after a crash gets it the next time.
/// </summary>
/// <param name="TakeKey">Go on with the key that is set, though another one signed so far: somebody decided so.</param>
/// <param name="With">Sign with this one; null for the one that is set.</param>
public sealed record SequenceEvents(bool TakeKey = false, ICheckpointSigner? With = null) : IRequest<Result<Sequenced>>
{
    internal sealed class Handler(
            IEvidenceLog log, IAuditTrail audit, LateRecords late, ICheckpointSigner signer, LogWatch watch, Installation installation,
            TimeProvider clock, ILogger<Handler> logger)
        : IRequestHandler<SequenceEvents, Result<Sequenced>>
    {
        private const int AtOnce = 1_000;

        // Longer than a batch takes; another goes on when this process dies.
        private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

        private static readonly string Me = Guid.NewGuid().ToString("N");

        private string Origin => $"dbaccess/{installation.Name}";

        public async Task<Result<Sequenced>> Handle(SequenceEvents command, CancellationToken cancellationToken)
        {
            await late.WriteAsync(cancellationToken);
            var now = clock.GetUtcNow();
            if (!await log.TryHoldAsync(Me, now, now + Lease, cancellationToken)) return watch.Note(EvidenceErrors.Held(), now);

            try
            {
                return watch.Note(await SequenceAsync(command.With ?? signer, command.TakeKey, cancellationToken), now);
            }
            catch (SigningKeyException lost)
            {
                logger.LogCritical("Nothing can be signed, so events wait without a place in the evidence log: {Why}", lost.Message);
                return watch.Note(EvidenceErrors.NoKey(lost.Message), now);
            }
            finally
            {
                await log.TryHoldAsync(Me, now, clock.GetUtcNow(), CancellationToken.None);
            }
        }

        private async Task<Result<Sequenced>> SequenceAsync(ICheckpointSigner signer, bool takeKey, CancellationToken cancellationToken)
        {
            var end = await log.ReadEndAsync(cancellationToken);
            var newest = end.Checkpoint is null ? null : SignedCheckpoint.Parse(end.Checkpoint);
            var head = end.Head is null ? TreeHead.Empty : TreeHead.Read(end.Head);
            if (head is null || head.Size != (newest?.Checkpoint.Size ?? 0)
                || (newest is not null && !newest.Checkpoint.Root.AsSpan().SequenceEqual(head.Root())))
            {
                logger.LogCritical("The end of the evidence log on record is not what was signed. Who can write to the store?");
                return EvidenceErrors.Broken("its end is not what was signed");
            }

            var key = await signer.OpenAsync(first: newest is null, cancellationToken);
            if (newest is not null && !takeKey && !IsSignedBy(newest, key)) return NotTheKey(newest, key);

            await WatchAsync(head, cancellationToken);
            if (newest is null) await BeginAsync(key, cancellationToken);
            var placed = 0L;
            while (await log.ListUnplacedAsync(AtOnce, cancellationToken) is { Count: > 0 } waiting)
            {
                var first = head.Size;
                List<(UnplacedEvent, byte[])> batch = [];
                foreach (var happened in waiting)
                {
                    var hash = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(happened.Body.Leaf(head.Size)));
                    head = head.Add(hash);
                    batch.Add((happened, hash));
                }

                var at = clock.GetUtcNow();
                var checkpoint = new Checkpoint(Origin, head.Size, head.Root(), at);
                var signed = SignedCheckpoint.Of(checkpoint, key.KeyId, await signer.SignAsync(checkpoint.Body(), cancellationToken));
                var next = new LogEnd(end.Version + 1, head.Write(), signed.Note());
                // Somebody else went on; what they did not place comes with the next pass.
                if (!await log.TryAppendAsync(end, first, batch, next, at, cancellationToken)) return EvidenceErrors.Held();

                (end, newest, placed) = (next, signed, placed + batch.Count);
                await log.TryHoldAsync(Me, at, at + Lease, cancellationToken);
            }

            return new Sequenced(placed, head.Size, newest);
        }

        private async Task BeginAsync(LogKey key, CancellationToken cancellationToken)
        {
            const string mark = "begun";
            if (await log.ReadMarkAsync(mark, cancellationToken) is not null) return;

            await audit.RecordAsync(Event("audit.begun", new Fact.Text("origin", Origin)), cancellationToken);
            await audit.RecordAsync(ChangeAuditKey.BringIn(key, new Actor.Sweep(), clock.GetUtcNow()), cancellationToken);
            await log.TryWriteMarkAsync(mark, null, key.Id, cancellationToken);
        }

        private async Task WatchAsync(TreeHead head, CancellationToken cancellationToken)
        {
            var known = watch.Broken;
            if (await watch.LookAsync(head, cancellationToken) is not { } fault) return;

            logger.LogCritical("The evidence log was tampered with: {Fault}. Who can write to the store?", fault);
            if (known != fault)
                await audit.RecordAsync(Event("audit.broken", new Fact.Text("fault", fault)), cancellationToken);
        }

        private Result<Sequenced> NotTheKey(SignedCheckpoint newest, LogKey key)
        {
            var why = $"the log was signed with key {newest.Signatures[0].Key} so far, and the one that is set is {key.Id}. " +
                "If that is what you want, run `dbaccess audit key --change`";
            logger.LogCritical("Nothing is signed, so events wait without a place in the evidence log: {Why}", why);
            return EvidenceErrors.NoKey(why);
        }

        private bool IsSignedBy(SignedCheckpoint newest, LogKey key) =>
            newest.Signatures.Any(line => line.Name == Origin && line.KeyId.AsSpan().SequenceEqual(key.KeyId)
                && key.Fits(newest.Checkpoint.Body(), line.Signature));

        private LogEvent Event(string type, params Fact[] what) => new()
        {
            At = clock.GetUtcNow(), Type = type, By = new Actor.Sweep(), Way = Way.Current, What = what,
        };
    }
}
