using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Webhooks;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Webhooks;

public sealed class WebhookSenderTests : IDisposable
{
    private const string Key = "a secret of the two of us";

    private readonly InMemoryEvidenceLog _log = new();
    private readonly Receiver _receiver = new();
    private readonly FakeTimeProvider _clock = new(Some.Now);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _receiver.Dispose();

    [Fact]
    public async Task Every_event_is_sent_in_order_signed_and_once()
    {
        await RecordAsync(250);
        var sender = Sender();

        Assert.Equal(new Delivered(250, null, null), await sender.DeliverAsync(Stop));
        Assert.Equal(new Delivered(0, null, null), await sender.DeliverAsync(Stop));

        Assert.Equal([100, 100, 50], _receiver.Taken.Select(batch => batch.GetProperty("events").GetArrayLength()));
        Assert.Equal(Enumerable.Range(0, 250), Sequences());
        Assert.All(_receiver.Requests, request => Assert.True(IsSigned(request.Signature, request.Body)));
        Assert.Equal(250, sender.Next);
    }

    [Fact]
    public async Task An_event_has_the_shape_of_OCSF_and_what_is_sealed_stays_here()
    {
        await RecordAsync(1, outcome: "policy.forbidden");

        await Sender().DeliverAsync(Stop);

        var sent = Assert.Single(_receiver.Taken).GetProperty("events")[0];
        Assert.Equal((6003, 6, 600399, 2), (sent.GetProperty("class_uid").GetInt32(), sent.GetProperty("category_uid").GetInt32(), sent.GetProperty("type_uid").GetInt32(), sent.GetProperty("status_id").GetInt32()));
        Assert.Equal(("policy.forbidden", $"dbaccess/{Some.Installation}/0"), (sent.GetProperty("status_code").GetString(), sent.GetProperty("metadata").GetProperty("uid").GetString()));
        Assert.Equal(Some.Engineer.ToString(), sent.GetProperty("actor").GetProperty("user").GetProperty("uid").GetString());
        Assert.Equal("command.create_grant", sent.GetProperty("unmapped").GetProperty("leaf").GetProperty("type").GetString());
        Assert.DoesNotContain("why I need it", _receiver.Requests[0].Text, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, _receiver.Requests[0].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError, "it answered 500")]
    [InlineData(HttpStatusCode.Found, "it answered 302")]
    [InlineData(HttpStatusCode.Gone, "it answered 410")]
    public async Task What_is_not_taken_comes_again_and_nothing_overtakes_it(HttpStatusCode status, string why)
    {
        await RecordAsync(150);
        var sender = Sender();
        _receiver.Answers.Enqueue(HttpStatusCode.OK);
        _receiver.Answers.Enqueue(status);

        Assert.Equal(new Delivered(100, why, null), await sender.DeliverAsync(Stop));
        Assert.Equal(new Delivered(50, null, null), await sender.DeliverAsync(Stop));

        Assert.Equal([.. Enumerable.Range(0, 100), .. Enumerable.Range(100, 50), .. Enumerable.Range(100, 50)], Sequences());
    }

    [Fact]
    public async Task An_answer_that_got_lost_is_a_batch_that_comes_again()
    {
        await RecordAsync(10);
        _receiver.Fails = new HttpRequestException(HttpRequestError.ConnectionError);
        Assert.Equal("it cannot be reached (ConnectionError)", (await Sender().DeliverAsync(Stop)).Why);

        _receiver.Fails = null;
        // Another process, which died before: its lease is over.
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(10, (await Sender().DeliverAsync(Stop)).Sent);
    }

    [Fact]
    public async Task When_it_asks_for_patience_it_gets_it()
    {
        await RecordAsync(1);
        _receiver.RetryAfter = TimeSpan.FromMinutes(3);
        _receiver.Answers.Enqueue(HttpStatusCode.TooManyRequests);

        Assert.Equal(TimeSpan.FromMinutes(3), (await Sender().DeliverAsync(Stop)).RetryAfter);
    }

    [Theory]
    [InlineData("webhook:0:next", "nonsense")]
    [InlineData("webhook:0:next", "-1")]
    [InlineData("webhook:0:next", "11")]
    [InlineData("webhook:0:holder", "somebody 99999999999999")]
    [InlineData("webhook:0:holder", "somebody never")]
    public async Task A_mark_that_cannot_be_stops_nothing(string mark, string forged)
    {
        await RecordAsync(10);
        await _log.TryWriteMarkAsync(mark, null, forged, Stop);

        Assert.Equal(10, (await Sender().DeliverAsync(Stop)).Sent);

        Assert.Equal(Enumerable.Range(0, 10), Sequences());
    }

    [Fact]
    public async Task Of_two_processes_one_sends()
    {
        await RecordAsync(5);
        var (one, other) = (Sender(), Sender());

        Assert.Equal(5, (await one.DeliverAsync(Stop)).Sent);
        await RecordAsync(5);
        Assert.Equal(0, (await other.DeliverAsync(Stop)).Sent);
        Assert.Equal(5, (await one.DeliverAsync(Stop)).Sent);

        _clock.Advance(TimeSpan.FromMinutes(2));
        await RecordAsync(5);
        Assert.Equal(5, (await other.DeliverAsync(Stop)).Sent);
    }

    [Fact]
    public async Task Who_lost_events_gets_them_again_from_where_the_cursor_is_set()
    {
        await RecordAsync(20);
        var sender = Sender();
        await sender.DeliverAsync(Stop);

        Assert.True(await _log.TryWriteMarkAsync("webhook:0:next", "20", "15", Stop));
        Assert.Equal(5, (await sender.DeliverAsync(Stop)).Sent);

        Assert.Equal([.. Enumerable.Range(0, 20), .. Enumerable.Range(15, 5)], Sequences());
    }

    private WebhookSender Sender() => new(new Webhook(0, new Uri("https://siem.example/in"), new Secret(Key)), _log, new HttpClient(_receiver, disposeHandler: false),
        new Installation(Some.Installation), _clock, NullLogger<WebhookSender>.Instance);

    private IEnumerable<int> Sequences() => _receiver.Requests.SelectMany(request => request.Json.GetProperty("events").EnumerateArray())
        .Select(sent => sent.GetProperty("metadata").GetProperty("sequence").GetInt32());

    private async Task RecordAsync(int count, string outcome = "done")
    {
        for (var i = 0; i < count; i++)
            await _log.RecordAsync(new LogEvent
            {
                At = Some.Now, Type = "command.create_grant", By = new Actor.Person(Some.Engineer), Way = Way.SlackCommand, Outcome = outcome,
                What = [new Fact.Sealed("reason", "why I need it")],
            }, Stop);
        var end = await _log.ReadEndAsync(Stop);
        var first = (await _log.ReadAsync(0, Stop).ToListAsync(Stop)).Count;
        var waiting = await _log.ListUnplacedAsync(1_000, Stop);
        await _log.TryAppendAsync(end, first, [.. waiting.Select(one => (one, MerkleTree.LeafHash([1])))], end with { Checkpoint = Note(first + waiting.Count) }, Some.Now, Stop);
    }

    private static string Note(long size) => SignedCheckpoint.Of(new Checkpoint("dbaccess/test", size, new byte[32], Some.Now), new byte[4], [1]).Note();

    private static bool IsSigned(string signature, byte[] body)
    {
        var parts = signature.Split(',').ToDictionary(part => part.Split('=')[0], part => part.Split('=')[1]);
        Assert.Equal(Some.Now.ToUnixTimeSeconds(), long.Parse(parts["t"], CultureInfo.InvariantCulture));
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{parts["t"]}."), .. body];
        return parts["v1"] == Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), signed));
    }

    private sealed record Sent(string Signature, byte[] Body, bool Taken)
    {
        public string Text => Encoding.UTF8.GetString(Body);

        public JsonElement Json => JsonDocument.Parse(Body).RootElement;
    }

    private sealed class Receiver : HttpMessageHandler
    {
        public List<Sent> Requests { get; } = [];

        public IEnumerable<JsonElement> Taken => Requests.Where(request => request.Taken).Select(request => request.Json);

        public Queue<HttpStatusCode> Answers { get; } = new();

        public HttpRequestException? Fails { get; set; }

        public TimeSpan? RetryAfter { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (Fails is { } failure) throw failure;
            var status = Answers.TryDequeue(out var answer) ? answer : HttpStatusCode.OK;
            Requests.Add(new Sent(request.Headers.GetValues(Webhook.SignatureHeader).Single(), await request.Content!.ReadAsByteArrayAsync(cancellationToken), status is HttpStatusCode.OK));
            var response = new HttpResponseMessage(status);
            if (RetryAfter is { } pause) response.Headers.RetryAfter = new(pause);
            return response;
        }
    }
}
