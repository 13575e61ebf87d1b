using System.Diagnostics;
using System.Globalization;
using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using Microsoft.Data.Sqlite;

namespace DbAccess.Benchmarks;

/// <summary>
/// The evidence log in SQLite, large: the upgrade of a store from before it, the first sequencing of all that was carried over, the look at
/// what is on record, and <c>audit verify</c> of the store where it is.
/// </summary>
internal static class LogBench
{
    private const int EventsPerGrant = 10;

    public static async Task RunAsync(Report report, int? wanted, bool quick)
    {
        var (old, placed) = (quick ? 10_000 : 100_000, wanted ?? (quick ? 30_000 : 300_000));
        report.Head();
        await UpgradeAsync(report, old);
        await LiveAsync(report, placed);
    }

    private static async Task UpgradeAsync(Report report, int events)
    {
        var directory = Directory.CreateTempSubdirectory("dbaccess-bench-").FullName;
        try
        {
            var path = Path.Combine(directory, "dbaccess.db");
            MakeOld(path, events);
            var (before, watch) = (Resident(), Stopwatch.StartNew());
            using (var database = new SqliteDatabase(path)) await database.InitializeAsync(CancellationToken.None);
            report.Add(Figure.Single("log", $"upgrade of a store with {Number(events)} events of before the log", watch.Elapsed.TotalSeconds, "s",
                $"resident {Mib(before)} before, {Mib(Resident())} after"));

            await using var stage = SweepStage.OnSqlite(directory);
            watch.Restart();
            var sequenced = (await stage.Mediator.Send(new SequenceEvents())).Value;
            report.Add(Figure.Single("log", $"first sequencing of {Number((int)sequenced.Placed)} events", watch.Elapsed.TotalSeconds, "s", $"resident {Mib(Resident())}"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task LiveAsync(Report report, int events)
    {
        var directory = Directory.CreateTempSubdirectory("dbaccess-bench-").FullName;
        try
        {
            await using var stage = SweepStage.OnSqlite(directory);
            var (database, log) = (stage.Get<SqliteDatabase>(), stage.Get<IEvidenceLog>());
            for (var from = 0; from < events; from += 10_000)
            {
                await database.WriteAsync(connection =>
                {
                    for (var i = from; i < Math.Min(events, from + 10_000); i++) EvidenceRows.Add(connection, Event(i));
                    return (true, true);
                }, CancellationToken.None);
                await stage.Mediator.Send(new SequenceEvents());
            }

            var end = await log.ReadEndAsync(CancellationToken.None);
            var size = end.Signed!.Checkpoint.Size;
            var (looks, longest, watch) = (0, TimeSpan.Zero, Stopwatch.StartNew());
            var look = new LogWatch(log, stage.Get<EvidenceTerms>());
            // Until it has come round once.
            for (var seen = 0L; seen < size; seen += stage.Get<EvidenceTerms>().WatchedAtOnce, looks++)
            {
                var started = Stopwatch.GetTimestamp();
                if (await look.LookAsync(TreeHead.Read(end.Head!)!, CancellationToken.None) is { } fault) throw new InvalidOperationException(fault);
                longest = TimeSpan.FromTicks(Math.Max(longest.Ticks, Stopwatch.GetElapsedTime(started).Ticks));
            }

            report.Add(Figure.Single("log", $"looking at {Number((int)size)} events again, all of them", watch.Elapsed.TotalSeconds, "s",
                $"in {looks} looks of at most {stage.Get<EvidenceTerms>().WatchedAtOnce}, the longest {longest.TotalMilliseconds:0} ms; resident {Mib(Resident())}"));

            List<CheckpointFile> checkpoints = [];
            await foreach (var note in log.ReadCheckpointsAsync(0, CancellationToken.None)) checkpoints.Add(new CheckpointFile($"{checkpoints.Count}", Encoding.UTF8.GetBytes(note)));
            var key = await stage.Get<ICheckpointSigner>().OpenAsync(first: false, CancellationToken.None);
            watch.Restart();
            var verdict = await new LogVerifier([key]).VerifyAsync(
                [EvidenceFile.Of("the store", new LogExport(log, []).LinesAsync(size, CancellationToken.None))], checkpoints, [], null, CancellationToken.None);
            if (verdict.Fault is { } wrong) throw new InvalidOperationException(wrong);
            report.Add(Figure.Single("log", $"audit verify of a store with {Number((int)size)} events", size / watch.Elapsed.TotalSeconds, "events/s", $"{watch.Elapsed.TotalSeconds:0.0} s; resident {Mib(Resident())}"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>As the version before the log left it.</summary>
    private static void MakeOld(string path, int events)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var transaction = connection.BeginTransaction();
        // The table of the log came with the one before the last step that carries.
        for (var version = 0; version < SqliteSchema.BeforeCarrying - 1; version++) connection.Execute(SqliteSchema.Migrations[version]);
        connection.Execute($"PRAGMA application_id = 1145192803; PRAGMA user_version = {SqliteSchema.BeforeCarrying - 1};");
        // Among ten thousand ids two may be the same; a store draws another one then.
        var ids = new HashSet<GrantId>();
        while (ids.Count < events / EventsPerGrant) ids.Add(GrantId.New());
        foreach (var grant in ids)
        {
            var state = MaximalGrant.Snapshot(grant) with { Version = 1 };
            var id = state.Id.ToString();
            connection.Execute("INSERT INTO grants (id, version, status, installation, team, requester, database, scope, created_at, document) " +
                "VALUES ($id, 1, $status, 'bench', 'T', 'U', 'orders', 'read', 0, $document)", ("$id", id), ("$status", state.Status.ToString()), ("$document", GrantJson.Write(state)));
            for (var n = 1; n <= EventsPerGrant; n++)
                connection.Execute("INSERT INTO events (grant_id, seq, at, type, by, \"from\", \"to\", note) VALUES ($id, $n, $at, 'grant.extended', 'sweep', 'Active', 'Active', $note)",
                    ("$id", id), ("$n", n), ("$at", StoreTime.Text(Some.Now.AddMinutes(n))), ("$note", "INC-4711 the nightly job did not mend the stuck orders"));
        }

        transaction.Commit();
    }

    private static LogEvent Event(int i) => new()
    {
        At = Some.Now.AddMilliseconds(i), Type = "command.create_grant", By = new Actor.Person(Some.Engineer), Way = Way.SlackCommand, Outcome = "done",
        Rule = "on-call-reads", PolicyHash = new string('a', 64), Trace = new string('b', 32),
        What = [new Fact.Text("subject", "orders/read"), new Fact.Number("ms", 12), new Fact.Sealed("reason", "INC-4711 the nightly job did not mend the stuck orders")],
    };

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static string Mib(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0} MiB");

    private static string Number(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
