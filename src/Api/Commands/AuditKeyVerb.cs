using System.CommandLine;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>audit key</c>: prints the public key that the log is signed with, or begins with another.</summary>
internal static class AuditKeyVerb
{
    public static VerbCommand Describe()
    {
        var change = Takes.Flag("--change", "Begin with another key; the old one vouches for it.");
        var old = Takes.Value("--old-key", "KEY", "The one before, where it is in KMS (id, ARN or alias).");
        return new VerbCommand("key", "The public key that the log is signed with.",
                read => new Verb.AuditKey(read.GetValue(change), read.GetValue(old)), change, old)
            .Where(said => said.Has(old) && !said.Has(change) ? "audit key takes --old-key only together with --change." : null);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.AuditKey verb)
    {
        try
        {
            return verb.Change ? await ChangeAsync(services, verb.OldKey) : await PrintAsync(services);
        }
        catch (SigningKeyException failure)
        {
            await Console.Error.WriteLineAsync($"The key cannot be used: {failure.Message}.");
            return ExitCode.Failure;
        }
    }

    private static async Task<int> PrintAsync(IServiceProvider services)
    {
        if (await NewestAsync(services) is null)
        {
            await Console.Error.WriteLineAsync("Nothing was signed yet; the key is made with the first checkpoint, a minute after the " +
                "first start.");
            return ExitCode.Failure;
        }

        var key = await services.GetRequiredService<ICheckpointSigner>().OpenAsync(first: false, CancellationToken.None);
        Console.Write(key.ToPem());
        return ExitCode.Success;
    }

    private static async Task<int> ChangeAsync(IServiceProvider services, string? oldKey)
    {
        if (await NewestAsync(services) is not { } newest)
        {
            await Console.Error.WriteLineAsync("Nothing was signed yet, so there is no key to change.");
            return ExitCode.Failure;
        }

        var (file, set) = (services.GetRequiredService<IKeptKey>(), services.GetRequiredService<ICheckpointSigner>());
        var (fromFile, present) = (await TryAsync(file), await TryAsync(set));
        // The one that is set is another already (a KMS key, a file put there): it is the new one. Otherwise one is made.
        var isSet = present is not null && !Signed(newest, present);
        if (!isSet && set is not IKeptKey)
        {
            // A file that is made now would not be what is set.
            await Console.Error.WriteLineAsync(present is null
                ? "Audit:KmsKey cannot be used, so there is no key to go on with: see `dbaccess audit key`."
                : "The log is signed with Audit:KmsKey already. To go on with another key, set that one first.");
            return ExitCode.Failure;
        }

        var named = oldKey is null ? null : services.GetRequiredService<IKeysByName>().Find(oldKey);
        // Whoever names it wants it to vouch: one that cannot is not passed over.
        if (oldKey is not null && (named is null || !Signed(newest, await named.OpenAsync(first: false, CancellationToken.None))))
        {
            await Console.Error.WriteLineAsync(named is null
                ? $"--old-key is '{oldKey}', which is not the id, the ARN or the alias of a key in KMS."
                : $"The newest checkpoint was not signed with {oldKey} but with the key {newest.Signatures[0].Key}.");
            return ExitCode.Failure;
        }

        var old = named ?? (fromFile is not null && Signed(newest, fromFile) ? file : await AsideAsync(file, newest));
        var fresh = isSet ? present! : await file.Next.OpenAsync(first: true, CancellationToken.None);
        if (old is null)
            await Console.Error.WriteLineAsync(
                "The old key is lost: nothing vouches for the new one, and that stands on the log. Keep the old public key for what it " +
                    "signed. (Of a key in KMS that is still there, name it before: --old-key.)");

        await using var scope = services.CreateAsyncScope();
        var changed = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ChangeAuditKey(
            new Actor.Operator(Environment.UserName), old, fresh, isSet ? () => { } : file.TakeNext));
        if (changed.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return ExitCode.Failure;
        }

        Console.Write(fresh.ToPem());
        return ExitCode.Success;
    }

    private static async Task<SignedCheckpoint?> NewestAsync(IServiceProvider services) =>
        (await services.GetRequiredService<IEvidenceLog>().ReadEndAsync(CancellationToken.None)).Signed;

    /// <summary>The key that signed last, where a change that was cut off has put it aside; null when it is not there.</summary>
    private static async Task<ICheckpointSigner?> AsideAsync(IKeptKey file, SignedCheckpoint newest)
    {
        foreach (var line in newest.Signatures)
            if (file.Aside(line.Key) is var aside && await TryAsync(aside) is { } key && Signed(newest, key)) return aside;
        return null;
    }

    private static async Task<LogKey?> TryAsync(ICheckpointSigner signer)
    {
        try
        {
            return await signer.OpenAsync(first: false, CancellationToken.None);
        }
        catch (SigningKeyException)
        {
            return null;
        }
    }

    private static bool Signed(SignedCheckpoint newest, LogKey key) => newest.Signatures.Any(line =>
        line.KeyId.AsSpan().SequenceEqual(key.KeyId) && key.Fits(newest.Checkpoint.Body(), line.Signature));
}
