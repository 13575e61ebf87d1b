using System.Net;
using System.Text.Json.Nodes;
using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>What whoever runs it can see, and what nobody may see.</summary>
public sealed class OperationTests(House house) : IClassFixture<House>, IDisposable
{
    private readonly HttpClient _http = new();

    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task One_id_leads_from_the_request_to_the_removal_and_no_secret_is_on_the_way()
    {
        var id = await It.AskAsync(SlackUser.Erin, "orders read 10s because of the trail");
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        await It.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await It.ConvergesAsync();

        var lines = It.Output.Select(Parse).OfType<JsonObject>().ToList();
        Assert.Equal(It.Output.Count, lines.Count);
        var given = lines.Single(line => Says(line, id, " is active: role ", credential.User));
        var ended = lines.Single(line => Says(line, id, " has ended "));
        var trace = (string?)given["@tr"];
        Assert.NotNull(trace);
        Assert.Equal(trace, (string?)ended["@tr"]);
        Assert.Contains(lines, line => (string?)line["@tr"] == trace && Says(line, "/slack/commands"));
        Assert.Contains(await It.AskStoreAsync("SELECT correlation FROM attempts WHERE correlation IS NOT NULL"), known => known.Contains(trace, StringComparison.Ordinal));
        await It.HoldsNoSecretAsync(credential.Password);
    }

    [Fact]
    public async Task What_the_first_command_needs_is_there_before_anybody_listens_and_leaves_nothing_on_record()
    {
        var lines = It.Output.Select(line => (string?)Parse(line)?["@m"] ?? "").ToList();

        var (warm, open) = (lines.FindIndex(line => line.StartsWith("Warmed up in ", StringComparison.Ordinal)), lines.FindIndex(line => line.StartsWith("DbAccess listens on ", StringComparison.Ordinal)));
        Assert.InRange(warm, 0, open);
        Assert.DoesNotContain(lines, line => line.Contains("not all there yet", StringComparison.Ordinal));
        Assert.Equal(["0"], await It.AskStoreAsync("SELECT count(*) FROM attempts WHERE by LIKE '%U00000000%'"));
    }

    [Fact]
    public async Task Health_and_metrics_answer_and_other_paths_do_not()
    {
        Assert.Equal(HttpStatusCode.OK, (await GetAsync("health/live")).Status);
        var (ready, words) = await GetAsync("health/ready");
        Assert.Equal(HttpStatusCode.OK, ready);
        Assert.Equal("ok", (string?)JsonNode.Parse(words)!["checks"]!["slack"]);
        Assert.Equal("ok", (string?)JsonNode.Parse(words)!["checks"]!["store"]);
        Assert.Equal("ok", (string?)JsonNode.Parse(words)!["checks"]!["groups"]);

        var (_, metrics) = await GetAsync("metrics");
        Assert.Contains("dbaccess_grants{status=\"active\"}", metrics, StringComparison.Ordinal);
        Assert.Contains("dbaccess_due_lateness_seconds", metrics, StringComparison.Ordinal);
        Assert.Contains("dbaccess_policy_rejected{} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("dbaccess_groups_unreadable{} 0", metrics, StringComparison.Ordinal);

        foreach (var inside in (string[])["health/live", "health/ready", "metrics"])
        {
            using var outside = await _http.GetAsync(new Uri(It.Product.Url, inside), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, outside.StatusCode);
        }

        foreach (var path in (string[])["/slack/../metrics", "/slack/%2e%2e/metrics", "/slack/%2E./health/live", "/slack/..%2fmetrics", "/slack/./commands"])
            Assert.StartsWith("HTTP/1.1 404", await RawAsync(path), StringComparison.Ordinal);

        using var response = await _http.GetAsync(new Uri(It.Product.Url, "admin"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.False(response.Headers.Contains("Server"));
        Assert.Equal("", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_revoked_token_makes_it_unready_and_says_so()
    {
        House.RequirePostgres();
        await using var own = await House.OpenAsync();
        await own.Users.PostAsync("token", new { token = "xoxb-another-one" });

        var words = "";
        await Patience.UntilAsync(
            async () =>
            {
                using var response = await _http.GetAsync(new Uri(own.Product.Operations, "health/ready"), TestContext.Current.CancellationToken);
                words = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                return response.StatusCode is HttpStatusCode.ServiceUnavailable;
            },
            "it is not ready");

        var checks = JsonNode.Parse(words)!["checks"]!;
        Assert.NotEqual("ok", (string?)checks["slack"]);
        Assert.Equal("ok", (string?)checks["store"]);
        using var live = await _http.GetAsync(new Uri(own.Product.Operations, "health/live"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        await own.HoldsNoSecretAsync();
    }

    /// <summary>The first line of the answer to a path that no client would send as it stands here.</summary>
    private async Task<string> RawAsync(string path)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(It.Product.Url.Host, It.Product.Url.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
    }

    private async Task<(HttpStatusCode Status, string Words)> GetAsync(string path)
    {
        using var response = await _http.GetAsync(new Uri(It.Product.Operations, path), TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static bool Says(JsonObject line, params string[] words) => words.All(word => ((string?)line["@m"])?.Contains(word, StringComparison.Ordinal) == true);

    private static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
