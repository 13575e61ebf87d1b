using System.Diagnostics;
using System.Text;
using DbAccess.Demo;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Benchmarks;

/// <summary>
/// What somebody waits for while they type into a search of the request form: 10,000 tables on a real PostgreSQL, 3,000 databases in the
/// policy, the signed requests that Slack sends with each letter, against an endpoint that only checks the signature.
/// </summary>
internal static class SearchBench
{
    private const int Tables = 10_000;
    private const int Databases = 3_000;
    private const double Bar = 300;

    private static readonly string Policy = $$"""
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read] }
        {{string.Join('\n', Enumerable.Range(0, Databases).Select(i => $"  shop-{i:D4}: {{ cluster: orders-prod, database: shop_{i:D4}, scopes: [read] }}"))}}
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema big", allow: [select] }]
        groups:
          oncall: { slack_usergroup: S0ONCALL1 }
        allow:
          - { id: all-read, who: [everyone], databases: ["*"], scopes: [read], lifetime: {default: 20s, max: 4h}, approval: none }

        """;

    public static async Task RunAsync(Report report, bool quick)
    {
        await using var system = await DemoSystem.StartAsync(policy: Policy);
        await MakeTablesAsync(system.Orders);
        var secret = system.Settings()["Slack:SigningSecrets:0"];
        await using var door = await SlackBench.DoorProcess.StartAsync(secret);
        using var bare = new Asker(door.Url, secret);
        var (rounds, letters) = quick ? (1, 20) : (5, 200);
        report.Say($"Search: {Tables} tables, {Databases} databases; {rounds} starts of the product, {letters} letters after each.");

        List<double> none = [], unopened = [], opened = [], known = [], later = [], databases = [];
        for (var round = 0; round < rounds; round++)
        {
            using (var product = await RestartAsync(system, secret)) unopened.Add(await TableAsync(product, round));

            using var asker = await RestartAsync(system, secret);
            await OpenFormAsync(system);
            opened.Add(await TableAsync(asker, round));
            for (var letter = 0; letter < letters; letter++)
            {
                none.Add(await bare.SearchAsync("only", Part(letter), null));
                known.Add(await TableAsync(asker, letter));
                databases.Add(await asker.SearchAsync("database", $"{letter * 13 % Databases:D4}", $"shop-{letter * 13 % Databases:D4}"));
            }

            if (quick) continue;
            await Task.Delay(TimeSpan.FromSeconds(65));
            later.Add(await TableAsync(asker, round));
        }

        report.Head();
        report.Add(Figure.Of("search", "one letter: signature only", none));
        report.Add(Figure.Of("search", $"one of {Tables} tables, the list known", known, bare: none));
        report.Add(Figure.Of("search", $"one of {Databases} databases", databases, bare: none));
        report.Add(Figure.Of("search", "first letter of a process, right after its form opened", opened));
        report.Add(Figure.Of("search", "first letter of a process that has drawn no form", unopened));
        if (later.Count > 0) report.Add(Figure.Of("search", "first letter after more than a minute", later));
        report.Bar($"one of {Tables} tables, the list known: p99", Figure.Percentile(known, 99), Bar, "ms");
        report.Bar($"one of {Databases} databases: p99", Figure.Percentile(databases, 99), Bar, "ms");
        report.Bar("first letter right after the form opened: the slowest", opened.Max(), Bar, "ms");
        report.Bar("first letter of a process that has drawn no form: the slowest", unopened.Max(), Bar, "ms");
        if (later.Count > 0) report.Bar("first letter after more than a minute: the slowest", later.Max(), Bar, "ms");
    }

    private static async Task MakeTablesAsync(TestDatabase orders)
    {
        await using var connection = new NpgsqlConnection(orders.SuperuserConnectionString);
        await connection.OpenAsync();
        // A transaction for each hundred: one for all would need a lock on every table at the same time.
        await RunAsync($"CREATE SCHEMA big AUTHORIZATION {orders.Owner}; SET ROLE {orders.Owner}");
        for (var from = 0; from < Tables; from += 100)
            await RunAsync(string.Concat(Enumerable.Range(from, 100).Select(i => $"CREATE TABLE big.orders_part_{i:D5} (id bigint PRIMARY KEY, note text);")));
        await RunAsync("RESET ROLE; ANALYZE pg_catalog.pg_class");

        async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task<Asker> RestartAsync(DemoSystem system, string secret)
    {
        await system.Product.DisposeAsync();
        await system.StartProductAsync();
        return new Asker(system.Product.Url, secret);
    }

    private static async Task OpenFormAsync(DemoSystem system)
    {
        foreach (var view in await system.Users.ViewsAsync(SlackUser.Erin))
            await system.Users.PostAsync("close", new { view_id = (string)view["id"]!, all = true });
        await system.Users.CommandAsync(SlackUser.Erin, "orders read");
        for (var tries = 0; (await system.Users.ViewsAsync(SlackUser.Erin)).Count == 0; tries++)
        {
            if (tries > 3_000) throw new InvalidOperationException("The form did not open.");
            await Task.Delay(10);
        }
    }

    private static string Part(int n) => $"{n * 37 % Tables:D5}";

    private static Task<double> TableAsync(Asker asker, int n) => asker.SearchAsync("only", Part(n), $"big.orders_part_{Part(n)}");

    private sealed class Asker(Uri url, string secret) : IDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(30) };
        private readonly byte[] _key = Encoding.UTF8.GetBytes(secret);

        /// <summary>Milliseconds until the answer is read.</summary>
        /// <param name="expected">What has to be found; null of an endpoint that answers nothing.</param>
        public async Task<double> SearchAsync(string field, string typed, string? expected)
        {
            using var request = Signed.Search(SlackUser.Erin, "request_grant", "D0BENCH01\norders\nread\n", field, typed, _key);
            var started = Stopwatch.GetTimestamp();
            using var response = await _http.SendAsync(request);
            var said = await response.Content.ReadAsStringAsync();
            var took = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (!response.IsSuccessStatusCode || (expected is not null && !said.Contains($"\"{expected}\"", StringComparison.Ordinal)))
                throw new InvalidOperationException($"A search for {typed} was answered with {(int)response.StatusCode}: {said}");
            return took;
        }

        public void Dispose() => _http.Dispose();
    }
}
