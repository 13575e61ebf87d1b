using System.Globalization;
using System.Text;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using MediatR;

namespace DbAccess.Application.Evidence;

/// <summary>What is wrong with the end of the log on record, and from where it can go on.</summary>
/// <param name="Good">The largest checkpoint that the key signed which is set, and that the events bear out.</param>
/// <param name="Head">Of the tree that it signed.</param>
/// <param name="TakenBack">How many events stand past it and would get their places anew.</param>
/// <param name="Stood">The root over all of it as it stands, with its size; null where nothing is past it, or a place is missing.</param>
/// <param name="Faults">In words; empty when there is nothing to repair.</param>
/// <param name="Changed">Events before that end which were edited by hand: no repair brings them back.</param>
public sealed record LogFindings(
    SignedCheckpoint Good, TreeHead Head, long TakenBack, string? Stood, IReadOnlyList<string> Faults, IReadOnlyList<string> Changed);

/// <summary>
/// Looks at all of the log for <see cref="RepairLog"/>, from the first event on; changes nothing. Only what the key that is set has
/// signed is gone on from, and never from less than the largest such checkpoint that anybody has.
/// </summary>
/// <param name="Kept">Checkpoints from elsewhere: of the daily export, from Slack.</param>
public sealed record ExamineLog(IReadOnlyList<CheckpointFile> Kept) : IRequest<Result<LogFindings>>
{
    internal sealed class Handler(IEvidenceLog log, Installation installation, ICheckpointSigner? signer = null)
        : IRequestHandler<ExamineLog, Result<LogFindings>>
    {
        private const int MostChanged = 50;

        public async Task<Result<LogFindings>> Handle(ExamineLog query, CancellationToken cancellationToken)
        {
            if (signer is null) return EvidenceErrors.NoKey("this process has no key");

            var origin = $"dbaccess/{installation.Name}";
            var key = await signer.OpenAsync(first: false, cancellationToken);
            List<string> faults = [];
            var judge = new CheckpointJudge([key]);
            if (query.Kept.FirstOrDefault(file => CheckpointJudge.Read(file) is null) is { } none)
                return EvidenceErrors.NoRepair(FaultWords.NotACheckpoint(none.Path));

            var (good, strays) = await GoodAsync(judge, origin, query.Kept, cancellationToken);
            if (good is null) return EvidenceErrors.NoRepair("no checkpoint is signed by the key that is set");

            var end = await EndAsync(faults, cancellationToken);
            var (head, taken, stood, changed) = await WalkAsync(good.Checkpoint.Size, cancellationToken);
            if (head.Size < good.Checkpoint.Size)
                return EvidenceErrors.NoRepair(FaultWords.EndsEarly(head.Size, good.Checkpoint.Size));
            if (!head.Root().AsSpan().SequenceEqual(good.Checkpoint.Root))
                return EvidenceErrors.NoRepair(FaultWords.OtherRoot(0, good.Checkpoint.Size));

            if (end is not null && end.Head != head.Write()) faults.Add("the tree at its end is not the one that was signed");
            if (end is not null && (end.Signed is not { } newest || judge.Fault(newest, origin) is not null
                || newest.Checkpoint.Size != good.Checkpoint.Size))
                faults.Add("the checkpoint at its end is not the newest that was signed");
            if (taken > 0) faults.Add(Text($"{taken} events stand past the newest checkpoint"));
            // Those of an earlier key are smaller.
            faults.AddRange(strays.Where(stray => stray.Size > good.Checkpoint.Size).Select(stray => stray.Fault));
            return new LogFindings(good, head, taken, stood, faults, changed);
        }

        private async Task<(SignedCheckpoint? Good, List<(long Size, string Fault)> Strays)> GoodAsync(
            CheckpointJudge judge, string origin, IReadOnlyList<CheckpointFile> kept, CancellationToken cancellationToken)
        {
            SignedCheckpoint? good = null;
            List<(long, string)> strays = [];
            await foreach (var note in log.ReadCheckpointsAsync(0, cancellationToken))
            {
                if (SignedCheckpoint.Parse(note) is not { } signed) strays.Add((long.MaxValue, "a checkpoint on record is none"));
                else if (Weigh(signed) is { } fault) strays.Add((signed.Checkpoint.Size, fault));
            }

            foreach (var signed in kept.Select(CheckpointJudge.Read).OfType<SignedCheckpoint>()) Weigh(signed);
            return (good, strays);

            string? Weigh(SignedCheckpoint signed)
            {
                var fault = judge.Fault(signed, origin);
                if (fault is null && (good is null || good.Checkpoint.Size < signed.Checkpoint.Size)) good = signed;
                return fault;
            }
        }

        private async Task<LogEnd?> EndAsync(List<string> faults, CancellationToken cancellationToken)
        {
            try
            {
                return await log.ReadEndAsync(cancellationToken);
            }
            catch (LogBrokenException broken)
            {
                faults.Add(broken.Message);
                return null;
            }
        }

        /// <summary>By the hashes that were signed, so that an event which was edited since does not keep the log from going on.</summary>
        private async Task<(TreeHead Head, long TakenBack, string? Stood, List<string> Changed)> WalkAsync(
            long size, CancellationToken cancellationToken)
        {
            var (head, all, past) = (TreeHead.Empty, TreeHead.Empty, 0L);
            List<string> changed = [];
            await foreach (var placed in log.ReadAsync(0, cancellationToken))
            {
                if (placed.Place >= size) past++;
                // Behind a hole no tree goes on.
                if (placed.Place != all.Size || placed.Hash is not { Length: MerkleTree.HashBytes } hash) continue;

                all = all.Add(hash);
                if (placed.Place >= size) continue;
                head = all;
                if (placed.Body?.TryLeaf(placed.Place) is not { } leaf
                    || !MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf)).AsSpan().SequenceEqual(hash))
                    changed.Add(FaultWords.Changed(placed.Place));
            }

            if (changed.Count > MostChanged)
                changed = [.. changed.Take(MostChanged), Text($"and {changed.Count - MostChanged} more")];
            return (head, past, all.Size == size + past && past > 0
                ? Text($"{all.Size} {Convert.ToBase64String(all.Root())}") : null, changed);
        }

        private static string Text(FormattableString words) => words.ToString(CultureInfo.InvariantCulture);
    }
}
