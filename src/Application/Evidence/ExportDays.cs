using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Evidence;

/// <summary>What is exported, and what may go then.</summary>
/// <param name="Place">Where complete days of the evidence log are exported to; null for nowhere.</param>
/// <param name="KeepEnded">How long a grant is kept that is over, from the last thing that happened to it. Without a place: for
/// good.</param>
public sealed record ExportTerms(IExportPlace? Place, TimeSpan KeepEnded);

/// <summary>
/// Exports every day of UTC that is complete and was not exported yet, after it was held against its last checkpoint: what does not fit is
/// never exported. At least once, and safe to repeat from any point; a file that is there already and differs is an alarm, and nothing goes
/// on behind it.
/// </summary>
public sealed record ExportDays : IRequest<Result>
{
    internal sealed class Handler(
            IEvidenceLog log, IAuditTrail audit, IGrantRetention grants, ExportTerms terms, TimeProvider clock, ILogger<Handler> logger)
        : IRequestHandler<ExportDays, Result>
    {
        private const string MarkName = "exported";
        private const string AlarmName = "export_differs";

        // A process whose clock is behind may still sign a checkpoint of the day that is over here.
        private static readonly TimeSpan Slack = TimeSpan.FromMinutes(10);
        // As of the sequencer, whose turn it is; for each day anew.
        private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
        private static readonly string Me = Guid.NewGuid().ToString("N");

        public async Task<Result> Handle(ExportDays command, CancellationToken cancellationToken)
        {
            if (terms.Place is not { } place) return Result.Done;

            var now = clock.GetUtcNow();
            var complete = DateOnly.FromDateTime((now - Slack).UtcDateTime).AddDays(-1);
            var kept = await log.ReadMarkAsync(MarkName, cancellationToken);
            var mark = kept is null ? Mark.None : Mark.Read(kept);
            // A day too far is a clock that differs.
            if (mark is not null && mark.Day >= complete && mark.Day <= complete.AddDays(1)) return Result.Done;
            if (!await log.TryHoldAsync(Me, now, now + Lease, cancellationToken)) return EvidenceErrors.Held();

            try
            {
                var believed = await BelievedAsync(place, complete, mark, cancellationToken);
                return await ExportAsync(place, complete, kept, believed, cancellationToken);
            }
            catch (ExportException failure)
            {
                logger.LogError("The evidence log is not exported to {Place} since {Day}: {Why}", place.Name, mark?.Day, failure.Message);
                return new Error("audit.not_exported", failure.Message);
            }
            catch (NotSignedException broken)
            {
                return Alarm(broken.Message);
            }
            finally
            {
                await log.TryHoldAsync(Me, now, clock.GetUtcNow(), CancellationToken.None);
            }
        }

        private async Task<Result> ExportAsync(
            IExportPlace place, DateOnly complete, string? kept, Mark mark, CancellationToken cancellationToken)
        {
            var export = new LogExport(log, []);
            await foreach (var day in LogDay.ListAsync(log, mark.Tree.Size, mark.Day, cancellationToken))
            {
                if (day.Day > complete) break;

                var content = new DayContent(export, day, mark.Tree);
                if (!await place.TryAddAsync($"log/{day.Path}.jsonl", content.LinesAsync(cancellationToken), cancellationToken))
                    return await DiffersAsync(place, $"log/{day.Path}.jsonl", cancellationToken);
                foreach (var (path, signed) in day.Checkpoints)
                    if (!await place.TryAddAsync(path, One(signed.Note()), cancellationToken))
                        return await DiffersAsync(place, path, cancellationToken);

                // The one file that changes, when a key does: nobody has to trust it.
                var keys = string.Concat(content.Keys.AsEnumerable().Reverse().Select(key => key.ToPem())) + mark.Keys;
                if (keys != mark.Keys) await place.PutAsync("key.pem", keys, cancellationToken);

                foreach (var (grant, at) in content.Grants) await grants.MayGoAsync(grant, at + terms.KeepEnded, cancellationToken);

                var next = new Mark(day.Day, day.Day, content.Tree, keys);
                if (!await log.TryWriteMarkAsync(MarkName, kept, next.Write(), cancellationToken)) return EvidenceErrors.Held();
                logger.LogInformation("The evidence log of {Day} is exported to {Place}: {Events} events", day.Day, place.Name,
                    next.Tree.Size - mark.Tree.Size);

                (mark, kept) = (next, next.Write());
                var now = clock.GetUtcNow();
                if (!await log.TryHoldAsync(Me, now, now + Lease, cancellationToken)) return EvidenceErrors.Held();
            }

            await grants.PurgeAsync(clock.GetUtcNow(), mark.Tree.Size, cancellationToken);
            // Days on which nothing was placed have no file, and are not looked for again.
            var last = (mark with { Day = complete }).Write();
            return last == kept || await log.TryWriteMarkAsync(MarkName, kept, last, cancellationToken)
                ? Result.Done : EvidenceErrors.Held();
        }

        /// <summary>
        /// The mark, where the place bears it out; else none, and everything is exported again: what is there already is the same. Whoever
        /// can write to the store could otherwise keep days from being exported, and have grants purged that stand nowhere else.
        /// </summary>
        private async Task<Mark> BelievedAsync(IExportPlace place, DateOnly complete, Mark? mark, CancellationToken cancellationToken)
        {
            var fault = mark is null ? "cannot be read"
                : mark.Day > complete ? "is of a day that is not over"
                : await IsBorneOutAsync(place, mark, cancellationToken) ? null : "says what is not there";
            if (fault is null) return mark!;

            var words = $"the mark of what was exported {fault}";
            Alarm($"{words}; all days are exported again");
            await RecordOnceAsync(words, "audit.broken", new Fact.Text("fault", words), cancellationToken);
            return Mark.None;
        }

        private async Task<bool> IsBorneOutAsync(IExportPlace place, Mark mark, CancellationToken cancellationToken)
        {
            if (mark.Tree.Size == 0) return true;

            await foreach (var note in log.ReadCheckpointsAsync(mark.Tree.Size - 1, cancellationToken))
            {
                if (SignedCheckpoint.Parse(note) is not { } signed || signed.Checkpoint.Size != mark.Tree.Size
                    || !signed.Checkpoint.Root.AsSpan().SequenceEqual(mark.Tree.Root())) return false;

                var path = LogDay.PathOf(mark.Last ?? DateOnly.FromDateTime(signed.Checkpoint.At.UtcDateTime));
                return await place.HoldsAsync($"checkpoints/{path}.txt", signed.Note(), cancellationToken)
                    && await place.HoldsAsync($"log/{path}.jsonl", null, cancellationToken);
            }

            return false;
        }

        private async Task<Result> DiffersAsync(IExportPlace place, string path, CancellationToken cancellationToken)
        {
            logger.LogCritical("{Path} was exported to {Place} and differs from what is on record. Who can write to either?",
                path, place.Name);
            await RecordOnceAsync(path, "audit.export_differs", new Fact.Text("path", path), cancellationToken);
            return new Error("audit.export_differs", $"{path} was exported to {place.Name} and differs from what is on record.");
        }

        private async Task RecordOnceAsync(string alarm, string type, Fact what, CancellationToken cancellationToken)
        {
            var said = await log.ReadMarkAsync(AlarmName, cancellationToken);
            if (said != alarm)
                await log.TryRecordAsync(audit, AlarmName, said, alarm, new LogEvent
                {
                    At = clock.GetUtcNow(), Type = type, By = new Actor.Sweep(), Way = Way.Current, What = [what],
                }, cancellationToken);
        }

        private Error Alarm(string fault)
        {
            logger.LogCritical("The evidence log was tampered with, so it is not exported: {Fault}. Who can write to the store?", fault);
            return EvidenceErrors.Broken(fault);
        }

        private static async IAsyncEnumerable<string> One(string content)
        {
            await Task.CompletedTask;
            yield return content;
        }
    }

    /// <summary>The lines of one day, and what the tree is behind them.</summary>
    private sealed class DayContent(LogExport export, LogDay day, TreeHead before)
    {
        public TreeHead Tree { get; private set; } = TreeHead.Empty;

        /// <summary>That came into the log on this day, the oldest first.</summary>
        public List<LogKey> Keys { get; } = [];

        /// <summary>That something happened to on this day, and when it did last.</summary>
        public Dictionary<GrantId, DateTimeOffset> Grants { get; } = [];

        /// <exception cref="NotSignedException">Behind the last line: all of it together is not what was signed.</exception>
        public async IAsyncEnumerable<string> LinesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Tree = before;
            Keys.Clear();
            Grants.Clear();
            await foreach (var placed in export.EventsAsync(day, cancellationToken))
            {
                Tree = Tree.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(placed.Body!.Leaf(placed.Place))));
                if (LogExport.KeyOf(placed) is { } key) Keys.Add(key);
                NoteGrant(placed.Body.Json);
                yield return export.Line(placed);
            }

            var signed = day.Last.Checkpoint;
            if (Tree.Size != signed.Size || !signed.Root.AsSpan().SequenceEqual(Tree.Root()))
                throw new NotSignedException(string.Create(CultureInfo.InvariantCulture,
                    $"events {before.Size} to {signed.Size - 1} do not give the root that the checkpoint of size {signed.Size} signed"));
        }

        private void NoteGrant(string json)
        {
            using var body = JsonDocument.Parse(json);
            if (!body.RootElement.TryGetProperty("n", out _)
                || GrantId.Parse(body.RootElement.GetProperty("grant").GetString()) is not { } grant) return;
            var at = body.RootElement.GetProperty("at").GetDateTimeOffset();
            if (!Grants.TryGetValue(grant, out var last) || last < at) Grants[grant] = at;
        }
    }

    private sealed class NotSignedException(string fault) : Exception(fault);

    /// <param name="Day">Up to and with this one everything is exported.</param>
    /// <param name="Last">The last one of which there is a file; null in a mark of a version that did not say it.</param>
    /// <param name="Tree">Of all that is exported; its size is the place of the next event.</param>
    /// <param name="Keys">The key file as it was put last.</param>
    private sealed record Mark(DateOnly Day, DateOnly? Last, TreeHead Tree, string Keys)
    {
        private const string Form = "yyyy-MM-dd";

        public static Mark None { get; } = new(DateOnly.MinValue, null, TreeHead.Empty, "");

        public string Write() => $"{Text(Day)}{(Last is { } last ? $" {Text(last)}" : "")}\n{Tree.Write()}\n{Keys}";

        /// <summary>What <see cref="Write"/> wrote; null when it is anything else.</summary>
        public static Mark? Read(string text) => text.Split('\n', 3) is [var days, var head, var keys]
            && days.Split(' ') is { Length: 1 or 2 } each && each.All(one => Date(one) is not null)
            && TreeHead.Read(head) is { } tree ? new Mark(Date(each[0])!.Value, each.Length == 2 ? Date(each[1]) : null, tree, keys) : null;

        private static string Text(DateOnly day) => day.ToString(Form, CultureInfo.InvariantCulture);

        private static DateOnly? Date(string text) =>
            DateOnly.TryParseExact(text, Form, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;
    }
}
