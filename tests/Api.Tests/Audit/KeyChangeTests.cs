using DbAccess.Api.Commands;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Evidence;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Api.Tests.Audit;

/// <summary>A change of the key that is cut off between any two steps and done again: the old key vouches for the new one all the same.</summary>
public sealed class KeyChangeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dbaccess-test-");
    private readonly InMemoryEvidenceLog _log = new();
    private readonly ServiceProvider _services;

    public KeyChangeTests()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IAuditTrail>(_log);
        services.AddSingleton<IEvidenceLog>(_log);
        services.AddSingleton(new EvidenceTerms(WatchedAtOnce: 1_000));
        services.AddEvidence(new Settings(new ConfigurationBuilder().AddInMemoryCollection([new("Audit:Key", Key)]).Build()), keepsFiles: true);
        services.AddApplication(new Installation(Some.Installation));
        _services = services.BuildServiceProvider();
    }

    private string Key => Path.Combine(_directory.FullName, "audit.pem");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _services.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("the next key was made")]
    [InlineData("the old one vouched")]
    [InlineData("the old one is away, the next not there yet")]
    [InlineData("the next one is there")]
    public async Task What_was_cut_off_is_ended_by_doing_it_again(string after)
    {
        await SequenceAsync();
        var old = _services.GetRequiredService<IKeptKey>();
        var first = await old.OpenAsync(first: false, Stop);
        var next = await old.Next.OpenAsync(first: true, Stop);
        if (after is not "the next key was made") await Assert.ThrowsAsync<IOException>(() => CutOffAsync(old, next));
        if (after is "the old one is away, the next not there yet") File.Move(Key, $"{Key}.{first.Id}");
        if (after is "the next one is there") old.TakeNext();

        Assert.Equal(ExitCode.Success, await AuditKeyVerb.RunAsync(_services, new Verb.AuditKey(Change: true)));

        Assert.Equal(next.Id, (await old.OpenAsync(first: false, Stop)).Id);
        Assert.DoesNotContain(_log.Records, record => record.Type == "audit.key_lost");
        var signed = (await _log.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop)).ConvertAll(note => SignedCheckpoint.Parse(note)!);
        var brought = await _log.ReadAsync(0, Stop)
            .FirstAsync(one => one.Body!.Json.Contains($"\"key_id\":\"{next.Id}\"", StringComparison.Ordinal), Stop);
        // Somebody who trusts the first key only comes to the next one by what the first one signed.
        Assert.Contains(signed, one => one.Signatures[0].Key == first.Id && one.Checkpoint.Size > brought.Place);
        Assert.Equal(next.Id, signed[^1].Signatures[0].Key);
        Assert.True(next.Fits(signed[^1].Checkpoint.Body(), signed[^1].Signatures[0].Signature));
    }

    /// <summary>A key that is kept elsewhere and signed so far can still sign: it vouches for the next one when somebody says which it is.</summary>
    [Theory]
    [InlineData("alias/old", null, "audit.key")]
    [InlineData("alias/other", "The newest checkpoint was not signed with alias/other", null)]
    [InlineData("no such name", "which is not the id, the ARN or the alias of a key in KMS", null)]
    [InlineData(null, "The old key is lost", "audit.key_lost")]
    public async Task A_key_that_is_kept_elsewhere_vouches_for_the_next_where_it_is_named(string? named, string? said, string? recorded)
    {
        using var old = new FakeSigner();
        using var other = new FakeSigner();
        other.Replace();
        using (var scope = _services.CreateScope())
            Assert.Null((await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new SequenceEvents(With: old), Stop)).Refusal);
        var services = new Named(_services, new() { ["alias/old"] = old, ["alias/other"] = other });
        var (before, error) = (Console.Error, new StringWriter());
        Console.SetError(error);
        int code;
        try
        {
            code = await AuditKeyVerb.RunAsync(services, new Verb.AuditKey(Change: true, named));
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Contains(said ?? "", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(recorded is null ? ExitCode.Failure : ExitCode.Success, code);
        var signed = (await _log.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop)).ConvertAll(note => SignedCheckpoint.Parse(note)!);
        if (recorded is null)
        {
            Assert.Single(signed);
            return;
        }

        Assert.Contains(_log.Records, record => record.Type == recorded);
        Assert.Equal(named is null, _log.Records.Any(record => record.Type == "audit.key_lost"));
        var next = await _services.GetRequiredService<IKeptKey>().OpenAsync(first: false, Stop);
        Assert.Equal(next.Id, signed[^1].Signatures[0].Key);
        var brought = await _log.ReadAsync(0, Stop).FirstAsync(one => one.Body!.Json.Contains($"\"key_id\":\"{next.Id}\"", StringComparison.Ordinal), Stop);
        Assert.Equal(named is not null, signed.Any(one => one.Signatures[0].Key == old.Key.Id && one.Checkpoint.Size > brought.Place));
    }

    /// <summary>As after a restart without Audit:KmsKey, with those keys in KMS.</summary>
    private sealed class Named(IServiceProvider inner, Dictionary<string, ICheckpointSigner> keys) : IServiceProvider, IKeysByName
    {
        public object? GetService(Type serviceType) => serviceType == typeof(IKeysByName) ? this : inner.GetService(serviceType);

        public ICheckpointSigner? Find(string name) => keys.GetValueOrDefault(name);
    }

    private async Task CutOffAsync(IKeptKey old, LogKey next)
    {
        using var scope = _services.CreateScope();
        await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ChangeAuditKey(
            new Domain.Principals.Actor.Operator("me"), old, next, () => throw new IOException("It dies.")), Stop);
    }

    private async Task SequenceAsync()
    {
        using var scope = _services.CreateScope();
        Assert.Null((await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new SequenceEvents(), Stop)).Refusal);
    }
}
