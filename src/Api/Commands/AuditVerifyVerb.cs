using System.IO.Pipelines;
using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Evidence;

namespace DbAccess.Api.Commands;

/// <summary><c>audit verify</c>: of an export or a pack alone, which needs no setting; or of the store where it is.</summary>
internal static class AuditVerifyVerb
{
    /// <summary>Of an export, by the key that whoever verifies brings.</summary>
    public static Task<int> RunAsync(Verb.AuditVerify verb, string from, string key) => SayAsync(async (progress, stop) =>
        await (await ExportFolder.FindAsync(from, stop)).VerifyAsync(Keys(key), verb.Kept, progress, stop));

    /// <summary>Of the store.</summary>
    public static Task<int> RunAsync(Verb.AuditVerify verb, IServiceProvider services) => SayAsync(async (progress, stop) =>
    {
        var log = services.GetRequiredService<IEvidenceLog>();
        IReadOnlyList<LogKey> keys;
        if (verb.Key is { } file) keys = Keys(file);
        else if ((await log.ReadEndAsync(stop)).Checkpoint is null) keys = [];
        else
        {
            keys = [await services.GetRequiredService<ICheckpointSigner>().OpenAsync(first: false, stop)];
            await Console.Error.WriteLineAsync(
                "Verified with this installation's own key. Hold it against one that you got another way: dbaccess audit key");
        }

        List<CheckpointFile> checkpoints = [];
        await foreach (var note in log.ReadCheckpointsAsync(0, stop))
            checkpoints.Add(new CheckpointFile($"checkpoint {checkpoints.Count + 1} of the store", Encoding.UTF8.GetBytes(note)));
        return await new LogVerifier(keys).VerifyAsync([new EvidenceFile("the store", () => Lines(log, stop))], checkpoints,
            [.. verb.Kept.Select(path => new CheckpointFile(path, File.ReadAllBytes(path)))], progress, stop);
    });

    /// <summary>The store's events as an export would hold them, written while they are read.</summary>
    private static Stream Lines(IEvidenceLog log, CancellationToken stop)
    {
        var pipe = new Pipe();
        _ = WriteAsync();
        return pipe.Reader.AsStream();

        async Task WriteAsync()
        {
            Exception? failure = null;
            try
            {
                await new LogExport(log, []).WriteLinesAsync(pipe.Writer.AsStream(leaveOpen: true), stop);
            }
            catch (Exception broken)
            {
                failure = broken;
            }

            await pipe.Writer.CompleteAsync(failure);
        }
    }

    private static IReadOnlyList<LogKey> Keys(string file) => LogKey.FromPem(File.ReadAllText(file)) is { Count: > 0 } keys
        ? keys : throw new IOException($"{file} holds no public key of ECDSA on P-256 (PEM)");

    private static async Task<int> SayAsync(Func<Action<long>, CancellationToken, Task<Verdict>> verify)
    {
        try
        {
            var progress = new AuditProgress("verified");
            var verdict = await verify(progress.Report, CancellationToken.None);
            var to = verdict.Fault is null ? Console.Out : Console.Error;
            foreach (var line in verdict.Words()) await to.WriteLineAsync(line);
            return verdict.ExitCode;
        }
        catch (Exception failure)
            when (failure is IOException or UnauthorizedAccessException or NotSupportedException or SigningKeyException)
        {
            await Console.Error.WriteLineAsync($"Nothing could be verified: {failure.Message}");
            return CommandLine.Misuse;
        }
    }
}
