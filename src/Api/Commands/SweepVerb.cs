using System.CommandLine;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>sweep</c>: one pass over everything that is due, for cron and for an operator who does not want to wait.</summary>
internal static class SweepVerb
{
    public static VerbCommand Describe()
    {
        var now = Takes.Flag("--now",
            "Also try at once what did not work and waits for its next try; what another process holds is left to it.");
        var reconcile = Takes.Flag("--reconcile",
            "First compare the record with every cluster: remove orphans, end grants whose role vanished, mend scope roles.");
        var confirm = Takes.Flag("--confirm", "With --reconcile: the record is right; also remove roles with our tag that it does not " +
            "know (after a restore: put the store right first).");
        var dryRun = Takes.Flag("--dry-run", "Say what all of that would do, and do nothing.");
        return new VerbCommand("sweep", "One pass over everything that is due, then leave (for cron).", read => new Verb.Sweep(
                read.GetValue(dryRun), read.GetValue(reconcile), read.GetValue(confirm), read.GetValue(now)),
                now, reconcile, confirm, dryRun)
            // Nobody confirms what they did not ask for.
            .Where(said => said.Has(confirm) && !said.Has(reconcile)
                ? "sweep takes --confirm only together with --reconcile." : null);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.Sweep sweep)
    {
        await using var scope = services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        var failed = false;
        // What is due is taken all the same.
        if (services.GetRequiredService<IPolicySource>().Missing is { } none)
            await Console.Error.WriteLineAsync($"{none.Message} ({services.GetRequiredService<IPolicyHealth>().Rejected})");
        if (sweep.Reconcile || sweep.DryRun)
        {
            var compared = await mediator.Send(new ReconcileRoles(sweep.DryRun, sweep.Confirm, ReconcileReach.All));
            if (compared.Refusal is null)
            {
                foreach (var line in compared.Value.Lines) Console.WriteLine(line.ToString());
                Console.WriteLine(compared.Value.ToString());
                failed = compared.Value.Count(FindingOutcome.Failed) > 0;
            }
            else
            {
                await Console.Error.WriteLineAsync(
                    "The record was not compared with the clusters: without a policy nobody knows what belongs there.");
                failed = true;
            }
        }
        if (sweep.DryRun)
        {
            var preview = (await mediator.Send(new PreviewSweep(sweep.Now))).Value;
            foreach (var line in preview.Lines) Console.WriteLine(line);
            Console.WriteLine($"{preview.Lines.Count} due; nothing was done.");
            return failed ? ExitCode.Failure : ExitCode.Success;
        }

        if (!(await mediator.Send(new ReviewHolders())).Value.Complete)
        {
            await Console.Error.WriteLineAsync("Whether holders may go on could not be asked of all.");
            failed = true;
        }

        var report = (await mediator.Send(new SweepGrants(Postponed: sweep.Now))).Value;
        Console.WriteLine(report.ToString());
        if ((await mediator.Send(new SequenceEvents())).Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            failed = failed || refusal.Code is not "audit.held";
        }

        return !failed && report.Failed.Count == 0 && report.Count(StepOutcome.Postponed) == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
