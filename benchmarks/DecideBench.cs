using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using DbAccess.Demo;

namespace DbAccess.Benchmarks;

/// <summary>
/// From the press that decides to the credentials in the holder's direct message: the product with its store on disk, a real PostgreSQL and the
/// stand-in for Slack, all on this machine. The end is the message's own time stamp.
/// </summary>
internal static class DecideBench
{
    private const int Rate = 20;

    private const string Policy = """
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read] }
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
        groups:
          dba: { users: [U0DBA0001] }
        allow:
          - id: asked
            who: [everyone]
            databases: [orders]
            scopes: [read]
            lifetime: {default: 1h, max: 2h}
            approval: {stages: [{any: 1, of: dba}], lapse: 1h, channel: C0APPROVE}

        """;

    public static async Task RunAsync(Report report, bool quick)
    {
        await using var system = await DemoSystem.StartAsync(policy: Policy, settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Limits:OpenGrantsPerPerson"] = "10000",
            ["Limits:RequestsPerPersonPerMinute"] = "100000",
        });
        var key = Encoding.UTF8.GetBytes(system.Settings()["Slack:SigningSecrets:0"]);
        using var http = new HttpClient { BaseAddress = system.Product.Url };
        var count = Rate * (quick ? 3 : 15);
        report.Say($"Deciding: {count} requests that wait for one of two, decided at {Rate}/s.");
        var ids = await FileAsync(system, count);

        // One beforehand: the first of a process costs its compilation.
        Dictionary<string, double> pressed = new(StringComparer.Ordinal);
        await SendAsync(http, ids[0], key);
        await ArrivedAsync(system, 1);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(ids.Skip(1).Select(async (id, n) =>
        {
            var wait = TimeSpan.FromSeconds((double)n / Rate) - clock.Elapsed;
            if (wait > TimeSpan.Zero) await Task.Delay(wait);
            lock (pressed) pressed[id] = Now();
            await SendAsync(http, id, key);
        }));
        var arrived = await ArrivedAsync(system, ids.Count);
        report.Head();
        report.Add(Figure.Of("decide", $"from the deciding press to the credentials, {Rate}/s",
            [.. pressed.Select(press => (arrived[press.Key] - press.Value) * 1000)]));
    }

    private static double Now() => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalSeconds;

    private static async Task<IReadOnlyList<string>> FileAsync(DemoSystem system, int count)
    {
        for (var n = 0; n < count; n++) await system.Users.CommandAsync(SlackUser.Erin, $"orders read 1h because bench {n}");
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromMinutes(2); await Task.Delay(500))
        {
            var cards = Grants(await system.Users.MessagesAsync(SlackUser.Dana), "approve_grant").ToList();
            if (cards.Count >= count) return [.. cards.Select(card => card.Grant)];
        }

        throw new InvalidOperationException("Not all requests came to a card.");
    }

    private static async Task<IReadOnlyDictionary<string, double>> ArrivedAsync(DemoSystem system, int count)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromMinutes(2); await Task.Delay(200))
        {
            var come = Grants(await system.Users.MessagesAsync(SlackUser.Erin), "Password:").ToList();
            if (come.Count >= count) return come.ToDictionary(one => one.Grant, one => one.Ts, StringComparer.Ordinal);
        }

        throw new InvalidOperationException("Not all credentials came.");
    }

    private static IEnumerable<(string Grant, double Ts)> Grants(IEnumerable<JsonObject> messages, string holds) =>
        messages.Where(message => message.ToJsonString().Contains(holds, StringComparison.Ordinal))
            .Select(message => (Grant: Id(SlackUser.Words(message) + message.ToJsonString()), Ts: double.Parse((string)message["ts"]!, CultureInfo.InvariantCulture)))
            .DistinctBy(one => one.Grant);

    private static string Id(string words) => System.Text.RegularExpressions.Regex.Match(words, "\\b[0-9A-Z]{4}-[0-9A-Z]{2}\\b").Value;

    private static async Task SendAsync(HttpClient http, string id, byte[] key)
    {
        using var response = await http.SendAsync(Signed.Press(SlackUser.Dana, "approve_grant", id, key));
        response.EnsureSuccessStatusCode();
    }
}
