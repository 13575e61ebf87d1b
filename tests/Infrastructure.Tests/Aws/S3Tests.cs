using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
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
    private readonly CapturedLog _log = new();
    private AmazonS3Client _client = null!;
    private Uri _emulator = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _emulator = await moto.EndpointAsync();
        _client = _wire.S3(_emulator);
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
    [InlineData("AccessDenied", HttpStatusCode.Forbidden, "needs s3:GetObject there and kms:Decrypt for the bucket's key; or the object is simply missing")]
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
    public async Task A_policy_that_cannot_be_read_is_not_called_faulty_and_is_said_once_in_two_minutes_whatever_number_each_request_has()
    {
        var source = await StartAsync();
        for (var i = 0; i < 13; i++)
        {
            _wire.FailS3("InternalError", HttpStatusCode.InternalServerError, request: $"R{i}");
            await AskAsync(source);
        }

        Assert.Contains("InternalError (HTTP 500), request R0", source.LastFault, StringComparison.Ordinal);
        Assert.Equal(["since 0 s", "since 120 s"], _log.Of(LogLevel.Error).Select(line => Regex.Match(line, "since [0-9]+ s", RegexOptions.None, TimeSpan.FromSeconds(1)).Value));
        Assert.DoesNotContain(_log.Of(LogLevel.Error), line => line.Contains("Faults:", StringComparison.Ordinal));
        await AskAsync(source);
        Assert.Null(source.LastFault);
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
        _clock.Advance(TimeSpan.FromSeconds(14));
        Assert.Equal("r", source.Current.Allow[0].Id);

        release.SetResult();
        await source.Looking;
        Assert.Equal("another", source.Current.Allow[0].Id);
    }

    [Fact]
    public async Task An_object_that_stops_in_the_middle_is_given_up_after_15_seconds_and_looked_for_again()
    {
        var source = await StartAsync();
        await PutAsync("policy.yaml", PolicyTexts.With("id: r,", "id: another,"));
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _wire.Stall(begun);
        _clock.Advance(TimeSpan.FromSeconds(10));
        _ = source.Current;
        await begun.Task.WaitAsync(Patience.Limit, Stop);

        _clock.Advance(TimeSpan.FromSeconds(15));
        await source.Looking.WaitAsync(Patience.Limit, Stop);

        Assert.Contains("within 15 seconds", source.LastFault, StringComparison.Ordinal);
        await AskAsync(source);
        Assert.Equal("another", source.Current.Allow[0].Id);
        Assert.Null(source.LastFault);
    }

    [Fact]
    public async Task A_start_tells_every_fault_of_the_policy_and_what_kept_it_from_being_read_and_only_the_settings_own_faults_end_it()
    {
        await PutAsync("bad.yaml", PolicyTexts.With("cluster: main", "cluster: mian"));
        var settings = new Settings(new ConfigurationBuilder().Build());

        var (bad, missing) = (Read("bad.yaml"), Read("missing.yaml"));
        _wire.FailS3("AccessDenied", HttpStatusCode.Forbidden);
        var denied = Read("bad.yaml");
        S3Registration.ReadAtStart(() => _client, settings, "s3://nothing");
        S3Registration.ReadAtStart(() => AwsClients.Create<IAmazonS3>(() => throw new Amazon.Runtime.AmazonClientException("No RegionEndpoint")), settings, $"s3://{_bucket}/x");

        Assert.Equal(
            [
                "Policy:Path is 's3://nothing'; an object in S3 is named s3://bucket/key.",
                $"Policy:Path is 's3://{_bucket}/x'. The AWS region is not known: set AWS_REGION (and AWS_ENDPOINT_URL where AWS is emulated).",
            ],
            settings.Faults);
        Assert.All((PolicyStart[])[bad, missing, denied], start => Assert.Null(start.Policy));
        Assert.Equal("line 4: databases.orders.cluster names 'mian', which is not a cluster; did you mean 'main'?", Assert.Single(bad.Faults));
        Assert.Equal("there is no such object", Assert.Single(missing.Faults));
        Assert.Contains("denies it", denied.Unreadable, StringComparison.Ordinal);

        PolicyStart Read(string key) => S3Registration.ReadAtStart(() => _wire.S3(_emulator), settings, $"s3://{_bucket}/{key}").Start;
    }

    [Fact]
    public async Task A_start_without_a_usable_policy_allows_nothing_says_so_and_takes_the_first_good_one()
    {
        var source = await StartAsync(PolicyTexts.With("cluster: main", "cluster: mian"));
        source.Announce();

        Assert.Equal("policy.none", source.Missing?.Code);
        Assert.Empty(source.Current.Databases);
        Assert.Contains("'mian'", source.LastFault, StringComparison.Ordinal);
        Assert.Contains(_log.Of(LogLevel.Error), line => line.Contains("there is none in force: nothing is given", StringComparison.Ordinal));

        await PutAsync("policy.yaml", PolicyTexts.Small);
        await AskAsync(source);
        Assert.Null(source.Missing);
        Assert.Equal("r", source.Current.Allow[0].Id);
    }

    [Theory]
    [InlineData("xoxb-" + Password, null)]
    [InlineData("xoxb-" + Password + "\r\n", null)]
    [InlineData("{\"bot_token\": \"" + Password + "\"}", "is not one word")]
    [InlineData("  \n", "is not one word")]
    [InlineData("", "is not one word")]
    public async Task A_secret_of_the_settings_is_an_object_of_its_own_with_nothing_else_in_it(string content, string? fault)
    {
        await PutAsync("slack/bot-token", content);
        var settings = new Settings(new ConfigurationBuilder().Build());

        var secret = S3Registration.ReadSecretAtStart(() => _wire.S3(_emulator), settings, "Slack:BotToken", $"s3://{_bucket}/slack/bot-token");

        Assert.Equal(fault is null ? $"xoxb-{Password}" : null, secret?.Reveal());
        if (fault is null) Assert.Empty(settings.Faults);
        else Assert.Contains(fault, Assert.Single(settings.Faults), StringComparison.Ordinal);
        Assert.DoesNotContain(settings.Faults, line => line.Contains("MARKER", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_secret_of_the_settings_that_cannot_be_read_is_a_fault_that_says_where_it_was_looked_for()
    {
        var settings = new Settings(new ConfigurationBuilder().Build());
        await PutAsync("long", new string('x', 2000));

        foreach (var address in (string[])[$"s3://{_bucket}/missing", $"s3://{_bucket}/long", "s3://nothing"])
            Assert.Null(S3Registration.ReadSecretAtStart(() => _wire.S3(_emulator), settings, "Slack:SigningSecrets:1", address));

        Assert.Equal(
            [
                $"Slack:SigningSecrets:1 is 's3://{_bucket}/missing', which cannot be read: there is no such object.",
                $"Slack:SigningSecrets:1 is kept at 's3://{_bucket}/long', and what is there is not one word: the object holds the secret and nothing else.",
                "Slack:SigningSecrets:1 is 's3://nothing'; an object in S3 is named s3://bucket/key.",
            ],
            settings.Faults);
    }

    private S3AdminCredentials Credentials(string prefix) => new(_client, _bucket, prefix, _clock);

    private async Task<S3PolicySource> StartAsync(string? policy = null)
    {
        await PutAsync("policy.yaml", policy ?? PolicyTexts.Small);
        var settings = new Settings(new ConfigurationBuilder().Build());
        var (bucket, key, start, etag) = S3Registration.ReadAtStart(() => _wire.S3(_emulator), settings, $"s3://{_bucket}/policy.yaml");
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
