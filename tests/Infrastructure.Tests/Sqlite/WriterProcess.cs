using System.Runtime.CompilerServices;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Sqlite;

/// <summary>
/// The test executable started once more, as a process that writes until it is killed. It branches off before the test runner starts, so that
/// no second executable has to be built and found.
/// </summary>
internal static class WriterProcess
{
    public const string Variable = "DBACCESS_TEST_WRITER";

#pragma warning disable CA2255 // Module initializers are for libraries' users too: nothing else runs before the generated entry point.
    [ModuleInitializer]
    public static void Branch()
#pragma warning restore CA2255
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } file) return;

        // Everything on this thread: until a module initializer is through, no other thread gets into this module. When whoever started this
        // is gone, writing to the closed pipe ends it.
        using var database = new SqliteDatabase(file);
        var (store, trail) = (new SqliteGrantStore(database, Unreadable.New()), new SqliteEvidenceLog(database));
        for (var i = 0; i < 100_000; i++)
        {
            var grant = Some.Active();
            if (store.AddAsync(grant, CancellationToken.None).GetAwaiter().GetResult() is not SaveOutcome.Saved) continue;
            Console.WriteLine($"saved {grant.Id} {grant.State.Events}");
            grant.StepFailed("try", Some.Now);
            store.SaveAsync(grant, CancellationToken.None).GetAwaiter().GetResult();
            Console.WriteLine($"saved {grant.Id} {grant.State.Events}");
            trail.RecordAsync(new LogEvent { At = Some.Now, Type = "command.create_grant", By = new Actor.Sweep(), Way = Way.Worker, Grant = grant.Id }, CancellationToken.None).GetAwaiter().GetResult();
        }

        Environment.Exit(1);
    }
}
