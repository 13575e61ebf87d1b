using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DbAccess.EndToEnd.Tests;

/// <summary>What the running program exports, against what the documents promise.</summary>
public sealed partial class MetricsTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_exported_is_what_the_documents_list_by_name_and_kind()
    {
        House.RequirePostgres();
        await using var collector = await Collector.StartAsync();
        await using var it = await DemoSystem.StartAsync(PostgresFixture.WantedMajor, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Url.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
            ["Audit:Webhooks:0:Url"] = new Uri(collector.Url, "hook").ToString(),
            ["Audit:Webhooks:0:Secret"] = "a-secret-of-thirty-two-characters-x",
        }, policy: OpenHouse.Text);
        var exported = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);

        var id = await it.AskAsync(SlackUser.Dana, "orders read 20s because of the figures");
        var (credential, _) = await it.CredentialAsync(SlackUser.Dana, id);
        await it.HearAsync(SlackUser.Dana, $"its time was over ({id})");
        await it.ConvergesAsync();
        await Patience.UntilAsync(async () => Take(await ScrapeAsync(it), exported).ContainsKey("dbaccess_take_overrun_seconds"), "the end was measured");
        var text = await ScrapeAsync(it);

        // What a comparison with the cluster finds is counted, too: a role that is ours by its comment, and that nobody knows.
        await it.AskServerAsync("""
            DO $$ BEGIN
              CREATE ROLE dba_stray1_x NOLOGIN;
              COMMENT ON ROLE dba_stray1_x IS '{"dbaccess":1,"i":"demo","kind":"login","grant":"g-stray1"}';
              EXECUTE format('GRANT dba_stray1_x TO dbaccess_admin WITH ADMIN OPTION');
            END $$; SELECT 1
            """);
        await it.Product.StopAsync();
        await it.StartProductAsync();
        await Patience.UntilAsync(async () => Take(await ScrapeAsync(it), exported).ContainsKey("dbaccess_reconcile_findings_total"), "the stray role was found");

        var documented = Row().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operating.md"), Cancelled))
            .ToDictionary(row => row.Groups["name"].Value, row => row.Groups["kind"].Value, StringComparer.Ordinal);
        Assert.Equal(documented.OrderBy(one => one.Key, StringComparer.Ordinal), exported.OrderBy(one => one.Key, StringComparer.Ordinal));

        // Bounds of what an operator tells apart, and nothing of the libraries that nobody asked for.
        foreach (var bound in (string[])["0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "300", "+Inf"])
            Assert.Contains($"dbaccess_give_duration_seconds_bucket{{le=\"{bound}\"}}", text, StringComparison.Ordinal);
        Assert.All(Type().Matches(text), type => Assert.StartsWith("dbaccess_", type.Groups["name"].Value, StringComparison.Ordinal));

        // The same goes to a collector, with traces, and without what nobody there may know.
        await Patience.UntilAsync(() => Task.FromResult(collector.Holds("v1/metrics", "dbaccess.due.lateness") && collector.Holds("v1/metrics", "dbaccess.give.duration")
            && collector.Holds("v1/traces", "GrantStep")), "the collector has it");
        Assert.False(collector.Holds("v1/", credential.Password));
        Assert.False(collector.Holds("v1/", "xoxb-"));
        await it.HoldsNoSecretAsync(credential.Password);
    }

    private static async Task<string> ScrapeAsync(DemoSystem system)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(system.Product.Operations, "metrics"), Cancelled);
    }

    private static ConcurrentDictionary<string, string> Take(string text, ConcurrentDictionary<string, string> exported)
    {
        foreach (Match type in Type().Matches(text)) exported[type.Groups["name"].Value] = type.Groups["kind"].Value;
        return exported;
    }

    [GeneratedRegex("^# TYPE (?<name>[a-z_]+) (?<kind>[a-z]+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Type();

    [GeneratedRegex(@"^\| `(?<name>dbaccess_[a-z_]+)` \| (?<kind>gauge|counter|histogram) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();

    /// <summary>Takes what is sent to it, and keeps it.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Path, string Body)> _taken = new();
        private WebApplication _app = null!;

        public Uri Url { get; private set; } = null!;

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var collector = new Collector { _app = builder.Build() };
            collector._app.Run(async http =>
            {
                using var body = new MemoryStream();
                await http.Request.Body.CopyToAsync(body, http.RequestAborted);
                collector._taken.Enqueue((http.Request.Path.Value!.TrimStart('/'), Encoding.Latin1.GetString(body.ToArray())));
            });
            await collector._app.StartAsync(Cancelled);
            collector.Url = new Uri(collector._app.Urls.Single());
            return collector;
        }

        public bool Holds(string path, string text) =>
            _taken.Any(one => one.Path.StartsWith(path, StringComparison.Ordinal) && one.Body.Contains(text, StringComparison.Ordinal));

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
