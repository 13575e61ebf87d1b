using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Demo;

/// <summary>
/// What the parts of the product are started with in AWS. <c>scripts/test-terraform</c> writes it from what Terraform made; without Terraform the
/// demo makes the same by hand.
/// </summary>
public sealed record AwsParts(string Bucket, IReadOnlyDictionary<string, string> Web, AwsFunction CreateDbUser, AwsFunction ExpireDbUsers, string BotToken, string SigningSecret)
{
    public static AwsParts Read(string path) =>
        JsonSerializer.Deserialize<AwsParts>(File.ReadAllBytes(path), JsonSerializerOptions.Web) ?? throw new InvalidOperationException($"{path} says nothing.");
}

/// <summary>
/// AWS on this machine: DynamoDB and S3 as moto emulates them, both functions as processes of the product in a local Lambda, and something that
/// plays EventBridge. DynamoDB and S3 are spoken to over TLS, as in AWS. Only loopback, only made-up keys.
/// </summary>
public sealed class AwsLocal : IAsyncDisposable
{
    private const string Region = "eu-west-1";
    private const string KeyId = "AKIDDBACCESSDEMO";

    /// <summary>EventBridge's event, with a field that nobody knows yet.</summary>
    private const string Scheduled =
        """{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","resources":[],"detail":{},"not-known-yet":1}""";

    private readonly string _secretKey = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));
    private readonly CancellationTokenSource _stop = new();
    private readonly string _directory;
    private readonly Action<string>? _onLine;
    private MotoServer? _moto;
    private Uri _emulator = null!;
    private X509Certificate2? _certificate;
    private AwsDoor _door = null!;
    private FakeLambdaService _lambda = null!;
    private Task _schedule = Task.CompletedTask;

    private AwsLocal(string directory, AwsParts? made, Action<string>? onLine)
    {
        (_directory, _onLine) = (directory, onLine);
        var (bot, signing) = ($"xoxb-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        Parts = made ?? ByHand(bot, signing);
        IsMade = made is not null;
    }

    public AwsParts Parts { get; }

    /// <summary>Somebody else made table, bucket and functions: nothing of that is made here.</summary>
    private bool IsMade { get; }

    /// <summary>Who signed the certificate of the emulated AWS; nobody else is trusted.</summary>
    private string Authority => Path.Combine(_directory, "aws-ca.crt");

    public LocalFunction CreateDbUser { get; private set; } = null!;

    public LocalFunction ExpireDbUsers { get; private set; } = null!;

    /// <summary>Lambda's Invoke, as the web application meets it.</summary>
    public FakeLambdaService Lambda => _lambda;

    /// <summary>How often the product asked for what; DynamoDB by operation, S3 by method.</summary>
    public IReadOnlyDictionary<string, int> Operations => _door.Operations;

    /// <summary>What the functions printed.</summary>
    public IEnumerable<string> Output => (CreateDbUser?.Output ?? []).Concat(ExpireDbUsers?.Output ?? []);

    /// <summary>How often the clock of EventBridge strikes here.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(3);

    public string SecretKey => _secretKey;

    /// <param name="made">What somebody else made, on the AWS that <c>AWS_ENDPOINT_URL</c> names; null makes all of it here.</param>
    /// <param name="put">Objects of the bucket, by key.</param>
    /// <param name="startSlack">Starts the stand-in for Slack with the app's secrets and says where it is.</param>
    /// <exception cref="InvalidOperationException">There is no emulator; says what to do.</exception>
    public static async Task<AwsLocal> StartAsync(string directory, AwsParts? made, IReadOnlyDictionary<string, byte[]> put, Func<AwsParts, Task<Uri>> startSlack, Action<string>? onLine)
    {
        var aws = new AwsLocal(directory, made, onLine);
        try
        {
            await aws.OpenAsync();
            var slack = await startSlack(aws.Parts);
            if (!aws.IsMade)
            {
                await aws.PutAsync("", Encoding.UTF8.GetBytes($"<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{Region}</LocationConstraint></CreateBucketConfiguration>"));
                // As an editor leaves them.
                await aws.PutAsync("slack/bot-token", Encoding.UTF8.GetBytes($"{aws.Parts.BotToken}\n"));
                await aws.PutAsync("slack/signing-secret", Encoding.UTF8.GetBytes($"{aws.Parts.SigningSecret}\n"));
            }

            foreach (var (key, content) in put) await aws.PutAsync(key, content);
            if (!aws.IsMade)
            {
                var (exit, _, error) = await DbAccessProcess.RunAsync(["store", "init"], aws.Here(aws.Parts.Web, slack), directory);
                if (exit != 0) throw new InvalidOperationException($"'store init' ended with {exit}: {error}");
            }

            await aws.StartFunctionsAsync(slack);
            return aws;
        }
        catch
        {
            await aws.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the web application is started with: what AWS says, and where everything is on this machine.</summary>
    public Dictionary<string, string> Web(Uri slack) => new(Here(Parts.Web, slack), StringComparer.Ordinal)
    {
        ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
        ["Operations__Urls"] = "http://127.0.0.1:0",
        ["AWS_ENDPOINT_URL_LAMBDA"] = _lambda.Address.ToString(),
    };

    /// <summary>Puts an object into the bucket; the empty key is the bucket itself. The emulator looks at no signature.</summary>
    public async Task PutAsync(string key, byte[] content)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(_emulator, $"{Parts.Bucket}/{key}".TrimEnd('/'))) { Content = new ByteArrayContent(content) };
        request.Headers.TryAddWithoutValidation("Authorization", $"AWS4-HMAC-SHA256 Credential={KeyId}/20260101/{Region}/s3/aws4_request, SignedHeaders=host, Signature=0");
        using var answer = await http.SendAsync(request);
        if (answer.StatusCode is not HttpStatusCode.OK) throw new InvalidOperationException($"s3://{Parts.Bucket}/{key} was answered {(int)answer.StatusCode}.");
    }

    /// <summary>Whether any answer of the function says that it did this.</summary>
    public static bool Did(LocalFunction function, string step) => function.Replies.Any(reply => !reply.IsError && JsonNode.Parse(reply.Body) is JsonObject said
        && (said["steps"] is JsonArray steps ? steps.Any(one => (string?)one == step) : (int?)said[step] > 0));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _schedule.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var part in (IAsyncDisposable?[])[CreateDbUser, ExpireDbUsers, _lambda, _door, _moto])
        {
            if (part is not null) await part.DisposeAsync();
        }

        _certificate?.Dispose();
        _stop.Dispose();
    }

    private async Task OpenAsync()
    {
        if (IsMade)
        {
            var given = Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL");
            if (!Uri.TryCreate(given, UriKind.Absolute, out var emulator) || !emulator.IsLoopback) throw new InvalidOperationException("AWS_ENDPOINT_URL has to name an emulator on this machine.");
            _emulator = emulator;
        }
        else
        {
            _moto = await MotoServer.StartAsync()
                ?? throw new InvalidOperationException($"{MotoServer.NotFound}: AWS is emulated by it here. Install it (pip install 'moto[server]') so that it is in PATH.");
            _emulator = _moto.Address;
        }

        var (certificate, key) = (Path.Combine(_directory, "aws.crt"), Path.Combine(_directory, "aws.key"));
        await ServerCertificate.WriteAsync(Authority, certificate, key);
        _certificate = X509Certificate2.CreateFromPemFile(certificate, key);
        _door = await AwsDoor.OpenAsync(_emulator, _certificate);
    }

    private async Task StartFunctionsAsync(Uri slack)
    {
        CreateDbUser = await LocalFunction.StartAsync(With(Parts.CreateDbUser, slack), _directory, Patience.Limit, retries: 2, _onLine);
        ExpireDbUsers = await LocalFunction.StartAsync(With(Parts.ExpireDbUsers, slack), _directory, Patience.Limit, retries: 0, _onLine);
        _lambda = new FakeLambdaService(_secretKey, Region)
        {
            Functions = [Parts.CreateDbUser.Name],
            Accepted = json =>
            {
                CreateDbUser.Invoke(json);
                return Task.CompletedTask;
            },
        };
        await _lambda.StartAsync();
        _schedule = Task.Run(ScheduleAsync);
    }

    private async Task ScheduleAsync()
    {
        using var clock = new PeriodicTimer(Interval);
        while (await clock.WaitForNextTickAsync(_stop.Token))
        {
            // A sweep that takes longer than the interval is not followed by a heap of others.
            if (!ExpireDbUsers.HasWaiting) ExpireDbUsers.Invoke(Scheduled);
        }
    }

    private AwsFunction With(AwsFunction function, Uri slack) => function with { Environment = Here(function.Environment, slack) };

    private Dictionary<string, string> Here(IReadOnlyDictionary<string, string> environment, Uri slack) => new(environment, StringComparer.Ordinal)
    {
        ["Slack__ApiUrl"] = new Uri(slack, "api/").ToString(),
        ["AWS_ENDPOINT_URL"] = _door.Address.ToString(),
        ["SSL_CERT_FILE"] = Authority,
        // Where the deployment has no key in KMS, the three processes share a file.
        ["Audit__Key"] = Path.Combine(_directory, "audit-key.pem"),
        ["AWS_REGION"] = Region,
        ["AWS_ACCESS_KEY_ID"] = KeyId,
        ["AWS_SECRET_ACCESS_KEY"] = _secretKey,
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    /// <summary>The same settings as deploy/terraform makes them (web.tf, functions.tf).</summary>
    private static AwsParts ByHand(string botToken, string signingSecret)
    {
        const string bucket = "dbaccess-demo";
        var common = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Installation"] = "demo",
            ["Grants__Store"] = "DynamoDb",
            ["Grants__SealKey"] = $"s3://{bucket}/seal/key",
            ["Grants__DynamoDb__Table"] = "dbaccess-grants",
            ["Credentials__Source"] = "S3",
            ["Credentials__S3__Bucket"] = bucket,
            ["Credentials__S3__Prefix"] = "credentials/",
            ["Policy__Path"] = $"s3://{bucket}/policy/access-policy.yaml",
            ["Slack__BotToken"] = $"s3://{bucket}/slack/bot-token",
            ["Slack__TeamId"] = "T0DBACME1",
            ["Slack__AppId"] = "A0DBACCS1",
            ["Sweep__Enabled"] = "false",
            ["Provisioning__Mode"] = "Lambda",
            ["Provisioning__Lambda__Function"] = "dbaccess-create-db-user",
        };
        var web = new Dictionary<string, string>(common, StringComparer.Ordinal) { ["Slack__SigningSecrets__0"] = $"s3://{bucket}/slack/signing-secret" };
        return new AwsParts(
            bucket, web,
            new AwsFunction("dbaccess-create-db-user", ["lambda", "create-db-user"], common),
            new AwsFunction("dbaccess-expire-db-users", ["lambda", "expire-db-users"], common),
            botToken, signingSecret);
    }
}
