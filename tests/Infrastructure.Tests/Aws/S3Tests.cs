using System.Net;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.S3;
using DbAccess.Infrastructure.Tests.Files;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>Credentials and policy in S3.</summary>
public sealed class S3Tests(MotoFixture moto) : IAsyncLifetime
{
    private const string Password = "MARKER-never-shown-7";
    private const string Good = $$"""{"host":"db.internal","port":5432,"username":"dbaccess_admin","password":"{{Password}}","readers":["db-ro:5433"]}""";

    private static readonly ClusterName Cluster = ClusterName.Parse("orders-prod")!;

    private readonly string _bucket = MotoFixture.Unique("dbaccess");
    private readonly AwsWire _wire = new();
    private readonly FakeTimeProvider _clock = new(Some.Now);
    private readonly LogLines _log = new();
    private AmazonS3Client _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _client = _wire.S3(await moto.EndpointAsync());
        await _client.PutBucketAsync(
            new PutBucketRequest { BucketName = _bucket, PutBucketConfiguration = new() { LocationConstraint = BucketLocationConstraint.FindValue("eu-west-1") } }, Stop);
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _log.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Credentials_are_found_under_the_prefix_and_decrypted_by_S3()
    {
        await PutAsync("admin/orders-prod.json", Good, kms: true);

        var credential = (await Credentials("admin/").FindAsync(Cluster, false, Stop)).Value;

        Assert.Equal(("db.internal", 5432, "verify-full", "postgres"), (credential.Host, credential.Port, credential.SslMode, credential.Database));
        Assert.Equal(Password, credential.Password.Reveal());
        Assert.Equal(["db-ro:5433"], credential.Readers);
    }

    [Fact]
    public async Task A_rotated_password_counts_after_30_seconds_or_when_it_is_asked_for_anew()
    {
        var credentials = Credentials("");
        await PutAsync("orders-prod.json", Good);
        await credentials.FindAsync(Cluster, false, Stop);
        await PutAsync("orders-prod.json", Good.Replace(Password, "second", StringComparison.Ordinal));

        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(Password, await PasswordAsync(fresh: false));
        Assert.Equal("second", await PasswordAsync(fresh: true));
        await PutAsync("orders-prod.json", Good.Replace(Password, "third", StringComparison.Ordinal));
        Assert.Equal("second", await PasswordAsync(fresh: false));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal("third", await PasswordAsync(fresh: false));

        async Task<string> PasswordAsync(bool fresh) => (await credentials.FindAsync(Cluster, fresh, Stop)).Value.Password.Reveal();
    }

    [Theory]
    [InlineData("{\"password\": \"" + Password + "\",\n" + Password + "\n}", "it is not JSON from line 2 on")]
    [InlineData("[\"" + Password + "\"]", "it is not a JSON object")]
    [InlineData("{\"password\":\"" + Password + "\"}", "host is missing; username is missing; port is missing")]
    [InlineData(null, "it is longer than 64 KiB")]
    public async Task Content_that_cannot_be_understood_is_refused_without_showing_any_of_it(string? content, string words)
    {
        await PutAsync("orders-prod.json", content ?? Good + new string(' ', 64 * 1024));

        var refusal = (await Credentials("").FindAsync(Cluster, false, Stop)).Refusal!;

        Assert.Equal("credentials.malformed", refusal.Code);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"orders-prod (s3://{_bucket}/orders-prod.json)", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_missing_is_said_by_its_kind()
    {
        var key = (await Credentials("").FindAsync(Cluster, false, Stop)).Refusal!;
        var bucket = (await new S3AdminCredentials(_client, MotoFixture.Unique("nowhere"), "", _clock).FindAsync(Cluster, false, Stop)).Refusal!;

        Assert.Equal(("credentials.missing", true), (key.Code, key.Message.Contains("there is no such object", StringComparison.Ordinal)));
        Assert.Equal(("credentials.unreadable", true), (bucket.Code, bucket.Message.Contains("there is no such bucket", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("AccessDenied", HttpStatusCode.Forbidden, "needs s3:GetObject there, kms:Decrypt")]
    [InlineData("ExpiredToken", HttpStatusCode.BadRequest, "have expired")]
    [InlineData("SignatureDoesNotMatch", HttpStatusCode.Forbidden, "does not accept the credentials")]
    [InlineData("RequestTimeTooSkewed", HttpStatusCode.Forbidden, "clock")]
    [InlineData("SlowDown", HttpStatusCode.ServiceUnavailable, "throttling")]
    [InlineData("InternalError", HttpStatusCode.InternalServerError, "InternalError (HTTP 500")]
    public async Task What_AWS_refuses_is_said_in_words_without_its_own(string code, HttpStatusCode status, string words)
    {
        await PutAsync("orders-prod.json", Good);
        _wire.FailS3(code, status, $"The canonical request was {AwsWire.SessionToken}");

        var refusal = (await Credentials("").FindAsync(Cluster, false, Stop)).Refusal!;

        Assert.Equal("credentials.unreadable", refusal.Code);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", refusal.ToString(), StringComparison.Ordinal);
        // A refusal is not remembered.
        Assert.Null((await Credentials("").FindAsync(Cluster, false, Stop)).Refusal);
    }

    [Fact]
    public async Task A_cancelled_question_stays_cancelled() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Credentials("").FindAsync(Cluster, false, new CancellationToken(canceled: true)));

    [Fact]
    public async Task A_changed_policy_counts_after_the_look_that_the_next_question_sets_off()
    {
        var source = await StartAsync();
        await PutAsync("policy.yaml", PolicyTexts.With("id: r,", "id: another,"));

        await AskAsync(source, after: 9);
        Assert.Equal("r", source.Current.Allow[0].Id);
        await AskAsync(source, after: 1);

        Assert.Equal("another", source.Current.Allow[0].Id);
        Assert.Equal(_clock.GetUtcNow(), source.LoadedAt);
        Assert.Null(source.LastFault);
    }

    [Fact]
    public async Task An_unchanged_policy_is_not_read_again_and_looked_for_at_most_every_ten_seconds()
    {
        var source = await StartAsync();
        _wire.Forget();
        for (var i = 0; i < 30; i++) await AskAsync(source, after: 1);

        Assert.Equal(["GET", "GET", "GET"], _wire.Operations);
        Assert.Equal(Some.Now, source.LoadedAt);
        Assert.DoesNotContain(_log.Of(LogLevel.Information), line => line.Contains("is in force", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_bad_or_missing_policy_keeps_the_last_good_one_says_so_once_and_a_good_one_heals_it()
    {
        var source = await StartAsync();
        await PutAsync("policy.yaml", PolicyTexts.With("cluster: main", "cluster: mian"));
        for (var i = 0; i < 3; i++) await AskAsync(source);

        Assert.Equal("r", source.Current.Allow[0].Id);
        Assert.Contains("'mian'", source.LastFault, StringComparison.Ordinal);
        Assert.Equal(2, _log.Of(LogLevel.Error).Count);

        await _client.DeleteObjectAsync(_bucket, "policy.yaml", Stop);
        for (var i = 0; i < 3; i++) await AskAsync(source);
        Assert.Equal("there is no such object", source.LastFault);
        Assert.Equal(4, _log.Of(LogLevel.Error).Count);

        _wire.FailS3("AccessDenied", HttpStatusCode.Forbidden);
        await AskAsync(source);
        Assert.Contains("denies it", source.LastFault, StringComparison.Ordinal);

        // The very same object as at the start, too: its tag has not changed, but what was said about it has to be taken back.
        await PutAsync("policy.yaml", PolicyTexts.Small);
        await AskAsync(source);
        Assert.Null(source.LastFault);
        Assert.Equal("r", source.Current.Allow[0].Id);
    }

    [Fact]
    public async Task A_question_never_waits_for_S3()
    {
        var source = await StartAsync();
        var release = new TaskCompletionSource();
        _wire.After("GET", () => release.Task);
        await PutAsync("policy.yaml", PolicyTexts.With("id: r,", "id: another,"));
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal("r", source.Current.Allow[0].Id);
        Assert.False(source.Looking.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal("r", source.Current.Allow[0].Id);

        release.SetResult();
        await source.Looking;
        Assert.Equal("another", source.Current.Allow[0].Id);
    }

    [Fact]
    public async Task A_start_tells_every_fault_of_the_policy_and_what_kept_it_from_being_read()
    {
        await PutAsync("bad.yaml", PolicyTexts.With("cluster: main", "cluster: mian"));
        var settings = new Settings(new ConfigurationBuilder().Build());

        Read("bad.yaml");
        Read("missing.yaml");
        S3Registration.ReadAtStart(() => AwsClients.Create<IAmazonS3>(() => throw new Amazon.Runtime.AmazonClientException("No RegionEndpoint")), settings, $"s3://{_bucket}/x");

        Assert.Equal(
            [
                $"Policy:Path (s3://{_bucket}/bad.yaml) line 4: databases.orders.cluster names 'mian', which is not a cluster; did you mean 'main'?",
                $"Policy:Path is 's3://{_bucket}/missing.yaml', which cannot be read: there is no such object.",
                $"Policy:Path is 's3://{_bucket}/x'. The AWS region is not known: set AWS_REGION (and AWS_ENDPOINT_URL where AWS is emulated).",
            ],
            settings.Faults);

        void Read(string key) => S3Registration.ReadAtStart(() => _wire.S3(new Uri(_client.Config.ServiceURL)), settings, $"s3://{_bucket}/{key}");
    }

    private S3AdminCredentials Credentials(string prefix) => new(_client, _bucket, prefix, _clock);

    private async Task<S3PolicySource> StartAsync()
    {
        await PutAsync("policy.yaml", PolicyTexts.Small);
        var settings = new Settings(new ConfigurationBuilder().Build());
        var (bucket, key, start, etag) = S3Registration.ReadAtStart(() => _wire.S3(new Uri(_client.Config.ServiceURL)), settings, $"s3://{_bucket}/policy.yaml");
        Assert.Empty(settings.Faults);
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(_log));
        return new S3PolicySource(_client, bucket, key, start, etag, _clock, factory.CreateLogger<S3PolicySource>());
    }

    private async Task AskAsync(S3PolicySource source, int after = 10)
    {
        _clock.Advance(TimeSpan.FromSeconds(after));
        _ = source.Current;
        await source.Looking;
    }

    private Task PutAsync(string key, string content, bool kms = false) => _client.PutObjectAsync(
        new PutObjectRequest
        {
            BucketName = _bucket, Key = key, InputStream = new MemoryStream(Encoding.UTF8.GetBytes(content)),
            ServerSideEncryptionMethod = kms ? ServerSideEncryptionMethod.AWSKMS : null,
        },
        Stop);
}
