using System.Net;
using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Evidence;
using DbAccess.Infrastructure.Tests.Evidence;
using DbAccess.Infrastructure.Tests.Files;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>The log's key in KMS.</summary>
public sealed class KmsSignerTests(MotoFixture moto) : IAsyncLifetime
{
    private readonly AwsWire _wire = new();
    private AmazonKeyManagementServiceClient _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _client = _wire.Kms(await moto.EndpointAsync());

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("id")]
    [InlineData("arn")]
    [InlineData("alias")]
    public async Task What_it_signs_fits_the_public_key_which_is_asked_for_once(string by)
    {
        var made = await MakeAsync();
        var alias = $"alias/{MotoFixture.Unique("log")}";
        await _client.CreateAliasAsync(new CreateAliasRequest { AliasName = alias, TargetKeyId = made.KeyId }, Stop);
        var signer = new KmsSigner(_client, by switch { "id" => made.KeyId, "arn" => made.Arn, _ => alias });

        var key = await signer.OpenAsync(first: true, Stop);
        const string text = "dbaccess/test\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        var signature = await signer.SignAsync(text, Stop);
        await signer.SignAsync(text, Stop);
        Assert.Equal(key.Id, (await signer.OpenAsync(first: false, Stop)).Id);

        Assert.True(key.Fits(text, signature));
        Assert.False(key.Fits(text + "more", signature));
        Assert.Equal(["GetPublicKey", "Sign", "Sign"], _wire.Operations.Where(operation => operation is "GetPublicKey" or "Sign"));
    }

    [Fact]
    public async Task An_alias_that_is_moved_does_not_sign_with_a_key_that_nobody_was_told_of()
    {
        var (first, second, alias) = (await MakeAsync(), await MakeAsync(), $"alias/{MotoFixture.Unique("log")}");
        await _client.CreateAliasAsync(new CreateAliasRequest { AliasName = alias, TargetKeyId = first.KeyId }, Stop);
        var signer = new KmsSigner(_client, alias);
        var key = await signer.OpenAsync(first: false, Stop);

        await _client.UpdateAliasAsync(new UpdateAliasRequest { AliasName = alias, TargetKeyId = second.KeyId }, Stop);

        Assert.True(key.Fits("text", await signer.SignAsync("text", Stop)));
        Assert.NotEqual(key.Id, (await new KmsSigner(_client, alias).OpenAsync(first: false, Stop)).Id);
    }

    [Theory]
    [InlineData("ECC_NIST_P384", "SIGN_VERIFY", "it is a key of ECC_NIST_P384 for SIGN_VERIFY")]
    [InlineData("ECC_SECG_P256K1", "SIGN_VERIFY", "it is a key of ECC_SECG_P256K1 for SIGN_VERIFY")]
    [InlineData("RSA_2048", "ENCRYPT_DECRYPT", "it is a key of RSA_2048 for ENCRYPT_DECRYPT")]
    public async Task A_key_of_another_kind_is_refused_in_words(string spec, string usage, string words)
    {
        var made = await MakeAsync(spec, usage);
        // The emulator knows the field by its former name only.
        _wire.Rewrite("GetPublicKey", answer => answer["KeySpec"] = spec);

        Assert.Equal($"the audit key {made.KeyId} in KMS cannot be used: {words}; the log is signed by one of ECC_NIST_P256 for SIGN_VERIFY",
            await FaultAsync(new KmsSigner(_client, made.KeyId)));
    }

    [Fact]
    public async Task A_key_on_the_curve_that_is_not_for_signing_is_refused_in_words()
    {
        var made = await MakeAsync();
        _wire.Rewrite("GetPublicKey", answer => (answer["KeySpec"], answer["KeyUsage"]) = ("ECC_NIST_P256", "KEY_AGREEMENT"));

        Assert.Contains("it is a key of ECC_NIST_P256 for KEY_AGREEMENT", await FaultAsync(new KmsSigner(_client, made.KeyId)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_is_not_there_is_said() =>
        Assert.Equal("the audit key alias/nowhere in KMS cannot be used: there is no such key or alias in this region",
            await FaultAsync(new KmsSigner(_client, "alias/nowhere")));

    [Fact]
    public async Task A_key_that_is_disabled_between_two_checkpoints_signs_no_more_and_it_is_said()
    {
        var made = await MakeAsync();
        var signer = new KmsSigner(_client, made.KeyId);
        await signer.SignAsync("text", Stop);
        await _client.DisableKeyAsync(made.KeyId, Stop);
        // The emulator signs with a disabled key.
        _wire.Fail("Sign", "DisabledException", message: AwsWire.SessionToken);

        var fault = await Assert.ThrowsAsync<SigningKeyException>(() => signer.SignAsync("text", Stop));

        Assert.Equal($"the audit key {made.KeyId} in KMS cannot be used: it is disabled", fault.Message);
        await _client.EnableKeyAsync(made.KeyId, Stop);
        Assert.NotEmpty(await signer.SignAsync("text", Stop));
    }

    [Fact]
    public async Task A_signature_that_does_not_fit_goes_into_no_log()
    {
        var (made, other) = (await MakeAsync(), await MakeAsync());
        var signer = new KmsSigner(_client, made.KeyId);
        var foreign = await new KmsSigner(_client, other.KeyId).SignAsync("text", Stop);
        _wire.Rewrite("Sign", answer => answer["Signature"] = Convert.ToBase64String(foreign));

        var fault = await Assert.ThrowsAsync<SigningKeyException>(() => signer.SignAsync("text", Stop));

        Assert.Equal($"the audit key {made.KeyId} in KMS cannot be used: what it signed does not fit its public key", fault.Message);
    }

    [Theory]
    [InlineData("AccessDeniedException", "AWS denies it to the role of this process, which needs kms:GetPublicKey and kms:Sign on it")]
    [InlineData("KMSInvalidStateException", "is it to be deleted?")]
    [InlineData("UnsupportedOperationException", "it is not for signing")]
    [InlineData("ExpiredTokenException", "have expired")]
    [InlineData("InvalidSignatureException", "does not accept the credentials")]
    [InlineData("ThrottlingException", "throttling")]
    [InlineData("DependencyTimeoutException", "AWS answered DependencyTimeoutException (HTTP 400)")]
    public async Task What_AWS_refuses_is_said_in_words_without_its_own_and_asked_for_again(string code, string words)
    {
        var made = await MakeAsync();
        var signer = new KmsSigner(_client, made.KeyId);
        _wire.Fail("GetPublicKey", code, message: $"The canonical request was {AwsWire.SessionToken}");

        var fault = await FaultAsync(signer);

        Assert.Contains(words, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", fault, StringComparison.Ordinal);
        Assert.NotNull(await signer.OpenAsync(first: false, Stop));
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_said()
    {
        var made = await MakeAsync();
        _wire.Break("GetPublicKey", HttpStatusCode.BadGateway);

        Assert.Contains("in KMS cannot be used: AWS answered", await FaultAsync(new KmsSigner(_client, made.KeyId)), StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new KmsSigner(_client, made.KeyId).OpenAsync(first: false, new CancellationToken(canceled: true)));
    }

    [Theory]
    [InlineData("a file", "KMS")]
    [InlineData("KMS", "KMS")]
    [InlineData("KMS", "a file")]
    public async Task After_a_change_of_the_key_the_first_one_alone_vouches_for_all_of_it(string from, string to)
    {
        using var folder = new TemporaryDirectory();
        var before = await SignerAsync(from, folder);
        var (log, set) = (new InMemoryEvidenceLog(), new Chosen { Signer = before });
        await using var services = House(log, set);
        await SendAsync(services, new SequenceEvents());
        var first = await before.OpenAsync(first: false, Stop);

        // Restarted with another setting, nothing is signed until somebody says that this is meant.
        var next = await SignerAsync(to, folder);
        set.Signer = next;
        await next.OpenAsync(first: true, Stop);
        await log.RecordAsync(Something(), Stop);
        Assert.Equal("audit.no_key", (await SendAsync(services, new SequenceEvents())).Refusal?.Code);
        // By its name, as `audit key --change --old-key` does it.
        var old = before is KmsSigner ? new KmsKeys(() => _client).Find(_made!.Arn)! : before;
        Assert.Null((await SendAsync(services, new ChangeAuditKey(new Actor.Operator("test"), old, await next.OpenAsync(first: false, Stop), () => { }))).Refusal);
        await log.RecordAsync(Something(), Stop);
        Assert.Null((await SendAsync(services, new SequenceEvents())).Refusal);

        // Where it is, and as an export, which holds few of the checkpoints.
        var size = (await log.ReadEndAsync(Stop)).Signed!.Checkpoint.Size;
        List<CheckpointFile> checkpoints = [];
        await foreach (var note in log.ReadCheckpointsAsync(0, Stop))
            checkpoints.Add(new CheckpointFile($"{checkpoints.Count}", Encoding.UTF8.GetBytes(note)));
        var second = await set.OpenAsync(first: false, Stop);
        var verdict = await new LogVerifier([first]).VerifyAsync([EvidenceFile.Of("log", new LogExport(log, []).LinesAsync(size, Stop))], checkpoints, [], null, Stop);
        Assert.Null(verdict.Fault);
        var keyIds = checkpoints.Select(one => SignedCheckpoint.Parse(Encoding.UTF8.GetString(one.Note.Span))!.Signatures[0].Key).Distinct(StringComparer.Ordinal);
        Assert.Equal([first.Id, second.Id], keyIds);

        await new LogExport(log, []).WriteAsync(path =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(path))!);
            return File.Create(folder.File(path));
        }, null, Stop);
        await File.WriteAllTextAsync(folder.File("first.pem"), first.ToPem(), Stop);
        Assert.StartsWith("the log is whole", (await Verifiers.OursAsync(folder.Path, first.ToPem())).Words, StringComparison.Ordinal);
        Assert.StartsWith("the log is whole", (await Verifiers.OursAsync(folder.Path, second.ToPem())).Words, StringComparison.Ordinal);
        Assert.StartsWith("the log is whole", (await Verifiers.PythonAsync(folder.Path, folder.File("first.pem"))).Words, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Audit:KmsKey", "alias/dbaccess-log", null)]
    [InlineData("Audit:KmsKey", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", null)]
    [InlineData("Audit:KmsKey", "not a key", "Audit:KmsKey is 'not a key'; it must be the id, the ARN or the alias (alias/…) of a key in KMS.")]
    public void The_setting_decides_which_key_it_is(string name, string value, string? fault)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new(name, value)]).Build());
        var services = new ServiceCollection().AddEvidence(settings, keepsFiles: true);
        services.AddSingleton<IAmazonKeyManagementService>(_client);
        using var provider = services.BuildServiceProvider();

        Assert.Equal(fault is null ? [] : [fault], settings.Faults);
        Assert.IsType<KmsSigner>(provider.GetRequiredService<ICheckpointSigner>());
        // What signed until now is at hand for the change.
        Assert.NotNull(provider.GetService<IKeptKey>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_it_a_file_signs_and_in_a_function_nothing_does(bool keepsFiles)
    {
        using var provider = new ServiceCollection().AddEvidence(new Settings(new ConfigurationBuilder().Build()), keepsFiles).BuildServiceProvider();

        Assert.Equal(keepsFiles ? typeof(FileSigner) : null, provider.GetService<ICheckpointSigner>()?.GetType());
    }

    private static ServiceProvider House(InMemoryEvidenceLog log, ICheckpointSigner signer) => new ServiceCollection()
        .AddLogging().AddSingleton(TimeProvider.System).AddSingleton<IAuditTrail>(log).AddSingleton<IEvidenceLog>(log).AddSingleton(signer)
        .AddSingleton(new EvidenceTerms(WatchedAtOnce: 100)).AddApplication(new Installation("test")).BuildServiceProvider();

    private static Task<T> SendAsync<T>(ServiceProvider services, IRequest<T> request) => services.GetRequiredService<IMediator>().Send(request, Stop);

    private static LogEvent Something() => new() { At = DateTimeOffset.UnixEpoch, Type = "command.create_grant", By = new Actor.Sweep(), Way = Way.CommandLine, Outcome = "done", What = [] };

    private KeyMetadata? _made;

    private async Task<ICheckpointSigner> SignerAsync(string where, TemporaryDirectory folder)
    {
        if (where is "a file") return new FileSigner(Path.Combine(folder.Path, "audit-key.pem"));

        var made = await MakeAsync();
        // The first of the two.
        _made ??= made;
        return new KmsSigner(_client, made.KeyId);
    }

    private async Task<KeyMetadata> MakeAsync(string spec = "ECC_NIST_P256", string usage = "SIGN_VERIFY") =>
        (await _client.CreateKeyAsync(new CreateKeyRequest { KeySpec = spec, KeyUsage = usage }, Stop)).KeyMetadata;

    private static async Task<string> FaultAsync(KmsSigner signer) => (await Assert.ThrowsAsync<SigningKeyException>(() => signer.OpenAsync(first: false, Stop))).Message;

    /// <summary>What a process is set to use, before and after a restart.</summary>
    private sealed class Chosen : ICheckpointSigner
    {
        public required ICheckpointSigner Signer { get; set; }

        public Task<LogKey> OpenAsync(bool first, CancellationToken cancellationToken) => Signer.OpenAsync(first, cancellationToken);

        public Task<byte[]> SignAsync(string text, CancellationToken cancellationToken) => Signer.SignAsync(text, cancellationToken);
    }
}
