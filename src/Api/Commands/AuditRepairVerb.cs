using System.CommandLine;
using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>audit repair</c>: what is wrong with the log's end, and from where it can go on; with <c>--yes</c>, that it does.</summary>
internal static class AuditRepairVerb
{
    public static VerbCommand Describe()
    {
        var kept = Takes.List("--checkpoint", "FILE,FILE", "The newest checkpoint that you kept, from Slack for instance.");
        var yes = Takes.Flag("--yes", "Do it.");
        return new VerbCommand("repair", "Where the end of the log was edited by hand: from where it can go on, and that it does.",
            read => new Verb.AuditRepair(Takes.Split(read.GetValue(kept)) ?? [], read.GetValue(yes)), kept, yes);
    }

    /// <param name="exported">The checkpoints of the daily export at that place.</param>
    public static async Task<int> RunAsync(
        IServiceProvider services, Verb.AuditRepair verb, Func<string, Task<IReadOnlyList<CheckpointFile>>> exported)
    {
        await using var scope = services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        try
        {
            var kept = await KeptAsync(services, verb, exported);
            var found = await mediator.Send(new ExamineLog(kept));
            if (found.Refusal is { } refusal) return await RefusedAsync(refusal);

            Say(found.Value);
            if (found.Value.Faults.Count == 0) return ExitCode.Success;
            if (!verb.Yes)
            {
                Console.WriteLine("Nothing was changed. Hold that size against the newest checkpoint in Slack: a larger one there means " +
                    "that events were taken out or changed, and this repair would sign others in their place. To do it: --yes.");
                return ExitCode.Failure;
            }

            var repaired = await mediator.Send(new RepairLog(
                new Actor.Operator(Environment.UserName), kept, found.Value.Good.Checkpoint.Size));
            if (repaired.Refusal is { } refused) return await RefusedAsync(refused);

            Console.WriteLine("The log goes on; what was found is an event in it (audit.repaired).");
            return ExitCode.Success;
        }
        catch (Exception failure)
            when (failure is IOException or UnauthorizedAccessException or SigningKeyException or LogBrokenException)
        {
            await Console.Error.WriteLineAsync($"Nothing was repaired: {failure.Message}");
            return ExitCode.Failure;
        }
    }

    /// <summary>Also those of the daily export: what left this store once is not gone back behind.</summary>
    private static async Task<IReadOnlyList<CheckpointFile>> KeptAsync(
        IServiceProvider services, Verb.AuditRepair verb, Func<string, Task<IReadOnlyList<CheckpointFile>>> exported)
    {
        List<CheckpointFile> kept = [.. verb.Kept.Select(path => new CheckpointFile(path, File.ReadAllBytes(path)))];
        if (services.GetRequiredService<ExportTerms>().Place is { } place) kept.AddRange(await exported(place.Name));
        return kept;
    }

    private static void Say(LogFindings found)
    {
        foreach (var changed in found.Changed) Console.WriteLine($"For good: {changed}.");
        if (found.Faults.Count == 0)
        {
            Console.WriteLine("The end of the evidence log is what was signed: there is nothing to repair.");
            return;
        }

        foreach (var fault in found.Faults) Console.WriteLine($"Found: {fault}.");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"The log would go on from the checkpoint of size {found.Head.Size}, signed {found.Good.Checkpoint.At:yyyy-MM-dd HH:mm:ss}Z; " +
                $"{found.TakenBack} events past it would get their places anew."));
    }

    private static async Task<int> RefusedAsync(Error refusal)
    {
        await Console.Error.WriteLineAsync(refusal.Message);
        return ExitCode.Failure;
    }
}
