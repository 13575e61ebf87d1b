using System.Diagnostics;
using System.Globalization;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Demo;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Scheduling;
using DbAccess.Infrastructure.Slack;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Benchmarks;

/// <summary>A sweep that finds nothing due, with few and with many live grants in the store; and the memory of a process that serves.</summary>
internal static class StoreBench
{
    private static readonly int[] Sizes = [100, 100_000];

    public static async Task SweepAsync(Report report, bool quick)
    {
        report.Say("Sweep: nothing due, SQLite, through the use case.");
        List<(int Size, List<double> Times)> results = [];
        foreach (var size in Sizes)
        {
            var directory = Directory.CreateTempSubdirectory("dbaccess-bench-").FullName;
            try
            {
                await using var provider = Product(directory);
                await SeedAsync(provider.GetRequiredService<SqliteDatabase>(), size);
                var mediator = provider.GetRequiredService<IMediator>();
                List<double> times = [];
                for (var i = -50; i < (quick ? 200 : 1000); i++)
                {
                    var started = Stopwatch.GetTimestamp();
                    var swept = (await mediator.Send(new SweepGrants())).Value;
                    if (i >= 0) times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                    if (swept.Steps.Count > 0 || swept.Failed.Count > 0) throw new InvalidOperationException($"The sweep had something to do: {swept}");
                }

                results.Add((size, times));
            }
            finally
            {
                Directory.Delete(directory, recursive: true);
            }
        }

        report.Head();
        foreach (var (size, times) in results)
            report.Add(Figure.Of("sweep", $"sweep, nothing due, {size.ToString("#,0", CultureInfo.InvariantCulture)} live grants", times, bare: size == Sizes[0] ? null : results[0].Times));
    }

    public static async Task MemoryAsync(Report report, bool quick)
    {
        report.Say("Memory: VmRSS of a process that serves.");
        await using var system = await DemoSystem.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Limits:OpenGrantsPerPerson"] = "10000",
            ["Limits:RequestsPerPersonPerMinute"] = "100000",
        });
        using var http = new HttpClient();
        var rest = await SettledAsync(system, http, quick);
        await system.Product.StopAsync();
        await system.Product.DisposeAsync();
        using (var database = new SqliteDatabase(system.Settings()["Grants:Sqlite:Path"])) await SeedAsync(database, 1000);
        await system.StartProductAsync();
        var many = await SettledAsync(system, http, quick);
        report.Head();
        report.Add(Figure.Single("memory", "at rest, no grants", rest, "MB"));
        report.Add(Figure.Single("memory", "started on a store with 1,000 live grants", many, "MB", ratio: many / rest));
    }

    /// <summary>After some seconds in which it was asked what monitoring asks.</summary>
    private static async Task<double> SettledAsync(DemoSystem system, HttpClient http, bool quick)
    {
        for (var second = 0; second < (quick ? 3 : 15); second++)
        {
            await http.GetStringAsync(new Uri(system.Product.Operations, "health/ready"));
            await http.GetStringAsync(new Uri(system.Product.Operations, "metrics"));
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        var line = (await File.ReadAllLinesAsync($"/proc/{system.Product.Id}/status")).First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>
    /// One grant in use through the store, and as many copies of its row, all in one transaction: one by one would wait for the disk each time. Answers how many
    /// are there, which is fewer only where it took longer than it may.
    /// </summary>
    public static async Task<int> SeedAsync(SqliteDatabase database, int count, DateTimeOffset? now = null, TimeSpan? longest = null)
    {
        var grant = Some.Active(now ?? DateTimeOffset.UtcNow, TimeSpan.FromHours(4));
        await new SqliteGrantStore(database, new UnreadableGrants(TimeProvider.System, NullLogger<UnreadableGrants>.Instance)).AddAsync(grant, CancellationToken.None);
        var begun = Stopwatch.GetTimestamp();
        var copies = await database.WriteAsync(
            connection =>
            {
                var done = 1;
                while (done < count && (longest is null || Stopwatch.GetElapsedTime(begun) < longest))
                {
                    done += connection.Execute(
                        """
                        INSERT INTO grants (id, version, status, installation, team, requester, database, scope, role, created_at, expires_at, due_at, ended_at, document)
                        SELECT $id, version, status, installation, team, requester, database, scope, role, created_at, expires_at + $shift, due_at + $shift, ended_at, replace(document, $old, $id)
                        FROM grants WHERE id = $old
                        ON CONFLICT (id) DO NOTHING
                        """,
                        [("$id", GrantId.New().ToString()), ("$old", grant.Id.ToString()), ("$shift", done % 3_600_000)]);
                }

                return (done, true);
            },
            CancellationToken.None);
        return copies == count || longest is not null ? copies : throw new InvalidOperationException($"{copies} grants instead of {count}.");
    }

    private static ServiceProvider Product(string directory)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Policy:Path"] = Path.Combine(Repository.Root, "policy", "access-policy.yaml"),
            ["Grants:Sqlite:Path"] = Path.Combine(directory, "dbaccess.db"),
            ["Credentials:File:Directory"] = Path.Combine(directory, "credentials"),
            ["Slack:BotToken"] = "xoxb-not-used-here",
            ["Slack:TeamId"] = "T0DBACME1",
            ["Slack:AppId"] = "A0DBACCS1",
        }).Build());
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddApplication(new Installation(Some.Installation)).AddWarrants();
        services.AddStores(settings).AddPolicyAndCredentials(settings).AddPostgres(settings).AddSlack(settings).AddScheduling(settings, hosted: false);
        return settings.Faults.Count == 0 ? services.BuildServiceProvider() : throw new InvalidOperationException(string.Join(' ', settings.Faults));
    }
}
