using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Lambda;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Quartz;

namespace DbAccess.Infrastructure.Scheduling;

public static class SchedulingRegistration
{
    /// <summary>Where steps are taken by whoever is told to, and nothing runs by itself: a function, or a single pass.</summary>
    public static IServiceCollection AddSteps(this IServiceCollection services)
    {
        services.AddSingleton(new Patience(TimeSpan.Zero));
        services.AddSingleton<GrantWorker>();
        return services.AddSingleton<IGrantDispatcher>(provider => provider.GetRequiredService<GrantWorker>());
    }

    /// <summary>
    /// The worker that takes steps when they fall due, and the regular sweep. Settings: <c>Sweep:Enabled</c> (true; false where something
    /// else starts the sweep; the worker's timers stay), <c>Sweep:Interval</c> (five minutes), <c>Provisioning:Mode</c> (<c>InProcess</c>,
    /// or <c>Lambda</c>, which asks <c>Provisioning:Lambda:Function</c> to take every step and leaves to this process only what the
    /// function did not take).
    /// </summary>
    /// <param name="hosted">False for a single pass from the command line: nothing runs by itself then.</param>
    public static IServiceCollection AddScheduling(this IServiceCollection services, Settings settings, bool hosted)
    {
        var invokes = settings.Choice("Provisioning:Mode", "InProcess", ["InProcess", "Lambda"]) == "Lambda";
        var interval = settings.Duration("Sweep:Interval", TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        var enabled = settings.Flag("Sweep:Enabled", true);

        services.AddSingleton(new Patience(invokes ? LambdaGrantDispatcher.Patience : TimeSpan.Zero));
        services.AddSingleton<GrantWorker>();
        // The functions themselves, and a single pass, take the steps where they are.
        if (invokes && hosted) services.AddLambdaDispatcher(settings);
        else services.AddSingleton<IGrantDispatcher>(provider => provider.GetRequiredService<GrantWorker>());
        services.AddSingleton<SweepClock>();
        if (!hosted) return services;

        services.AddHostedService(provider => provider.GetRequiredService<GrantWorker>());
        services.AddHostedService<GhostHuntWorker>();
        services.AddHostedService<PolicyNewsWorker>();
        services.AddHostedService<SequencerWorker>();
        if (!enabled) return services;

        services.AddQuartz(quartz =>
        {
            var key = new JobKey("expire-grants");
            quartz.ConfigureScheduler(scheduler => scheduler.ShutdownJobInterruption = ShutdownJobInterruption.Never);
            quartz.AddJob<ExpireGrantsJob>(job => job.WithIdentity(key).StoreDurably().DisallowConcurrentExecution());
            // A simple trigger with StartNow also sweeps at the start, which is what catches up after a time without a process.
            quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity("expire-grants").StartNow()
                .WithSimpleSchedule(schedule => schedule.WithInterval(interval).RepeatForever()
                    .WithMisfireInstruction(SimpleTriggerMisfireInstruction.NextWithRemainingCount)));

            var reconcile = new JobKey("reconcile-roles");
            quartz.AddJob<ReconcileRolesJob>(job => job.WithIdentity(reconcile).StoreDurably().DisallowConcurrentExecution());
            quartz.AddTrigger(trigger => trigger.ForJob(reconcile).WithIdentity("reconcile-roles").StartNow()
                .WithSimpleSchedule(schedule => schedule.WithInterval(TimeSpan.FromHours(1)).RepeatForever()
                    .WithMisfireInstruction(SimpleTriggerMisfireInstruction.NextWithRemainingCount)));
        });
        services.AddQuartzHostedService(options =>
        {
            options.WaitForJobsToComplete = true;
            options.AwaitApplicationStarted = true;
        });
        services.AddHealthChecks()
            .Add(new HealthCheckRegistration(
            "sweep", provider => new SweepHealth(provider.GetRequiredService<SweepClock>(), interval), null, ["ready"]));
        Telemetry.Meter.CreateObservableGauge(
            "dbaccess.sweep.interval", () => interval.TotalSeconds, "s", "How often the regular sweep runs.");
        return services;
    }

    private sealed class SweepHealth(SweepClock sweeps, TimeSpan interval) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            // Two intervals and a minute: one sweep may be slow, two missing ones are an alarm.
            var late = sweeps.SinceLast > (interval * 2) + TimeSpan.FromMinutes(1);
            return Task.FromResult(late
                ? HealthCheckResult.Unhealthy($"The last sweep was completed {sweeps.SinceLast:c} ago.")
                : HealthCheckResult.Healthy());
        }
    }
}
