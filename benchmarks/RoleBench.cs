using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Benchmarks;

/// <summary>
/// Making and removing roles, on one server that waits for its disk, in one run, in turn: the product, the bare SQL that it comes to, and what people otherwise have. Says for each bar
/// whether it is held.
/// </summary>
internal sealed class RoleBench(Report report, RoleServer server, bool quick)
{
    public static readonly string[] Parts = ["tables", "live", "connections", "due"];

    private const int Small = 10;
    private const int Middle = 200;
    private const int Many = 10_000;

    /// <summary>At most so many times as long as the bare SQL.</summary>
    private const double TimesBare = 1.5;

    public static async Task RunAsync(Report report, bool quick, int? major, IReadOnlyCollection<string> parts)
    {
        await using var server = await RoleServer.StartAsync(major);
        report.Say($"Roles: PostgreSQL {server.Server.Major}, fsync on, {(quick ? "quick" : "full")}; load of this machine before: {File.ReadAllText("/proc/loadavg").Split(' ')[0]}.");
        var bench = new RoleBench(report, server, quick);
        foreach (var part in parts.Count == 0 ? Parts : parts)
        {
            report.Say("");
            await (part switch
            {
                "tables" => bench.TablesAsync(),
                "live" => bench.LiveAsync(),
                "connections" => bench.ConnectionsAsync(),
                _ => bench.DueAsync(),
            });
        }
    }

    /// <summary>Ratios to the bare SQL by the number of tables; one connection.</summary>
    private async Task TablesAsync()
    {
        report.Say("By tables in scope, one connection. Ratios are to the bare SQL of the same row's size.");
        report.Head();
        Dictionary<int, (double Make, double Remove)> ratios = [];
        foreach (var tables in quick ? [Small, Middle] : (int[])[Small, Middle, Many])
        {
            var (database, product) = await ReadyAsync(tables);
            var source = server.Source(database);
            var direct = new DirectWay(source);
            IRoleWay[] both = [new BareWay(source, server.Server.Major), product];
            // By themselves, afterwards: what they grant changes every table's row, which is what we look at each time.
            IRoleWay[] others = [new VaultWay(source), new TeleportWay(source), direct];
            var ways = both.Concat(others).ToArray();
            var times = await InTurnAsync(both, database, count: quick ? 24 : 200);
            var changed = await AfterAChangeAsync(product, database, quick ? 5 : 20);
            // What takes half a second each is not done two hundred times.
            foreach (var (way, measured) in await InTurnAsync(others, database, count: quick ? 5 : tables >= Many ? 6 : 50)) times[way] = measured;
            var what = $"{Number(tables)} tables";
            foreach (var way in ways) report.Add(Figure.Of("roles", $"make, {what}: {way.Name}", times[way].Make, bare: way is BareWay ? null : times[ways[0]].Make));
            report.Add(Figure.Of("roles", "  DbAccess, right after somebody changed a table", changed, bare: times[ways[0]].Make));
            foreach (var way in ways) report.Add(Figure.Of("roles", $"remove, {what}: {way.Name}", times[way].Remove, bare: way is BareWay ? null : times[ways[0]].Remove));

            var (bare, mine) = (times[ways[0]], times[product]);
            ratios[tables] = (Figure.RatioOf(mine.Make, bare.Make), Figure.RatioOf(mine.Remove, bare.Remove));
            report.Bar($"make, {what}: at most {Number(TimesBare)} × the bare SQL", ratios[tables].Make, TimesBare);
            report.Bar($"remove, {what}: at most {Number(TimesBare)} × the bare SQL", ratios[tables].Remove, TimesBare);
            report.Bar($"remove, {what}: p99 under 25 ms", Figure.Percentile(mine.Remove, 99), 25, "ms");
        }
        if (quick) return;

        // Flat: what the bare SQL itself takes does not grow, so that its own moods are taken out by the ratio.
        report.Bar($"make is flat: {Number(Many)} tables at most 1.25 × of {Small}", ratios[Many].Make / ratios[Small].Make, 1.25);
        report.Bar($"remove is flat: {Number(Many)} tables at most 1.25 × of {Small}", ratios[Many].Remove / ratios[Small].Remove, 1.25);
    }

    /// <summary>With other people's roles there: from 16 on an administrator that made thousands is slower at everything.</summary>
    private async Task LiveAsync()
    {
        report.Say($"By live roles, {Middle} tables, one connection.");
        report.Head();
        var (database, product) = await ReadyAsync(Middle);
        var source = server.Source(database);
        IRoleWay[] ways = [new BareWay(source, server.Server.Major), product];
        var before = 0;
        foreach (var live in quick ? [0, 200] : (int[])[0, 1000, 4000])
        {
            if (live > 0) await server.LiveRolesAsync(before, live, ScopeRoles.NamesFor(RoleServer.Order(database))[0].Value);
            before = live;
            var times = await InTurnAsync(ways, database, count: quick ? 15 : 100);
            var (bare, mine) = (times[ways[0]], times[product]);
            foreach (var way in ways) report.Add(Figure.Of("roles", $"make, {Number(live)} live roles: {way.Name}", times[way].Make, bare: way is BareWay ? null : bare.Make));
            foreach (var way in ways) report.Add(Figure.Of("roles", $"remove, {Number(live)} live roles: {way.Name}", times[way].Remove, bare: way is BareWay ? null : bare.Remove));
            report.Bar($"make, {Number(live)} live roles: at most {Number(TimesBare)} × the bare SQL", Figure.RatioOf(mine.Make, bare.Make), TimesBare);
            report.Bar($"remove, {Number(live)} live roles: at most {Number(TimesBare)} × the bare SQL", Figure.RatioOf(mine.Remove, bare.Remove), TimesBare);
        }
        await server.AskAsync("DO $$ DECLARE r name; n int := 0; BEGIN FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'live\\_%' LOOP EXECUTE format('DROP ROLE %I', r); n := n + 1; IF n % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$");
    }

    /// <summary>As fast as it goes, with so many connections; and what goes wrong.</summary>
    private async Task ConnectionsAsync()
    {
        report.Say($"By connections, {Middle} tables, closed loop. Errors: makings or removals that failed.");
        report.Head();
        foreach (var connections in quick ? [4] : (int[])[1, 4, 8])
        {
            var (database, product) = await ReadyAsync(Middle, connections);
            var source = server.Source(database, connections);
            var direct = new DirectWay(source);
            var bareRate = 0.0;
            foreach (var way in (IRoleWay[])[new BareWay(source, server.Server.Major), product, new VaultWay(source), new TeleportWay(source), direct])
            {
                var length = TimeSpan.FromSeconds(quick ? 1 : 4);
                // Once before, so that every connection is open and knows its statements.
                await LoopAsync(way, database, connections, TimeSpan.FromSeconds(0.5));
                var (made, removed, errors) = await LoopAsync(way, database, connections, length);
                if (way is BareWay) bareRate = made;
                var note = errors.IsEmpty ? "no error" : $"errors: {string.Join(", ", errors.Select(error => $"{error.Value} × {error.Key}"))}";
                if (way is DirectWay) note += $"; {direct.Clashes} clashes were tried again";
                report.Add(Figure.Single("roles", $"made, {connections} connections: {way.Name}", made, "/s", note, bareRate / made));
                report.Add(Figure.Single("roles", $"removed, {connections} connections: {way.Name}", removed, "/s"));
                if (way is not ProductWay) continue;

                report.Bar($"make, {connections} connections: no error", errors.Values.Sum(), 0);
                if (connections == 4) report.Bar("make, 4 connections: at least 250/s", made, 250, "/s", atLeast: true);
            }
        }
    }

    /// <summary>A thousand at once, while others go on asking; by the port, and by the sweep with its store.</summary>
    private async Task DueAsync()
    {
        var count = quick ? 100 : 1000;
        report.Say($"{Number(count)} due at once, {Middle} tables, four at a time as the sweep does; meanwhile a new grant every 25 ms.");
        report.Head();
        var (database, product) = await ReadyAsync(Middle);
        var source = server.Source(database);
        List<(string Name, IRoleWay Way)> runs = [("bare SQL", new BareWay(source, server.Server.Major)), ("DbAccess", product)];
        List<double> seconds = [];
        foreach (var (name, way) in runs)
        {
            var due = await ManyAsync(way, database, count);
            var (took, asked) = await BesideNewGrantsAsync(way, database, () => Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (order, _) => await way.RemoveAsync(order)));
            seconds.Add(took);
            report.Add(Figure.Single("roles", $"{Number(count)} due at once: {name}", took, "s", ratio: seconds.Count == 1 ? null : took / seconds[0]));
            report.Add(Figure.Of("roles", $"  a new grant meanwhile: {name}", asked));
            if (way is not ProductWay) continue;

            report.Bar($"{Number(count)} due at once: gone and proved in 10 s", took, 10, "s");
            report.Bar($"{Number(count)} due at once: at most {Number(TimesBare)} × the bare SQL", took / seconds[0], TimesBare);
            report.Bar("new grants meanwhile: p99 under 50 ms", Figure.Percentile(asked, 99), 50, "ms");
        }
        await ExpectNothingLeftAsync();

        await using var sweep = await DueSweep.PrepareAsync(server, database, count);
        var (swept, beside) = await BesideNewGrantsAsync(sweep.Way, database, sweep.RunAsync);
        report.Add(Figure.Single("roles", $"{Number(count)} due at once: the sweep, its store and its messages", swept, "s"));
        report.Add(Figure.Single("roles", "  until the last role was proved gone", sweep.LastGone.TotalSeconds, "s"));
        report.Add(Figure.Of("roles", "  a new grant meanwhile", beside));
        report.Bar($"{Number(count)} due at once, the sweep: gone and proved in 10 s", sweep.LastGone.TotalSeconds, 10, "s");
        report.Bar("new grants meanwhile, the sweep: p99 under 50 ms", Figure.Percentile(beside, 99), 50, "ms");
        await ExpectNothingLeftAsync();
    }

    private async Task<(TestDatabase Database, ProductWay Product)> ReadyAsync(int tables, int connections = 8)
    {
        var database = await server.WithTablesAsync(tables);
        if (await server.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{TeleportWay.Marker}'") == "0")
        {
            await using var connection = new NpgsqlConnection(database.AdministratorConnectionString);
            await connection.OpenAsync();
            await Sql.RunAsync(connection, $"CREATE ROLE {TeleportWay.Marker} NOLOGIN");
        }
        var product = new ProductWay(server.Administrator(connections));
        // The first makes the scope role, which the others then find; the second compares it, and from then on nothing differs.
        for (var i = 0; i < 3; i++)
        {
            var order = RoleServer.Order(database);
            await product.MakeAsync(order);
            await product.RemoveAsync(order);
        }
        return (database, product);
    }

    /// <summary>The full comparison of the scope role with its scope, and the plan read anew.</summary>
    private static async Task<List<double>> AfterAChangeAsync(ProductWay product, TestDatabase database, int count)
    {
        List<double> times = [];
        for (var i = 0; i < count; i++)
        {
            await database.RunAsOwnerAsync($"ALTER TABLE public.t1 SET (fillfactor = {50 + i})");
            var order = RoleServer.Order(database);
            times.Add(await TimeAsync(() => product.MakeAsync(order)));
            await product.RemoveAsync(order);
        }
        return times;
    }

    /// <summary>Each way in turn, another one first each time, so that none always finds what another has warmed.</summary>
    private static async Task<Dictionary<IRoleWay, (List<double> Make, List<double> Remove)>> InTurnAsync(IRoleWay[] ways, TestDatabase database, int count)
    {
        var warmUp = Math.Min(count, 15);
        var times = ways.ToDictionary(way => way, _ => (Make: new List<double>(), Remove: new List<double>()));
        for (var i = -warmUp; i < count; i++)
        {
            for (var turn = 0; turn < ways.Length; turn++)
            {
                var way = ways[(turn + i + warmUp) % ways.Length];
                var order = RoleServer.Order(database);
                var (make, remove) = (await TimeAsync(() => way.MakeAsync(order)), await TimeAsync(() => way.RemoveAsync(order)));
                if (i < 0) continue;
                times[way].Make.Add(make);
                times[way].Remove.Add(remove);
            }
        }
        return times;
    }

    private static async Task<(double Made, double Removed, ConcurrentDictionary<string, int> Errors)> LoopAsync(IRoleWay way, TestDatabase database, int connections, TimeSpan length)
    {
        ConcurrentBag<RoleOrder> made = [];
        ConcurrentDictionary<string, int> errors = new();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < length)
            {
                var order = RoleServer.Order(database);
                if (await TriedAsync(() => way.MakeAsync(order))) made.Add(order);
            }
        })));
        var making = made.Count / clock.Elapsed.TotalSeconds;

        var (removed, again) = (0, new ConcurrentBag<RoleOrder>());
        clock.Restart();
        await Parallel.ForEachAsync(made, new ParallelOptions { MaxDegreeOfParallelism = connections }, async (order, _) =>
        {
            if (await TriedAsync(() => way.RemoveAsync(order))) Interlocked.Increment(ref removed);
            else again.Add(order);
        });
        var removing = removed / clock.Elapsed.TotalSeconds;
        // What clashed is cleaned up here one by one, uncounted: it would be in the way of what comes next.
        foreach (var order in again) await way.RemoveAsync(order);
        return (making, removing, errors);

        async Task<bool> TriedAsync(Func<Task> act)
        {
            try
            {
                await act();
                return true;
            }
            catch (PostgresException failure)
            {
                errors.AddOrUpdate(failure.SqlState, 1, (_, count) => count + 1);
                return false;
            }
        }
    }

    private static async Task<List<RoleOrder>> ManyAsync(IRoleWay way, TestDatabase database, int count)
    {
        var orders = Enumerable.Range(0, count).Select(_ => RoleServer.Order(database)).ToList();
        await Parallel.ForEachAsync(orders, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (order, _) => await way.MakeAsync(order));
        return orders;
    }

    /// <summary>How long the work takes, in seconds, and how long each new grant waited for its role meanwhile, in milliseconds.</summary>
    private static async Task<(double Seconds, List<double> Asked)> BesideNewGrantsAsync(IRoleWay way, TestDatabase database, Func<Task> work)
    {
        using var done = new CancellationTokenSource();
        ConcurrentBag<double> asked = [];
        ConcurrentBag<RoleOrder> made = [];
        var asking = Task.Run(async () =>
        {
            List<Task> running = [];
            // By the clock and not one after the other: a slow answer must not make the questions fewer.
            for (var clock = Stopwatch.StartNew(); !done.IsCancellationRequested; await Task.Delay(Math.Max(0, (25 * running.Count) - (int)clock.ElapsedMilliseconds)))
            {
                running.Add(Task.Run(async () =>
                {
                    var order = RoleServer.Order(database);
                    asked.Add(await TimeAsync(() => way.MakeAsync(order)));
                    made.Add(order);
                }));
            }
            await Task.WhenAll(running);
        });
        var seconds = await TimeAsync(work) / 1000;
        await done.CancelAsync();
        await asking;
        foreach (var order in made) await way.RemoveAsync(order);
        return (seconds, [.. asked]);
    }

    private async Task ExpectNothingLeftAsync()
    {
        if (await server.AskAsync("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND shobj_description(oid, 'pg_authid') LIKE '{\"dbaccess\"%'") is not "0" and var left)
            throw new InvalidOperationException($"{left} roles are left.");
    }

    private static async Task<double> TimeAsync(Func<Task> act)
    {
        var started = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private static string Number(double value) => value.ToString("#,0.##", CultureInfo.InvariantCulture);
}
