using System.Net;
using System.Text;

namespace DbAccess.Api.Tests.Slack;

/// <summary>What is not from Slack, or not as Slack sends it (cases F06, F07, F32 to F39, F43 to F45 of the reference).</summary>
public sealed class DoorTests
{
    private static readonly string[] Paths = ["/slack/commands", "/slack/interactivity", "/slack/events"];

    [Fact]
    public async Task A_forged_request_gets_nowhere_on_any_path()
    {
        await using var house = await SlackHouse.OpenAsync();
        var body = Encoding.UTF8.GetBytes(SlackHouse.Command("orders read 30m because MARKERbody"));
        foreach (var path in Paths)
        {
            var type = path == "/slack/events" ? "application/json" : "application/x-www-form-urlencoded";
            foreach (var signature in (string[])["v0=" + new string('0', 64), SlackHouse.Sign(body, "1767225600", "another-secret"), "v1=" + SlackHouse.Sign(body, "1767225600")[3..], SlackHouse.Sign(body, "1767225600")[..^1]])
            {
                using var answer = await house.Client.SendAsync(SlackHouse.Request(path, body, type, signature: signature));
                Assert.Equal((HttpStatusCode.Unauthorized, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
            }
        }

        Assert.Equal((0, 0, 0), (house.Slow.Begun, house.Chat.Calls, house.Directory.Asked));
        Assert.DoesNotContain(house.Log.Lines, line => line.Contains("MARKER", StringComparison.Ordinal) || line.Contains(SlackHouse.Sign(body, "1767225600")[3..], StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData(-300, HttpStatusCode.OK)]
    [InlineData(-301, HttpStatusCode.Unauthorized)]
    [InlineData(300, HttpStatusCode.OK)]
    [InlineData(301, HttpStatusCode.Unauthorized)]
    public async Task An_old_or_future_request_is_refused_to_the_second(int seconds, HttpStatusCode expected)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.Client.SendAsync(SlackHouse.Request("/slack/commands", Encoding.UTF8.GetBytes(SlackHouse.Command("help")), "application/x-www-form-urlencoded", SlackHouse.Now + seconds));

        Assert.Equal(expected, answer.StatusCode);
    }

    [Theory]
    [InlineData("1767225600", "v0=short", "Content-Length: 1048576", 401)]
    [InlineData("1767225600", "v0=zz00000000000000000000000000000000000000000000000000000000000000", "Content-Length: 1048576", 401)]
    [InlineData("1767220000", "v0=0000000000000000000000000000000000000000000000000000000000000000", "Content-Length: 1048576", 401)]
    [InlineData("1767225600", "v0=0000000000000000000000000000000000000000000000000000000000000000", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400)]
    public async Task What_can_be_turned_away_by_its_headers_is_before_a_byte_of_the_body(string timestamp, string signature, string length, int status)
    {
        await using var house = await SlackHouse.OpenAsync();
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync("127.0.0.1", house.Client.BaseAddress!.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();

        // Announced, and never sent.
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST /slack/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: {signature}\r\n{length}\r\n\r\n"), TestContext.Current.CancellationToken);

        using var reader = new StreamReader(stream);
        Assert.StartsWith($"HTTP/1.1 {status}", await reader.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_that_say_nothing_shut_nobody_out()
    {
        await using var house = await SlackHouse.OpenAsync();
        using (var first = await house.CommandAsync("help")) Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        var silent = new List<System.Net.Sockets.TcpClient>();
        try
        {
            for (var i = 0; i < 2_100; i++)
            {
                var client = new System.Net.Sockets.TcpClient();
                silent.Add(client);
                await client.ConnectAsync("127.0.0.1", house.Client.BaseAddress!.Port, TestContext.Current.CancellationToken);
                // Somebody who is known comes by their connection now and then.
                if (i % 500 == 0)
                {
                    using var known = await house.CommandAsync("help");
                    Assert.Equal(HttpStatusCode.OK, known.StatusCode);
                }
            }

            using var another = new HttpClient { BaseAddress = house.Client.BaseAddress };
            using var answer = await another.SendAsync(SlackHouse.Request("/slack/commands", Encoding.UTF8.GetBytes(SlackHouse.Command("help")), "application/x-www-form-urlencoded"), TestContext.Current.CancellationToken);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            // The first of those who said nothing had to go.
            Assert.True(await IsClosedAsync(silent[0]));
        }
        finally
        {
            silent.ForEach(client => client.Dispose());
        }
    }

    private static async Task<bool> IsClosedAsync(System.Net.Sockets.TcpClient client)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    [Fact]
    public async Task Large_bodies_of_callers_who_are_not_known_do_not_keep_small_ones_waiting()
    {
        await using var house = await SlackHouse.OpenAsync();
        var idle = new List<System.Net.Sockets.TcpClient>();
        try
        {
            for (var i = 0; i < 100; i++)
            {
                var client = new System.Net.Sockets.TcpClient();
                idle.Add(client);
                await client.ConnectAsync("127.0.0.1", house.Client.BaseAddress!.Port, TestContext.Current.CancellationToken);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST /slack/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Slack-Request-Timestamp: {SlackHouse.Now}\r\nX-Slack-Signature: v0={new string('0', 64)}\r\nContent-Length: 1048576\r\n\r\n{new string('a', 70_000)}"), TestContext.Current.CancellationToken);
            }

            using var answer = await house.CommandAsync("help");

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
        finally
        {
            foreach (var client in idle) client.Dispose();
        }
    }

    [Theory]
    [InlineData("X-Slack-Signature")]
    [InlineData("X-Slack-Request-Timestamp")]
    public async Task A_header_that_is_missing_or_doubled_is_refused(string header)
    {
        await using var house = await SlackHouse.OpenAsync();
        var body = Encoding.UTF8.GetBytes(SlackHouse.Command("help"));
        foreach (var doubled in (bool[])[false, true])
        {
            using var request = SlackHouse.Request("/slack/commands", body, "application/x-www-form-urlencoded");
            var value = request.Headers.GetValues(header).Single();
            request.Headers.Remove(header);
            if (doubled) request.Headers.TryAddWithoutValidation(header, [value, value]);
            using var answer = await house.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_one_mebibyte_is_too_large_with_and_without_a_length(bool chunked)
    {
        await using var house = await SlackHouse.OpenAsync();
        var body = Encoding.ASCII.GetBytes("payload=" + new string('A', 3 * 1024 * 1024));
        using var request = SlackHouse.Request("/slack/interactivity", body, "application/x-www-form-urlencoded");
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = true;

        HttpStatusCode status;
        try
        {
            using var answer = await house.Client.SendAsync(request);
            status = answer.StatusCode;
        }
        catch (HttpRequestException cut) when (cut.InnerException is IOException)
        {
            // The answer was sent and the connection closed while we were still writing; the log has the status.
            await house.UntilAsync(() => house.Log.Lines.Any(line => line.Contains("413", StringComparison.Ordinal)), "413 is logged");
            status = HttpStatusCode.RequestEntityTooLarge;
        }

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Equal(0, house.Slow.Begun);
    }

    [Fact]
    public async Task A_body_of_exactly_one_mebibyte_is_taken()
    {
        await using var house = await SlackHouse.OpenAsync();
        var body = new byte[1024 * 1024];
        Array.Fill(body, (byte)'a');
        foreach (var chunked in (bool[])[false, true])
        {
            using var request = SlackHouse.Request("/slack/events", body, "application/json");
            request.Headers.TransferEncodingChunked = chunked;
            using var answer = await house.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("/slack/commands", "application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/slack/interactivity", "application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/slack/events", "application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/slack/events", "text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("/slack/events", "application/json; charset=utf-8", HttpStatusCode.OK)]
    public async Task The_kind_of_body_is_looked_at_first(string path, string mediaType, HttpStatusCode expected)
    {
        await using var house = await SlackHouse.OpenAsync();
        using var answer = await house.Client.SendAsync(SlackHouse.Request(path, "{\"type\":\"block_actions\"}"u8.ToArray(), mediaType));
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task Only_post_is_a_way_in_and_nothing_says_what_listens()
    {
        await using var house = await SlackHouse.OpenAsync();
        foreach (var path in Paths) Assert.Equal(HttpStatusCode.MethodNotAllowed, (await house.Client.GetAsync(path)).StatusCode);

        using var nowhere = await house.Client.GetAsync("/admin");
        Assert.Equal(HttpStatusCode.NotFound, nowhere.StatusCode);
        Assert.Empty(nowhere.Headers.Server);
        Assert.Equal("", await nowhere.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Signed_bytes_that_are_no_text_are_400()
    {
        await using var house = await SlackHouse.OpenAsync();
        var body = Convert.FromHexString("746f6b656e3d78267465616d5f69643d5430444241434d453126757365725f69643d5530454e47494e453126636f6d6d616e643d25324664622d61636365737326746578743dfffec326747269676765725f69643d393030312e313031312e6161616130303131");
        const string Given = "v0=5298782f5dac07261b46e7334fb0f45316fcc5eace8fe0445300eba9c590e6e9";

        using var answer = await house.Client.SendAsync(SlackHouse.Request("/slack/commands", body, "application/x-www-form-urlencoded", signature: Given));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        using var escapes = await house.FormAsync("/slack/commands", "token=x&team_id=T0DBACME1&user_id=U0ENGINE1&command=%2Fdb-access&text=%FF%FEa%ZZ&api_app_id=A0DBACCS1&trigger_id=9001.1012.aaaa0012");
        Assert.Equal(HttpStatusCode.BadRequest, escapes.StatusCode);
        Assert.Equal(0, house.Slow.Begun);
    }

    [Theory]
    [InlineData("[1,2]", HttpStatusCode.BadRequest)]
    [InlineData("nonsense", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    [InlineData("null", HttpStatusCode.BadRequest)]
    [InlineData("{\"type\":", HttpStatusCode.BadRequest)]
    [InlineData("{}", HttpStatusCode.OK)]
    [InlineData("{\"type\":7,\"team\":[],\"user\":\"x\",\"event\":[]}", HttpStatusCode.OK)]
    [InlineData("{\"\\ud800type\":1,\"\\ud800\":2,\"type\":\"event_callback\",\"team_id\":\"T0DBACME1\",\"team\":{\"\\ud800id\":1,\"id\":\"T0DBACME1\"}}", HttpStatusCode.OK)]
    [InlineData("{\"type\":\"\\ud800\",\"team_id\":\"\\udc00\"}", HttpStatusCode.OK)]
    [InlineData("{\"type\":\"event_callback\",\"type\":\"event_callback\",\"team_id\":\"T0DBACME1\",\"event\":{\"type\":\"message\",\"type\":\"message\"}}", HttpStatusCode.OK)]
    public async Task Odd_json_is_never_a_fault_of_ours(string json, HttpStatusCode expected)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var asEvent = await house.EventAsync(json);
        using var asPayload = await house.PayloadAsync(json);

        Assert.Equal((expected, expected), (asEvent.StatusCode, asPayload.StatusCode));
        Assert.Equal((0, 0), (house.Slow.Begun, house.Chat.Calls));
    }

    [Fact]
    public async Task A_thousand_brackets_deep_is_400()
    {
        await using var house = await SlackHouse.OpenAsync();
        var json = $"{{\"type\":\"x\",\"a\":{new string('[', 1000)}{new string(']', 1000)}}}";

        Assert.Equal(HttpStatusCode.BadRequest, (await house.EventAsync(json)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await house.PayloadAsync(json)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await house.FormAsync("/slack/interactivity", "x=1")).StatusCode);
    }

    [Fact]
    public async Task A_certificate_check_is_answered_and_smuggles_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();

        using var check = await house.FormAsync("/slack/commands", "ssl_check=1&" + SlackHouse.Command("orders read 30m because x12345"));
        using var unsigned = await house.Client.PostAsync("/slack/interactivity", new StringContent("ssl_check=1&payload=%7B%22type%22%3A%22block_actions%22%7D", Encoding.UTF8, "application/x-www-form-urlencoded"));

        Assert.Equal((HttpStatusCode.OK, ""), (check.StatusCode, await check.Content.ReadAsStringAsync()));
        Assert.Equal(HttpStatusCode.Unauthorized, unsigned.StatusCode);
        Assert.Equal(0, house.Slow.Begun);
    }
}
