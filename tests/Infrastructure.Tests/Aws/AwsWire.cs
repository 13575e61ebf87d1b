using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Amazon.DynamoDBv2;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.S3;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>The wire between a client and AWS: counts what goes over it, and does to it what wires do.</summary>
internal sealed partial class AwsWire
{
    /// <summary>The secret key and session token that every client here signs with; no error may show them.</summary>
    public const string SecretKey = "MARKER-secret-key";
    public const string SessionToken = "MARKER-session-token";

    private readonly ConcurrentQueue<(string Operation, Func<HttpRequestMessage, Func<Task<HttpResponseMessage>>, Task<HttpResponseMessage>> Act)> _acts = new();
    private readonly ConcurrentQueue<(string Operation, string Body)> _sent = new();
    private readonly ConcurrentQueue<(string Operation, string Date)> _dates = new();

    /// <summary>What went over it so far; for DynamoDB the operation, for S3 the method.</summary>
    public IReadOnlyList<string> Operations => [.. _sent.Select(sent => sent.Operation)];

    public IReadOnlyList<string> BodiesOf(string operation) => [.. _sent.Where(sent => sent.Operation == operation).Select(sent => sent.Body)];

    public void Forget() => _sent.Clear();

    /// <summary>
    /// For filling a table: what a transaction puts goes as one batch, what it updates one by one, and no condition is looked at. The emulator copies
    /// the whole table for every item of a transaction, so that filling one by transactions takes the square of what is put into it.
    /// </summary>
    public bool Fills { get; init; }

    /// <summary>Stands before and behind every request (over: behind), for what a process may meet there. It may throw, as the request then does.</summary>
    public Func<bool, Task>? At { get; set; }

    /// <summary>The next request of the kind is answered with HTTP 5xx, or not at all, this many times.</summary>
    public void Break(string operation, HttpStatusCode? status, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _acts.Enqueue((operation, (_, _) => status is { } code
                ? Task.FromResult(new HttpResponseMessage(code) { Content = new StringContent("<html>bad gateway</html>", Encoding.UTF8, "text/html") })
                : throw new TaskCanceledException("The request timed out.", new TimeoutException())));
        }
    }

    /// <summary>The next request of the kind is answered by somebody whose clock shows something else.</summary>
    public void Skew(string operation, TimeSpan by) => _acts.Enqueue((operation, (_, _) =>
    {
        var answer = new HttpResponseMessage(HttpStatusCode.BadRequest)
        {
            Content = new StringContent("""{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}""", Encoding.UTF8, "application/x-amz-json-1.0"),
        };
        answer.Headers.Date = DateTimeOffset.UtcNow + by;
        return Task.FromResult(answer);
    }));

    /// <summary>When the requests of the kind said they were made.</summary>
    public IReadOnlyList<string> DatesOf(string operation) => [.. _dates.Where(sent => sent.Operation == operation).Select(sent => sent.Date)];

    /// <summary>The next request of the kind arrives and is done, and its answer is lost; <paramref name="meanwhile"/> happens before anybody asks again.</summary>
    public void LoseAnswer(string operation, Func<Task>? meanwhile = null) => _acts.Enqueue((operation, async (_, forward) =>
    {
        using var answer = await forward();
        if (meanwhile is not null) await meanwhile();
        throw new HttpRequestException("The connection was reset.");
    }));

    /// <summary>The next BatchGetItem is answered with nothing but what it asked for as not processed, this many times.</summary>
    public void LeaveUnprocessed(int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _acts.Enqueue(("BatchGetItem", async (request, _) =>
            {
                using var asked = System.Text.Json.JsonDocument.Parse(await request.Content!.ReadAsStringAsync());
                var body = $"{{\"Responses\":{{}},\"UnprocessedKeys\":{asked.RootElement.GetProperty("RequestItems").GetRawText()}}}";
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body, Encoding.UTF8, "application/x-amz-json-1.0") };
            }));
        }
    }

    /// <summary>The next request of the kind is on its way for a while, and then arrives.</summary>
    public void Delay(string operation, TaskCompletionSource begun, Task until) => _acts.Enqueue((operation, async (_, forward) =>
    {
        begun.SetResult();
        await until;
        return await forward();
    }));

    /// <summary>After the next request of the kind was answered, and before the answer arrives, something happens.</summary>
    public void After(string operation, Func<Task> meanwhile) => _acts.Enqueue((operation, async (_, forward) =>
    {
        var answer = await forward();
        await meanwhile();
        return answer;
    }));

    /// <summary>The next request of the kind is answered with something else than what was answered.</summary>
    public void Rewrite(string operation, Action<JsonNode> change) => _acts.Enqueue((operation, async (_, forward) =>
    {
        using var answer = await forward();
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        change(body);
        return new HttpResponseMessage(answer.StatusCode) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/x-amz-json-1.0") };
    }));

    /// <summary>The next object begins to come, and its rest never does.</summary>
    public void Stall(TaskCompletionSource begun) => _acts.Enqueue(("GET", (_, _) => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
    {
        Content = new StreamContent(new Stalled(begun)) { Headers = { ContentLength = 1000 } },
    })));

    /// <summary>The next <paramref name="times"/> requests of the kind are answered with an error and go no further.</summary>
    public void Fail(string operation, string code, int times = 1, string message = "no", HttpStatusCode status = HttpStatusCode.BadRequest, string more = "")
    {
        for (var i = 0; i < times; i++)
        {
            _acts.Enqueue((operation, (_, _) => Task.FromResult(new HttpResponseMessage(status)
            {
                Content = new StringContent($"{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{code}\",\"message\":\"{message}\"{more}}}", Encoding.UTF8, "application/x-amz-json-1.0"),
            })));
        }
    }

    public void FailS3(string code, HttpStatusCode status, string message = "no", string request = "R1") => _acts.Enqueue(("GET", (_, _) => Task.FromResult(new HttpResponseMessage(status)
    {
        Content = new StringContent($"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request}</RequestId></Error>", Encoding.UTF8, "application/xml"),
    })));

    public AmazonDynamoDBClient DynamoDb(Uri endpoint, int retries = 3, AWSCredentials? credentials = null)
    {
        var config = DbAccess.Infrastructure.Aws.AwsClients.DynamoDb();
        Configure(config, endpoint);
        config.MaxErrorRetry = retries;
        return new AmazonDynamoDBClient(credentials ?? new SessionAWSCredentials("AKIDTEST", SecretKey, SessionToken), config);
    }

    public AmazonS3Client S3(Uri endpoint)
    {
        var config = DbAccess.Infrastructure.Aws.AwsClients.S3();
        Configure(config, endpoint);
        config.ForcePathStyle = true;
        config.MaxErrorRetry = 0;
        return new AmazonS3Client(new SessionAWSCredentials("AKIDTEST", SecretKey, SessionToken), config);
    }

    public AmazonKeyManagementServiceClient Kms(Uri endpoint)
    {
        var config = DbAccess.Infrastructure.Aws.AwsClients.Kms();
        Configure(config, endpoint);
        config.MaxErrorRetry = 0;
        return new AmazonKeyManagementServiceClient(new SessionAWSCredentials("AKIDTEST", SecretKey, SessionToken), config);
    }

    // The AWS SDK keeps how far a clock is off for the whole process, by endpoint, and any HEAD that is refused sets it anew.
    // So every wire is an endpoint of its own to it, and goes to the same emulator.
    private readonly string _host = $"wire-{Guid.NewGuid():N}.invalid";

    private void Configure(ClientConfig config, Uri endpoint)
    {
        config.ServiceURL = new UriBuilder(endpoint) { Host = _host }.Uri.ToString();
        config.AuthenticationRegion = "eu-west-1";
        // The emulator shares this machine with everything else; only what hangs is to be cut off.
        config.Timeout = TimeSpan.FromSeconds(30);
        config.HttpClientFactory = new Factory(this, endpoint);
    }

    private sealed class Factory(AwsWire wire, Uri endpoint) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new Handler(wire, endpoint) { InnerHandler = new SocketsHttpHandler() }) { Timeout = TimeSpan.FromSeconds(60) };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        public override string? GetConfigUniqueString(IClientConfig clientConfig) => null;
    }

    private sealed class Stalled(TaskCompletionSource begun) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => 0; set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private static readonly ConcurrentDictionary<string, SemaphoreSlim> Writes = new(StringComparer.Ordinal);

    private sealed partial class Handler(AwsWire wire, Uri endpoint) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new UriBuilder(request.RequestUri!) { Host = endpoint.Host }.Uri;
            request.Headers.Host = endpoint.Authority;
            var operation = request.Headers.TryGetValues("X-Amz-Target", out var target) ? target.Single().Split('.')[1] : request.Method.Method;
            var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
            wire._sent.Enqueue((operation, body));
            wire._dates.Enqueue((operation, request.Headers.TryGetValues("X-Amz-Date", out var date) ? date.Single() : ""));
            if (wire.At is { } before) await before(false);
            var answer = wire._acts.TryPeek(out var act) && act.Operation == operation && wire._acts.TryDequeue(out act)
                // Who gives up hears nothing more; what is on its way arrives all the same.
                ? await act.Act(request, () => ForwardAsync(request, operation, body, CancellationToken.None)).WaitAsync(cancellationToken)
                : await ForwardAsync(request, operation, body, cancellationToken);
            if (wire.At is { } behind) await behind(true);
            return answer;
        }

        // The emulator undoes a transaction that fails by putting back a copy of the whole table, and with it loses what others wrote meanwhile.
        // DynamoDB does not; so here writes to a table arrive one after the other, in whatever order the race gives them. And whether an object is
        // there already it looks up first and writes then, so that of two at a time both find none.
        private async Task<HttpResponseMessage> ForwardAsync(HttpRequestMessage request, string operation, string body, CancellationToken cancellationToken)
        {
            var ifNone = request.Headers.IfNoneMatch.Count > 0;
            if (!ifNone && operation is not ("TransactWriteItems" or "PutItem" or "UpdateItem" or "DeleteItem")) return await base.SendAsync(request, cancellationToken);

            var writes = Writes.GetOrAdd(ifNone ? request.RequestUri!.AbsolutePath : Table().Match(body).Value, _ => new SemaphoreSlim(1, 1));
            await writes.WaitAsync(cancellationToken);
            try
            {
                if (wire.Fills && operation == "TransactWriteItems") return await FillAsync(request, body, cancellationToken);
                return await base.SendAsync(request, cancellationToken);
            }
            finally
            {
                writes.Release();
            }
        }

        private async Task<HttpResponseMessage> FillAsync(HttpRequestMessage request, string body, CancellationToken cancellationToken)
        {
            var items = JsonNode.Parse(body)!["TransactItems"]!.AsArray();
            foreach (var update in items.Select(item => item!["Update"]).OfType<JsonNode>()) await SendAsync("UpdateItem", update);
            foreach (var batch in items.Select(item => item!["Put"]).OfType<JsonNode>().Chunk(25))
            {
                var puts = batch.Select(put => (JsonNode)new JsonObject { ["PutRequest"] = new JsonObject { ["Item"] = put["Item"]!.DeepClone() } });
                var table = batch[0]["TableName"]!.GetValue<string>();
                await SendAsync("BatchWriteItem", new JsonObject { ["RequestItems"] = new JsonObject { [table] = new JsonArray([.. puts]) } });
            }

            return new HttpResponseMessage(HttpStatusCode.OK) { Content = Json("{}") };

            async Task SendAsync(string operation, JsonNode part)
            {
                using var write = new HttpRequestMessage(request.Method, request.RequestUri) { Content = Json(part.ToJsonString()) };
                foreach (var header in request.Headers) write.Headers.TryAddWithoutValidation(header.Key, header.Value);
                write.Headers.Remove("X-Amz-Target");
                write.Headers.Add("X-Amz-Target", $"DynamoDB_20120810.{operation}");
                using var answer = await base.SendAsync(write, cancellationToken);
                answer.EnsureSuccessStatusCode();
            }

            static StringContent Json(string text) => new(text, Encoding.UTF8, "application/x-amz-json-1.0");
        }

        [GeneratedRegex("\"TableName\":\"[^\"]+\"")]
        private static partial Regex Table();
    }
}
