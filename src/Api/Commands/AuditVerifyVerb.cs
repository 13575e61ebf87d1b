using System.CommandLine;
using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Evidence;

namespace DbAccess.Api.Commands;

/// <summary><c>audit verify</c>: of an export or a pack alone, which needs no setting; or of the store where it is.</summary>
internal static class AuditVerifyVerb
{
    public static VerbCommand Describe()
    {
        var from = Takes.Value("--from", "DIR|s3://…", "An export or a pack, alone; the store of the settings when none is named.");
        var key = Takes.Value("--key", "FILE", "Public keys (PEM) that you got another way.");
        var kept = Takes.List("--checkpoint", "FILE,FILE", "Checkpoints that you kept, from Slack for instance.");
        return new VerbCommand("verify", "Is the evidence log whole? Exit code 1 with the first event that is wrong, and why.",
                read => new Verb.AuditVerify(read.GetValue(from), read.GetValue(key), Takes.Split(read.GetValue(kept)) ?? []),
                from, key, kept)
            .Where(said => said.Has(from) && !said.Has(key)
                ? "audit verify --from wants the public key too, and not the one from the same folder: --key FILE." : null);
    }

    /// <summary>Of an export, by the key that whoever verifies brings.</summary>
    public static Task<int> RunAsync(Verb.AuditVerify verb, string from, string key) => SayAsync(async (progress, stop) =>
        await (await ExportFolder.FindAsync(from, stop)).VerifyAsync(Keys(key), verb.Kept, progress, stop));

    /// <summary>Of the store.</summary>
    public static Task<int> RunAsync(Verb.AuditVerify verb, IServiceProvider services) => SayAsync(async (progress, stop) =>
    {
        var log = services.GetRequiredService<IEvidenceLog>();
        var (checkpoints, size) = (new List<CheckpointFile>(), 0L);
        await foreach (var note in log.ReadCheckpointsAsync(0, stop))
        {
            checkpoints.Add(new CheckpointFile($"checkpoint {checkpoints.Count + 1} of the store", Encoding.UTF8.GetBytes(note)));
            size = Math.Max(size, SignedCheckpoint.Parse(note)?.Checkpoint.Size ?? 0);
        }

        IReadOnlyList<LogKey> keys;
        if (verb.Key is { } file) keys = Keys(file);
        else if (checkpoints.Count == 0) keys = [];
        else
        {
            keys = [await services.GetRequiredService<ICheckpointSigner>().OpenAsync(first: false, stop)];
            await Console.Error.WriteLineAsync(
                "Verified with this installation's own key. Hold it against one that you got another way: dbaccess audit key");
        }

        return await new LogVerifier(keys).VerifyAsync([EvidenceFile.Of("the store", new LogExport(log, []).LinesAsync(size, stop))],
            checkpoints, [.. verb.Kept.Select(path => new CheckpointFile(path, File.ReadAllBytes(path)))], progress, stop);
    });

    private static IReadOnlyList<LogKey> Keys(string file) => LogKey.FromPem(File.ReadAllText(file)) is { Count: > 0 } keys
        ? keys : throw new IOException($"{file} holds no public key of ECDSA on P-256 (PEM)");

    private static async Task<int> SayAsync(Func<Action<long>, CancellationToken, Task<Verdict>> verify)
    {
        try
        {
            var progress = new Progress("events verified");
            var verdict = await verify(progress.Report, CancellationToken.None);
            var to = verdict.Fault is null ? Console.Out : Console.Error;
            foreach (var line in verdict.Words()) await to.WriteLineAsync(line);
            return verdict.ExitCode;
        }
        catch (Exception failure)
            when (failure is IOException or UnauthorizedAccessException or NotSupportedException or SigningKeyException)
        {
            await Console.Error.WriteLineAsync($"Nothing could be verified: {failure.Message}");
            return ExitCode.Misuse;
        }
    }
}
