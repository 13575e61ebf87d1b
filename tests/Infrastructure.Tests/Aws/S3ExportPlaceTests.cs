using System.Net;
using System.Text;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Evidence;
using DbAccess.Infrastructure.Tests.Evidence;
using DbAccess.Infrastructure.Tests.Files;
using DbAccess.TestKit.Aws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>Exports in a bucket with object lock.</summary>
public sealed class S3ExportPlaceTests(MotoFixture moto) : ExportPlaceContract, IAsyncLifetime
{
    private readonly string _bucket = MotoFixture.Unique("evidence");
    private readonly AwsWire _wire = new();
    private AmazonS3Client _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _client = _wire.S3(await moto.EndpointAsync());
        await _client.PutBucketAsync(new PutBucketRequest
        {
            BucketName = _bucket, ObjectLockEnabledForBucket = true,
            PutBucketConfiguration = new() { LocationConstraint = BucketLocationConstraint.FindValue("eu-west-1") },
        }, Stop);
        await _client.PutObjectLockConfigurationAsync(new PutObjectLockConfigurationRequest
        {
            BucketName = _bucket,
            ObjectLockConfiguration = new ObjectLockConfiguration
            {
                ObjectLockEnabled = ObjectLockEnabled.Enabled,
                Rule = new ObjectLockRule { DefaultRetention = new DefaultRetention { Mode = ObjectLockRetentionMode.Compliance, Days = 400 } },
            },
        }, Stop);
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_answer_that_is_lost_is_no_alarm_when_it_is_tried_again()
    {
        _wire.LoseAnswer("PUT");
        await Assert.ThrowsAsync<ExportException>(async () => await (await OpenAsync()).TryAddAsync("log/a", Lines("line\n"), Stop));

        Assert.True(await (await OpenAsync()).TryAddAsync("log/a", Lines("line\n"), Stop));
    }

    [Fact]
    public async Task What_breaks_off_in_the_middle_of_a_large_day_leaves_no_parts()
    {
        async IAsyncEnumerable<string> Large()
        {
            await Task.CompletedTask;
            for (var i = 0; i < 9; i++) yield return new string('x', 1024 * 1024);
            throw new InvalidDataException("not what was signed");
        }

        await Assert.ThrowsAsync<InvalidDataException>(async () => await (await OpenAsync()).TryAddAsync("log/a", Large(), Stop));

        Assert.Empty((await _client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = _bucket }, Stop)).MultipartUploads ?? []);
    }

    [Theory]
    [InlineData(HttpStatusCode.BadGateway)]
    [InlineData(null)]
    public async Task What_S3_does_not_take_is_said_in_words(HttpStatusCode? status)
    {
        _wire.Break("PUT", status);

        var fault = await Assert.ThrowsAsync<ExportException>(async () => await (await OpenAsync()).TryAddAsync("log/a", Lines("line\n"), Stop));

        Assert.StartsWith($"s3://{_bucket}/exports/log/a cannot be written: AWS ", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_is_said()
    {
        var place = new S3ExportPlace(_client, MotoFixture.Unique("nowhere"), "");

        Assert.Contains("there is no such bucket", (await Assert.ThrowsAsync<ExportException>(() => place.TryAddAsync("log/a", Lines("x"), Stop))).Message, StringComparison.Ordinal);
        Assert.Contains("there is no such bucket", (await Assert.ThrowsAsync<ExportException>(() => place.PutAsync("key.pem", "x", Stop))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_is_verified_where_it_is()
    {
        using var log = new SyntheticLog();
        using var folder = new TemporaryDirectory();
        log.Export(folder.Path);
        foreach (var path in Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories))
            await (await OpenAsync()).TryAddAsync(Path.GetRelativePath(folder.Path, path), Lines(await File.ReadAllTextAsync(path, Stop)), Stop);
        var key = SyntheticLog.KeyOf(log.Old);

        var verdict = await (await FolderAsync()).VerifyAsync([key], [], null, Stop);
        Assert.Equal((null, (long)log.Size, 3), (verdict.Fault, verdict.Events, verdict.Checkpoints));

        // Whoever puts a version of their own over it is seen through; the lock keeps the old one.
        await _client.PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = $"exports/{SyntheticLog.Day(1)}", ContentBody = "{}\n" }, Stop);
        Assert.Equal($"{SyntheticLog.Day(1)} line 1 is not an event", (await (await FolderAsync()).VerifyAsync([key], [], null, Stop)).Fault);
        Assert.Equal(2, (await _client.ListVersionsAsync(_bucket, $"exports/{SyntheticLog.Day(1)}", Stop)).Versions.Count);
    }

    [Fact]
    public async Task An_export_with_more_files_than_a_page_lists_all_of_them()
    {
        for (var i = 0; i < 7; i++) await _client.PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = $"exports/{i:D4}", ContentBody = "" }, Stop);

        Assert.Equal(7, (await new S3Export(_client, new ExportAddress(_bucket, "exports/")) { Page = 3 }.ListAsync(Stop)).Count);
    }

    [Fact]
    public async Task Nothing_to_verify_is_said()
    {
        var empty = await Assert.ThrowsAsync<IOException>(FolderAsync);
        var nowhere = await Assert.ThrowsAsync<IOException>(() => ExportFolder.OfAsync(new S3Export(_client, new ExportAddress(MotoFixture.Unique("nowhere"), "")), Stop));
        var misnamed = await Assert.ThrowsAsync<IOException>(() => ExportFolder.FindAsync("s3://", Stop));

        Assert.Equal($"there is nothing at s3://{_bucket}/exports/", empty.Message);
        Assert.Contains("cannot be listed: there is no such bucket", nowhere.Message, StringComparison.Ordinal);
        Assert.Equal("'s3://' is no place in S3, such as s3://bucket/prefix", misnamed.Message);
    }

    [Theory]
    [InlineData("", null, null)]
    [InlineData("/srv/evidence", "/srv/evidence", null)]
    [InlineData("s3://acme-evidence", "s3://acme-evidence/", null)]
    [InlineData("s3://acme-evidence/", "s3://acme-evidence/", null)]
    [InlineData("s3://acme-evidence/dbaccess/prod", "s3://acme-evidence/dbaccess/prod/", null)]
    [InlineData("s3://acme-evidence/dbaccess/prod/", "s3://acme-evidence/dbaccess/prod/", null)]
    [InlineData("s3://acme-evidence//prod", null, "Audit:Export is 's3://acme-evidence//prod'; a place in S3 is named s3://bucket/prefix.")]
    [InlineData("s3://", null, "Audit:Export is 's3://'; a place in S3 is named s3://bucket/prefix.")]
    public void The_setting_names_the_place(string value, string? place, string? fault)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new("Audit:Export", value)]).Build());
        var services = new ServiceCollection().AddSingleton<IAmazonS3>(_client).AddEvidence(settings, keepsFiles: true);
        using var provider = services.BuildServiceProvider();

        Assert.Equal(place, provider.GetRequiredService<ExportTerms>().Place?.Name);
        Assert.Equal(fault is null ? [] : [fault], settings.Faults);
    }

    [Theory]
    [InlineData(null, 400, null)]
    [InlineData("400d", 400, null)]
    [InlineData("3650d", 3650, null)]
    [InlineData("12h", 400, "Retention:Ended is '12h'; it must be a length of time from 1.00:00:00 to 36500.00:00:00.")]
    public void How_long_what_is_over_is_kept_is_said_in_days(string? value, int days, string? fault)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new("Retention:Ended", value)]).Build());
        using var provider = new ServiceCollection().AddEvidence(settings, keepsFiles: true).BuildServiceProvider();

        Assert.Equal(TimeSpan.FromDays(days), provider.GetRequiredService<ExportTerms>().KeepEnded);
        Assert.Equal(fault is null ? [] : [fault], settings.Faults);
    }

    private protected override Task<IExportPlace> OpenAsync() => Task.FromResult<IExportPlace>(new S3ExportPlace(_client, _bucket, "exports/"));

    private protected override async Task<string> ReadAsync(string path)
    {
        using var answer = await _client.GetObjectAsync(_bucket, "exports/" + path, Stop);
        using var reader = new StreamReader(answer.ResponseStream, Encoding.UTF8);
        return await reader.ReadToEndAsync(Stop);
    }

    private protected override async Task<IReadOnlyList<string>> ListAsync() =>
        [.. ((await _client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _bucket, Prefix = "exports/" }, Stop)).S3Objects ?? []).Select(found => found.Key["exports/".Length..])];

    private Task<ExportFolder> FolderAsync() => ExportFolder.OfAsync(new S3Export(_client, new ExportAddress(_bucket, "exports/")), Stop);
}
