using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;

namespace DbAccess.Benchmarks;

/// <summary>
/// What a sweep asks of the store, with nothing and with 100 due, in small and in large stores; what AWS is asked for meanwhile, and what a month of
/// it costs. Clusters and Slack are in memory, so this is the store's part alone.
/// </summary>
internal static class SweepBench
{
    private const int Due = 100;

    // More live grants than this are left to the hourly comparison (RoleReconciler).
    private const int MostCompared = 5_000;

    // Disk or emulator may be slower than anybody wants to wait for; what was not reached is said.
    private static readonly TimeSpan LongestSeeding = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan LongestMeasuring = TimeSpan.FromMinutes(2);

    public static async Task RunAsync(Report report, bool quick)
    {
        report.Say("Store: a sweep with nothing due and with 100 due, through the use cases; roles and messages in memory.");
        report.Head();
        foreach (var size in quick ? (int[])[1_000, 10_000] : [1_000, 100_000, 1_000_000])
        {
            report.Say($"  … SQLite, {Number(size)} live grants");
            await SqliteAsync(report, size, quick);
        }

        if (!MotoServer.IsThere)
        {
            report.Say($"{MotoServer.NotFound}: nothing measured on DynamoDB.");
            return;
        }

        await DynamoAsync(report, quick);
    }

    private static async Task SqliteAsync(Report report, int size, bool quick)
    {
        var directory = Directory.CreateTempSubdirectory("dbaccess-bench-").FullName;
        try
        {
            await using var stage = SweepStage.OnSqlite(directory);
            if (await StoreBench.SeedAsync(stage.Get<SqliteDatabase>(), size, Some.Now, LongestSeeding) is var reached && reached < size)
            {
                report.Say($"SQLite, {Number(size)} live grants: not measured. In {LongestSeeding.TotalMinutes:0} minutes only {Number(reached)} of them were written; the disk has other work.");
                return;
            }

            if (size <= MostCompared) await stage.PutRolesThereAsync();
            report.Add(Figure.Of("store", $"SQLite, {Number(size)} live grants: nothing due", await NothingDueAsync(stage, quick ? 50 : 300)));
            foreach (var count in (int[])[1, 1_000]) await SequenceAsync(report, $"SQLite, {Number(size)} live grants", stage, count, null);
            await stage.AddAsync(Due, Some.Now + TimeSpan.FromMinutes(1));
            report.Add(Figure.Single("store", $"SQLite, {Number(size)} live grants: 100 due", await HundredDueAsync(stage), "ms"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task DynamoAsync(Report report, bool quick)
    {
        await using var moto = (await MotoServer.StartAsync())!;
        await using var door = await AwsDoor.OpenAsync(moto.Address);
        var meter = new DynamoMeter();
        door.Seen = meter.See;

        // One grant's whole life, with everything that is written for it: the request in hand, the audit, the grant and its story.
        report.Say("  … DynamoDB, one grant's whole life");
        double reads, writes, look;
        (double, double, double) stored;
        await using (var stage = await SweepStage.OnDynamoDbAsync(door.Address, "bench-life"))
        {
            meter.Forget();
            await LiveAsync(stage);
            var (requests, written) = (meter.Requests, meter.Written());
            (reads, writes) = (meter.ReadUnits, meter.WriteUnits);
            await stage.Mediator.Send(new SequenceEvents());
            stored = (meter.StoredOf(key => key.EndsWith("|GRANT", StringComparison.Ordinal)), meter.StoredOf(key => key.StartsWith("JOURNAL#", StringComparison.Ordinal)), meter.StoredOf(key => key.StartsWith("LOG|BATCH#", StringComparison.Ordinal)));
            report.Add(Figure.Single("store", "DynamoDB, one grant from request to last notice: requests", requests, "requests",
                $"{reads:0.0} read and {writes:0} write units; stored: grant {stored.Item1}, events {stored.Item2} bytes, their places and the checkpoint {stored.Item3}"));
            foreach (var (what, count, spent) in written) report.Say($"      {what}: {count} written, {spent:0} units");
            meter.Forget();
            await stage.Store.NextDueAsync(CancellationToken.None);
            look = meter.ReadUnits;
        }

        await using (var stage = await SweepStage.OnDynamoDbAsync(door.Address, "bench-log"))
            foreach (var count in (int[])[1, 15, 1_000]) await SequenceAsync(report, "DynamoDB", stage, count, meter);

        // The emulator copies the whole table for every transaction, so a hundred grants are ended in a table that holds nothing else. What a step asks
        // for and costs is the same in every table: it reads and writes by key.
        await using (var stage = await SweepStage.OnDynamoDbAsync(door.Address, "bench-due"))
        {
            await stage.AddAsync(Due, Some.Now + TimeSpan.FromMinutes(1));
            meter.Forget();
            var took = await HundredDueAsync(stage);
            report.Add(Figure.Single("store", "DynamoDB, 100 live grants: 100 due", took, "ms", $"{meter.Requests} requests, {meter.ReadUnits:0.0} read and {meter.WriteUnits:0} write units; the time is the emulator's"));
        }

        var units = new Dictionary<int, double>();
        foreach (var size in quick ? (int[])[1, 1_000] : [1, 1_000, 4_000, 100_000])
        {
            report.Say($"  … DynamoDB, {Number(size)} live grants");
            await using var stage = await SweepStage.OnDynamoDbAsync(door.Address, $"bench-{size}");
            if (await SeedAsync(moto.Address, stage, $"bench-{size}", size) is { } reached)
            {
                report.Say($"DynamoDB, {Number(size)} live grants: not measured. The emulator took {LongestSeeding.TotalMinutes:0} minutes to be given {Number(reached)} of them.");
                continue;
            }

            if (size <= MostCompared) await stage.PutRolesThereAsync();
            // The first event meets a function that remembers nothing.
            meter.Forget();
            await stage.HandleEventAsync();
            var cold = (meter.Requests, meter.ReadUnits);
            meter.Forget();
            var times = await NothingDueAsync(stage, size > 10_000 ? 3 : 20, warm: 0);
            units[size] = meter.ReadUnits / times.Count;
            report.Add(Figure.Of("store", $"DynamoDB, {Number(size)} live grants: nothing due", times,
                note: $"{meter.Requests / times.Count} requests, {units[size]:0.0} read units; in a fresh function {cold.Requests} and {cold.ReadUnits:0.0}; times are the emulator's"));
        }

        foreach (var perDay in (int[])[1_000, 100_000]) Cost(report, perDay, reads, writes, look, units[1], (units[1_000] - units[1]) / 999, stored);
    }

    /// <summary>What it costs to give so many events their places, the signature included.</summary>
    private static async Task SequenceAsync(Report report, string where, SweepStage stage, int count, DynamoMeter? meter)
    {
        await stage.Mediator.Send(new SequenceEvents());
        for (var i = 0; i < count; i++)
            await stage.Get<IAuditTrail>().RecordAsync(new LogEvent
            {
                At = stage.Clock.GetUtcNow(), Type = "command.approve_grant", By = new Actor.Person(Some.Engineer), Way = Way.SlackPress, Outcome = "done",
                Rule = "on-call-reads", PolicyHash = new string('a', 64), Trace = new string('b', 32), What = [new Fact.Text("subject", "K7Q3-MD"), new Fact.Number("ms", 12)],
            }, CancellationToken.None);
        meter?.Forget();
        var started = Stopwatch.GetTimestamp();
        var placed = (await stage.Mediator.Send(new SequenceEvents())).Value.Placed;
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        if (placed != count) throw new InvalidOperationException($"{placed} events got a place, not {count}.");
        report.Add(Figure.Single("store", $"{where}: {Number(count)} events get their places", took, "ms", meter is null ? null
            : $"{meter.Requests} requests, {meter.ReadUnits:0.0} read and {meter.WriteUnits:0} write units ({meter.WriteUnits / count:0.000} an event); the time is the emulator's"));
    }

    private static async Task<List<double>> NothingDueAsync(SweepStage stage, int count, int warm = 20)
    {
        List<double> times = [];
        var begun = Stopwatch.GetTimestamp();
        for (var i = -warm; i < count && (times.Count == 0 || Stopwatch.GetElapsedTime(begun) < LongestMeasuring); i++)
        {
            var started = Stopwatch.GetTimestamp();
            var swept = await stage.HandleEventAsync();
            if (i >= 0) times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (swept.Steps.Count > 0 || swept.Failed.Count > 0) throw new InvalidOperationException($"The sweep had something to do: {swept}");
        }

        return times;
    }

    private static async Task<double> HundredDueAsync(SweepStage stage)
    {
        stage.Clock.SetUtcNow(Some.Now + TimeSpan.FromMinutes(1));
        var started = Stopwatch.GetTimestamp();
        var swept = await stage.SweepAsync();
        var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        return swept.Count(StepOutcome.Ended) == Due && swept.Failed.Count == 0 ? took : throw new InvalidOperationException($"The sweep did not end {Due}: {swept}");
    }

    private static async Task LiveAsync(SweepStage stage)
    {
        var stop = CancellationToken.None;
        await stage.Inbox.TryAddAsync(new InboxItem("bench", "command", Some.Engineer, null, "orders read 30m because INC-4711 stuck orders", stage.Clock.GetUtcNow()), null, stop);
        var filed = await stage.Mediator.Send(new CreateGrant("bench", Some.Engineer, new AccessWish(DatabaseName.Parse("orders")!, ScopeName.Parse("read")!, TimeSpan.FromMinutes(30), "INC-4711 stuck orders")), stop);
        await stage.Inbox.FinishAsync("bench", stop);
        var id = filed.Value.Id;
        for (var turn = 0; turn < 20; turn++)
        {
            await stage.Mediator.Send(new TakeNextStep(id), stop);
            if ((await stage.Store.NextDueAsync(stop)) is not { } due) return;
            if (due > stage.Clock.GetUtcNow()) stage.Clock.SetUtcNow(due);
        }

        throw new InvalidOperationException("The grant does not come to its end.");
    }

    private static void Cost(Report report, int perDay, double reads, double writes, double look, double sweep, double perLive, (double, double, double) stored)
    {
        var parts = AwsPrices.Month(perDay, reads, writes, look, sweep, perLive, stored);
        report.Add(Figure.Single("store", $"AWS by use, {Number(perDay)} grants a day, a month", parts.Sum(part => part.Dollars), "USD",
            $"{string.Join(", ", parts.Select(part => $"{part.What} {AwsPrices.Dollars(part.Dollars)}"))} ({AwsPrices.Source})"));
    }

    /// <summary>
    /// One grant as the store writes it, and as many copies of its item, 25 at a time: through the store it would take the emulator a day. Null when all are
    /// there, and how many are when it takes too long.
    /// </summary>
    private static async Task<int?> SeedAsync(Uri endpoint, SweepStage stage, string table, int count)
    {
        using var http = new HttpClient { BaseAddress = endpoint };
        var grant = Some.Active(Some.Now, TimeSpan.FromHours(1));
        await stage.Store.AddAsync(grant, CancellationToken.None);
        var item = await AskAsync("GetItem", $$$$"""{"TableName":"{{{{table}}}}","Key":{"pk":{"S":"GRANT#{{{{grant.Id}}}}"},"sk":{"S":"GRANT"}}}""");
        var text = item.GetProperty("Item").GetRawText();
        var begun = Stopwatch.GetTimestamp();
        for (var done = 1; done < count; done += 25)
        {
            if (Stopwatch.GetElapsedTime(begun) > LongestSeeding) return done;
            var puts = Enumerable.Range(done, Math.Min(25, count - done)).Select(_ => $$$$"""{"PutRequest":{"Item":{{{{As(GrantId.New())}}}}}}""");
            await AskAsync("BatchWriteItem", $$$"""{"RequestItems":{"{{{table}}}":[{{{string.Join(',', puts)}}}]}}""");
        }

        return null;

        // What is packed names the grant, too, and a document of another is none.
        string As(GrantId id)
        {
            var copy = JsonNode.Parse(text.Replace(grant.Id.ToString(), id.ToString(), StringComparison.Ordinal))!.AsObject();
            foreach (var packed in copy.Where(attribute => attribute.Key.EndsWith("_br", StringComparison.Ordinal)).ToList())
            {
                var name = packed.Key[..^"_br".Length];
                var value = new MemoryStream(Convert.FromBase64String((string)packed.Value!["B"]!));
                var said = new Dictionary<string, AttributeValue>(StringComparer.Ordinal) { [packed.Key] = new() { B = value } }.PackedTextOf(name)!;
                var again = new Dictionary<string, AttributeValue>(StringComparer.Ordinal);
                again.SetPacked(name, said.Replace(grant.Id.ToString(), id.ToString(), StringComparison.Ordinal), worth: 0);
                copy[packed.Key] = new JsonObject { ["B"] = Convert.ToBase64String(again[packed.Key].B.ToArray()) };
            }

            return copy.ToJsonString();
        }

        async Task<JsonElement> AskAsync(string operation, string body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent(body, Encoding.UTF8, "application/x-amz-json-1.0") };
            request.Headers.TryAddWithoutValidation("X-Amz-Target", $"DynamoDB_20120810.{operation}");
            request.Headers.TryAddWithoutValidation("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDBENCH/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0");
            using var answer = await http.SendAsync(request);
            answer.EnsureSuccessStatusCode();
            return JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement.Clone();
        }
    }

    private static string Number(int value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
