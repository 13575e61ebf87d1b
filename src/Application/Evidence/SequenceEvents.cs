using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Gives recorded events their place in the evidence log, and signs what it comes to. One at a time by a lease; that two at once make no
/// fork is kept by the store, which takes an append only over the end that it was computed from. Safe to repeat from any point: what has no
/// place after a crash gets it the next time.
/// </summary>
/// <param name="TakeKey">Go on with the key that is set, though another one signed so far: somebody decided so.</param>
/// <param name="With">Sign with this one; null for the one that is set.</param>
/// <param name="BringsIn">The event that brings in the next key, recorded here, where nobody else gives places meanwhile.</param>
public sealed record SequenceEvents(bool TakeKey = false, ICheckpointSigner? With = null, (LogKey Key, LogEvent Event)? BringsIn = null)
    : IRequest<Result<Sequenced>>
{
    internal sealed class Handler(
            IEvidenceLog log, IAuditTrail audit, LateRecords late, LogWatch watch, Installation installation, TimeProvider clock,
            ILogger<Handler> logger, ICheckpointSigner? signer = null)
        : IRequestHandler<SequenceEvents, Result<Sequenced>>
    {
        private const int AtOnce = 1_000;

        // Longer than a batch takes; another goes on when this process dies.
        private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

        private static readonly string Me = Guid.NewGuid().ToString("N");

        private const string Begun = "\"type\":\"audit.begun\"";

        private string Origin => $"dbaccess/{installation.Name}";

        public async Task<Result<Sequenced>> Handle(SequenceEvents command, CancellationToken cancellationToken)
        {
            var now = clock.GetUtcNow();
            try
            {
                return await HoldAsync(command, now, cancellationToken);
            }
            catch (LogBrokenException broken)
            {
                logger.LogCritical("The evidence log was tampered with: {Fault}. Who can write to the store?", broken.Message);
                return watch.Note(EvidenceErrors.Broken(broken.Message), now);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                watch.Note(EvidenceErrors.Failed(failure), now);
                throw;
            }
        }

        private async Task<Result<Sequenced>> HoldAsync(SequenceEvents command, DateTimeOffset now, CancellationToken cancellationToken)
        {
            await late.WriteAsync(cancellationToken);
            if (!await log.TryHoldAsync(Me, now, now + Lease, cancellationToken)) return watch.Note(EvidenceErrors.Held(), now);

            try
            {
                return watch.Note(await SequenceAsync(command, cancellationToken), now);
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

        private async Task<Result<Sequenced>> SequenceAsync(SequenceEvents command, CancellationToken cancellationToken)
        {
            var by = command.With ?? signer
                ?? throw new SigningKeyException("this process has no key: a function signs with Audit:KmsKey or not at all");
            var end = await log.ReadEndAsync(cancellationToken);
            var newest = end.Signed;
            var head = end.Head is null ? TreeHead.Empty : TreeHead.Read(end.Head);
            if (head is null || head.Size != (newest?.Checkpoint.Size ?? 0)
                || (newest is not null && !newest.Checkpoint.Root.AsSpan().SequenceEqual(head.Root())))
            {
                logger.LogCritical("The end of the evidence log on record is not what was signed. Who can write to the store?");
                return EvidenceErrors.Broken("its end is not what was signed");
            }

            var key = await by.OpenAsync(first: newest is null, cancellationToken);
            if (newest is not null && !command.TakeKey && !IsSignedBy(newest, key)) return NotTheKey(newest, key);

            if (newest is null) await BeginAsync(key, cancellationToken);
            if (command.BringsIn is { } next) await audit.RecordAsync(next.Event, cancellationToken);
            var admission = new Admission(command.BringsIn is { } other ? [key, other.Key] : [key]);
            // By the store's own name for it: why it gets no place.
            var aside = new SortedDictionary<string, string>(StringComparer.Ordinal);
            await WatchAsync(head, cancellationToken);
            var placed = 0L;
            while (true)
            {
                var (batch, grown) = await NextAsync(admission, aside, head, cancellationToken);
                // That something is passed over is an event itself.
                if (batch.Count == 0 && await PassedOverAsync(aside, cancellationToken)) continue;
                if (batch.Count == 0) return new Sequenced(placed, head.Size, newest);

                var first = head.Size;
                head = grown;
                // Never before the one before, whatever the clock of this process says: exports go by the days of checkpoints.
                var at = newest?.Checkpoint.At is { } before && before > clock.GetUtcNow() ? before : clock.GetUtcNow();
                var checkpoint = new Checkpoint(Origin, head.Size, head.Root(), at);
                var signature = await by.SignAsync(checkpoint.Body(), cancellationToken);
                // On the log, it would be one that nobody can verify any more.
                if (!key.Fits(checkpoint.Body(), signature)) throw new SigningKeyException("the key was replaced while it signed");
                var signed = SignedCheckpoint.Of(checkpoint, key.KeyId, signature);
                var grownEnd = new LogEnd(end.Version + 1, head.Write(), signed.Note());
                // Somebody else went on; what they did not place comes with the next pass.
                if (!await log.TryAppendAsync(end, first, batch, grownEnd, at, cancellationToken)) return EvidenceErrors.Held();

                (end, newest, placed) = (grownEnd, signed, placed + batch.Count);
                var now = clock.GetUtcNow();
                await log.TryHoldAsync(Me, now, now + Lease, cancellationToken);
            }
        }

        /// <summary>What gets its place next, and what the tree comes to with it; what gets none is put aside.</summary>
        private async Task<(List<(UnplacedEvent, byte[])> Batch, TreeHead Head)> NextAsync(
            Admission admission, SortedDictionary<string, string> aside, TreeHead head, CancellationToken cancellationToken)
        {
            List<(UnplacedEvent, byte[])> batch = [];
            int before;
            do
            {
                before = aside.Count;
                // A log begins by saying which it is, whatever was recorded before it was begun, and however much that is: once, all of it.
                var all = await log.ListUnplacedAsync(head.Size == 0 ? int.MaxValue : AtOnce + before, cancellationToken);
                var ordered = head.Size > 0 ? all.AsEnumerable()
                    : all.OrderBy(one => one.Body.Json.Contains(Begun, StringComparison.Ordinal) ? 0 : 1);
                foreach (var waiting in ordered)
                {
                    if (batch.Count == AtOnce || aside.ContainsKey(waiting.Key)) continue;
                    var (hash, fault) = admission.Judge(waiting.Body, head.Size);
                    if (hash is null)
                    {
                        aside[waiting.Key] = fault!;
                        continue;
                    }

                    head = head.Add(hash);
                    batch.Add((waiting, hash));
                }
            }
            while (batch.Count == 0 && aside.Count > before);
            return (batch, head);
        }

        /// <summary>True when that was put on record just now.</summary>
        private async Task<bool> PassedOverAsync(SortedDictionary<string, string> aside, CancellationToken cancellationToken)
        {
            var known = watch.PassedOver;
            watch.PassedOver = aside.Count == 0 ? null : string.Create(CultureInfo.InvariantCulture,
                $"{aside.Count} recorded {(aside.Count == 1 ? "event gets" : "events get")} no place; {aside.First().Key}: " +
                    $"{aside.First().Value}");
            return watch.PassedOver is { } fault && await AlarmAsync(fault, known, cancellationToken);
        }

        private async Task BeginAsync(LogKey key, CancellationToken cancellationToken)
        {
            const string mark = "begun";
            if (await log.ReadMarkAsync(mark, cancellationToken) is not null) return;

            await audit.RecordAsync(Event("audit.begun", new Fact.Text("origin", Origin)), cancellationToken);
            await audit.RecordAsync(KeyEvents.BringIn(key, new Actor.Sweep(), clock.GetUtcNow()), cancellationToken);
            await log.TryWriteMarkAsync(mark, null, key.Id, cancellationToken);
        }

        private async Task WatchAsync(TreeHead head, CancellationToken cancellationToken)
        {
            var known = watch.Broken;
            if (await watch.LookAsync(head, cancellationToken) is { } fault) await AlarmAsync(fault, known, cancellationToken);
        }

        private async Task<bool> AlarmAsync(string fault, string? known, CancellationToken cancellationToken)
        {
            logger.LogCritical("The evidence log was tampered with: {Fault}. Who can write to the store?", fault);
            // Of all processes one puts it on record, once.
            const string mark = "alarmed";
            var said = await log.ReadMarkAsync(mark, cancellationToken);
            return known != fault && said != fault && await log.TryRecordAsync(
                audit, mark, said, fault, Event("audit.broken", new Fact.Text("fault", fault)), cancellationToken);
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
