using Amazon.KeyManagementService.Model;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Infrastructure.Seals;
using DbAccess.Infrastructure.Tests.Aws;
using DbAccess.Infrastructure.Tests.Files;
using DbAccess.TestKit.Aws;
using Microsoft.Extensions.Configuration;

namespace DbAccess.Infrastructure.Tests.Seals;

/// <summary>Wherever the key of the seals is kept.</summary>
public abstract class SealKeyContract : IAsyncLifetime
{
    protected const string Setting = "Grants:SealKey";

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected abstract Task<string> PlaceAsync();

    private protected abstract SealKey? Open(Settings settings, string place, bool make = true);

    /// <summary>Another one at the same place, and what is told of it.</summary>
    protected abstract Task ReplaceAsync();

    /// <summary>It can be asked for no more; what the fault has to say.</summary>
    protected abstract Task<string> SpoilAsync();

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    [Fact]
    public async Task Every_start_finds_the_same_key_and_another_does_not_fit()
    {
        var place = await PlaceAsync();
        var first = Opened(place);
        var seal = new HmacSeal(first).Of("grant", "terms");

        Assert.Equal(HmacSeal.KeyBytes, first.Length);
        Assert.True(new HmacSeal(Opened(place)).Fits("grant", "terms", seal));
        await ReplaceAsync();
        Assert.False(new HmacSeal(Opened(place)).Fits("grant", "terms", seal));
        // While it is being changed, what the former key sealed is ours.
        Assert.True(new HmacSeal(Opened(place), first).Fits("grant", "terms", seal));
        Assert.NotEqual(seal, new HmacSeal(Opened(place), first).Of("grant", "terms"));
    }

    [Fact]
    public async Task One_that_cannot_be_used_is_a_fault_that_names_the_setting_and_the_place()
    {
        var place = await PlaceAsync();
        var key = Opened(place);
        var words = await SpoilAsync();
        var settings = new Settings(new ConfigurationBuilder().Build());

        Assert.Null(Open(settings, place));

        var fault = Assert.Single(settings.Faults);
        Assert.StartsWith($"{Setting} is '{place}'", fault, StringComparison.Ordinal);
        Assert.Contains(words, fault, StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(key), fault, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", fault, StringComparison.Ordinal);
    }

    private byte[] Opened(string place)
    {
        var settings = new Settings(new ConfigurationBuilder().Build());
        var key = Open(settings, place);
        Assert.Empty(settings.Faults);
        return key!.Key;
    }
}

public sealed class FileSealKeyTests : SealKeyContract
{
    private readonly TemporaryDirectory _folder = new();

    private string Path => _folder.File("seal-key");

    protected override Task<string> PlaceAsync() => Task.FromResult(Path);

    private protected override SealKey? Open(Settings settings, string place, bool make = true) => SealKeyFile.Open(settings, Setting, place, make);

    protected override Task ReplaceAsync()
    {
        File.Delete(Path);
        return Task.CompletedTask;
    }

    protected override async Task<string> SpoilAsync()
    {
        await File.WriteAllTextAsync(Path, "MARKER", Stop);
        return "holds no key";
    }

    [Fact]
    public void A_former_one_that_is_not_there_is_not_made()
    {
        var settings = new Settings(new ConfigurationBuilder().Build());

        Assert.Null(Open(settings, Path, make: false));

        Assert.Contains("cannot be read", Assert.Single(settings.Faults), StringComparison.Ordinal);
        Assert.False(File.Exists(Path));
    }

    public override ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public override ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

public sealed class S3SealKeyTests(MotoFixture moto) : SealKeyContract
{
    private readonly string _bucket = MotoFixture.Unique("dbaccess");
    private readonly AwsWire _wire = new();
    private Uri _emulator = null!;

    protected override Task<string> PlaceAsync() => Task.FromResult($"s3://{_bucket}/seal/key");

    private protected override SealKey? Open(Settings settings, string place, bool make = true) =>
        S3SealKey.Open(() => _wire.S3(_emulator), settings, Setting, place, make);

    protected override Task ReplaceAsync() => OnBucketAsync(client => client.DeleteObjectAsync(_bucket, "seal/key", Stop));

    protected override async Task<string> SpoilAsync()
    {
        await OnBucketAsync(client => client.PutObjectAsync(new PutObjectRequest { BucketName = _bucket, Key = "seal/key", ContentBody = "MARKER" }, Stop));
        return "holds no key";
    }

    [Fact]
    public async Task A_former_one_that_is_not_there_is_not_made()
    {
        var settings = new Settings(new ConfigurationBuilder().Build());

        Assert.Null(Open(settings, await PlaceAsync(), make: false));

        Assert.Single(settings.Faults);
        Assert.DoesNotContain("PUT", _wire.Operations.Skip(1));
    }

    public override async ValueTask InitializeAsync()
    {
        _emulator = await moto.EndpointAsync();
        await OnBucketAsync(client => client.PutBucketAsync(
            new PutBucketRequest { BucketName = _bucket, PutBucketConfiguration = new() { LocationConstraint = BucketLocationConstraint.FindValue("eu-west-1") } }, Stop));
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task OnBucketAsync(Func<AmazonS3Client, Task> act)
    {
        using var client = _wire.S3(_emulator);
        await act(client);
    }
}

/// <summary>An HMAC key in KMS.</summary>
public sealed class KmsSealKeyTests(MotoFixture moto) : SealKeyContract
{
    private readonly string _alias = $"alias/{MotoFixture.Unique("seal")}";
    private readonly AwsWire _wire = new();
    private Uri _emulator = null!;

    protected override async Task<string> PlaceAsync()
    {
        using var client = _wire.Kms(_emulator);
        await client.CreateAliasAsync(new CreateAliasRequest { AliasName = _alias, TargetKeyId = (await MakeAsync()).KeyId }, Stop);
        return $"kms://{_alias}";
    }

    private protected override SealKey? Open(Settings settings, string place, bool make = true) =>
        KmsSealKey.Open(() => _wire.Kms(_emulator), settings, Setting, place);

    protected override async Task ReplaceAsync()
    {
        using var client = _wire.Kms(_emulator);
        await client.UpdateAliasAsync(new UpdateAliasRequest { AliasName = _alias, TargetKeyId = (await MakeAsync()).KeyId }, Stop);
    }

    protected override async Task<string> SpoilAsync()
    {
        using var client = _wire.Kms(_emulator);
        await client.DeleteAliasAsync(new DeleteAliasRequest { AliasName = _alias }, Stop);
        return "there is no such key or alias in this region";
    }

    [Theory]
    [InlineData("id")]
    [InlineData("arn")]
    [InlineData("alias")]
    public async Task It_is_what_the_key_answers_by_whatever_name(string by)
    {
        var place = await PlaceAsync();
        using var client = _wire.Kms(_emulator);
        var made = (await client.DescribeKeyAsync(new DescribeKeyRequest { KeyId = _alias }, Stop)).KeyMetadata;
        var settings = new Settings(new ConfigurationBuilder().Build());

        var key = Open(settings, $"kms://{by switch { "id" => made.KeyId, "arn" => made.Arn, _ => _alias }}");

        Assert.Empty(settings.Faults);
        Assert.Equal(Open(settings, place)!.Key, key!.Key);
        Assert.False(key.IsNew);
    }

    [Theory]
    [InlineData("AccessDeniedException", "AWS denies it to the role of this process, which needs kms:GenerateMac on it")]
    [InlineData("DisabledException", "it is disabled")]
    [InlineData("KMSInvalidStateException", "is it to be deleted?")]
    [InlineData("ExpiredTokenException", "have expired")]
    public async Task What_AWS_refuses_is_said_in_words_without_its_own(string code, string words)
    {
        var place = await PlaceAsync();
        _wire.Fail("GenerateMac", code, message: $"The canonical request was {AwsWire.SessionToken}");
        var settings = new Settings(new ConfigurationBuilder().Build());

        Assert.Null(Open(settings, place));

        var fault = Assert.Single(settings.Faults);
        Assert.Contains(words, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kms://not a key", "is named kms://")]
    [InlineData("kms://", "is named kms://")]
    public void A_name_that_is_none_is_said(string place, string words)
    {
        var settings = new Settings(new ConfigurationBuilder().Build());

        Assert.Null(Open(settings, place));

        Assert.Contains(words, Assert.Single(settings.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_for_something_else_is_said()
    {
        using var client = _wire.Kms(_emulator);
        var other = (await client.CreateKeyAsync(new CreateKeyRequest { KeySpec = "ECC_NIST_P256", KeyUsage = "SIGN_VERIFY" }, Stop)).KeyMetadata;
        var settings = new Settings(new ConfigurationBuilder().Build());

        Assert.Null(Open(settings, $"kms://{other.KeyId}"));

        Assert.Contains("seals take one of HMAC_256", Assert.Single(settings.Faults), StringComparison.Ordinal);
    }

    public override async ValueTask InitializeAsync() => _emulator = await moto.EndpointAsync();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<KeyMetadata> MakeAsync()
    {
        using var client = _wire.Kms(_emulator);
        return (await client.CreateKeyAsync(new CreateKeyRequest { KeySpec = "HMAC_256", KeyUsage = "GENERATE_VERIFY_MAC" }, Stop)).KeyMetadata;
    }
}
