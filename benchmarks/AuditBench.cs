using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Evidence;

namespace DbAccess.Benchmarks;

/// <summary>Verifying an export of the evidence log, as <c>audit verify --from DIR</c> does it.</summary>
internal static class AuditBench
{
    private const int EventsPerGrant = 12;
    private const int EventsPerDay = 50_000;
    private const string Origin = "dbaccess/bench";

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static async Task RunAsync(Report report, int? wanted, bool quick)
    {
        var events = wanted ?? (quick ? 100_000 : 1_000_000);
        report.Say($"audit: verifying an export of {events:N0} events");
        report.Head();
        var folder = Directory.CreateTempSubdirectory("dbaccess-audit-");
        try
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var (bytes, leaves) = Write(folder.FullName, events, key);
            report.Add(Figure.Single("audit", "a leaf", (double)leaves / events, "bytes"));

            var before = Resident();
            var peak = before;
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            var verdict = await new ExportFolder(folder.FullName).VerifyAsync(
                [KeyOf(key)], [], done => peak = done % 65_536 < 4096 ? Math.Max(peak, Resident()) : peak, CancellationToken.None);
            watch.Stop();
            processor = Environment.CpuUsage.TotalTime - processor;
            if (verdict.Fault is { } fault) throw new InvalidOperationException(fault);

            var rate = events / watch.Elapsed.TotalSeconds;
            report.Add(Figure.Single("audit", "verified", rate, "events/s"));
            report.Add(Figure.Single("audit", "read", bytes / watch.Elapsed.TotalSeconds / 1e6, "MB/s"));
            // What it would be on processors that nobody else wants.
            report.Add(Figure.Single("audit", "processor time of an event", processor.TotalMicroseconds / events, "us"));
            report.Add(Figure.Single("audit", "resident memory before", before / 1048576.0, "MiB"));
            report.Add(Figure.Single("audit", "resident memory at most, while verifying", peak / 1048576.0, "MiB"));
            report.Bar("audit: events a second from an export", rate, 200_000, "events/s", atLeast: true);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static LogKey KeyOf(ECDsa key) => LogKey.From(key.ExportSubjectPublicKeyInfo())!;

    /// <summary>Some hundred grants at a time, twelve events each, with a reason that is sealed and shown in every twelfth.</summary>
    private static (long Bytes, long Leaves) Write(string folder, int events, ECDsa key)
    {
        var (bytes, leaves, tree) = (0L, 0L, TreeHead.Empty);
        for (var from = 0; from < events; from += EventsPerDay)
        {
            var day = Start.AddDays(from / EventsPerDay).ToString("yyyy/MM/dd", CultureInfo.InvariantCulture);
            using (var file = Open(folder, $"log/{day}.jsonl"))
            {
                for (var place = from; place < Math.Min(events, from + EventsPerDay); place++)
                {
                    var (leaf, open) = Event(place);
                    var line = ExportLine.Of(leaf, open);
                    file.Write(line);
                    tree = tree.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf)));
                    (bytes, leaves) = (bytes + line.Length, leaves + leaf.Length);
                }
            }

            using var note = Open(folder, $"checkpoints/{day}.txt");
            var checkpoint = new Checkpoint(Origin, tree.Size, tree.Root(), Start.AddSeconds(tree.Size));
            note.Write(SignedCheckpoint.Of(checkpoint, KeyOf(key).KeyId, key.SignData(
                Encoding.UTF8.GetBytes(checkpoint.Body()), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)).Note());
        }

        return (bytes, leaves);
    }

    private static (string Leaf, string? Open) Event(int place)
    {
        const int atOnce = 100;
        var (round, within) = (place / (atOnce * EventsPerGrant), place % (atOnce * EventsPerGrant));
        var (grant, number) = (round * atOnce + within % atOnce, within / atOnce + 1);
        var salt = new byte[16];
        BitConverter.TryWriteBytes(salt, place);
        var reason = $"INC-{place} the orders of this customer are stuck and the nightly job did not mend them";
        var hash = EventBody.Commitment(salt, reason);
        var to = number == EventsPerGrant ? "Ended" : "Active";
        var at = Start.AddSeconds(place).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var leaf = string.Create(CultureInfo.InvariantCulture,
            $$$"""
            {"actor":"T0DBACME1/U0ENGINE{{{place % 10}}}","at":"{{{at}}}","grant":"G{{{grant}}}","n":{{{number}}},"policy":"{{{hash}}}",
            "rule":"oncall-read","seq":{{{place}}},"trace":"{{{hash[..32]}}}","type":"grant.requested","v":1,"way":"slack.command",
            "what":{"asked_by":"T0DBACME1/U0ENGINE1","cluster":"orders-prod","database":"orders","from":"Pending",
            "only":["public.orders","public.order_items"],"reason":{"sha256":"{{{hash}}}"},"scope":"fix-orders","seconds":1800,
            "stages":["1 of dba","2 of security"],"ticket":"INC-{{{place}}}","to":"{{{to}}}"}}
            """).Replace("\n", "", StringComparison.Ordinal);
        return (leaf, $$$"""{"reason":{"salt":"{{{Convert.ToHexStringLower(salt)}}}","value":"{{{reason}}}"}}""");
    }

    private static StreamWriter Open(string folder, string path)
    {
        var file = Path.Combine(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return new StreamWriter(file, false, new UTF8Encoding(false), 1 << 20);
    }
}
