using DbAccess.Api.Commands;
using DbAccess.Api.Lambda;
using DbAccess.Api.Operations;
using DbAccess.Api.Slack;
using DbAccess.Api.Slack.Endpoints;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Evidence;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.S3;
using DbAccess.Infrastructure.Scheduling;
using DbAccess.Infrastructure.Seals;
using DbAccess.Infrastructure.Slack;
using DbAccess.Infrastructure.Stores;
using DbAccess.Infrastructure.Webhooks;
using MediatR;
using Serilog;

namespace DbAccess.Api;

/// <summary>The composition root: the only place that knows every project.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (CommandLine.Read(args))
        {
            case Verb.Say { Exit: ExitCode.Success } said:
                Console.WriteLine(said.Text);
                return said.Exit;
            case Verb.Say said:
                await Console.Error.WriteLineAsync(said.Text);
                return said.Exit;
            case Verb.PolicyLint lint:
                return await LintAsync(lint, args);
            case Verb.PolicyExplain { In: not null } explain:
                return await ReadPolicyAsync(explain.Path) is (_, { } policy)
                    ? await PolicyExplainVerb.RunAsync(explain, policy, TimeProvider.System.GetUtcNow(), Console.Out) : ExitCode.Misuse;
            case Verb.PolicySchema:
                return Say(PolicySchema.Text);
            case Verb.AuditVerify { From: { } from, Key: { } key } verify:
                return await AuditVerifyVerb.RunAsync(verify, from, key);
            case Verb.Health health:
                return await HealthVerb.RunAsync(health);
            case Verb.Lambda lambda:
                return await LambdaAsync(lambda);
            case var verb:
                return await RunAsync(verb, args);
        }
    }

    private static async Task<int> RunAsync(Verb verb, string[] args)
    {
        using var tracing = ProductLog.ListenToActivities();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = verb is Verb.Serve serve
            ? serve.Host : [], ContentRootPath = Directory.GetCurrentDirectory() });
        builder.WebHost.ConfigureKestrel(SlackWayIn.Narrow);
        // Loopback unless told otherwise: what is reachable from outside is the operator's decision (ASPNETCORE_URLS or --urls).
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey])) builder.WebHost.UseUrls("http://127.0.0.1:5080");
        builder.Services.AddSerilog(ProductLog.Create(toStandardError: verb is not Verb.Serve));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(25));
        builder.Host.UseDefaultServiceProvider(provider => provider.ValidateScopes = provider.ValidateOnBuild = true);

        // These are asked about a file that need not be the one in force.
        if (verb is Verb.PolicyLint { Path: { } linted }) builder.Configuration["Policy:Path"] = linted;
        if (verb is Verb.PolicyExplain { Path: { } explained }) builder.Configuration["Policy:Path"] = explained;
        var settings = new Settings(builder.Configuration, S3Registration.SecretAt);
        AddEverything(builder.Services, settings, verb);
        if (verb is Verb.Serve) AddMeasuring(builder.Services, settings);
        var operations = settings.Optional("Operations:Urls", "http://127.0.0.1:5081");
        var faults = settings.Faults.Where(fault => verb.NeedsSlack || !fault.StartsWith("Slack:", StringComparison.Ordinal)).ToList();
        if (faults.Count > 0)
        {
            await Console.Error.WriteLineAsync(
                $"DbAccess cannot start: {faults.Count} {(faults.Count == 1 ? "setting is" : "settings are")} wrong.");
            foreach (var fault in faults) await Console.Error.WriteLineAsync($"  - {fault}");
            return ExitCode.Misuse;
        }

        await using var app = builder.Build();
        if (await OpenStoreAsync(app.Services, verb) is { } refused)
        {
            await Console.Error.WriteLineAsync($"DbAccess cannot start: {refused}");
            return ExitCode.Failure;
        }

        using var activity = verb is Verb.Serve ? null : Telemetry.Activities.StartActivity("Verb");
        if (verb is not Verb.Serve) Way.Mark(Way.CommandLine);
        await RecordAsync(app.Services, args);
        return verb switch
        {
            Verb.AuditVerify verify => await AuditVerifyVerb.RunAsync(verify, app.Services),
            Verb.AuditExport export => await AuditExportVerb.RunAsync(app.Services, export),
            Verb.AuditResend resend => await AuditResendVerb.RunAsync(app.Services, resend),
            Verb.AuditRepair repair => await AuditRepairVerb.RunAsync(app.Services, repair,
                async place => (await ExportFolder.FindAsync(place, CancellationToken.None)).Checkpoints()),
            Verb.AuditKey key => await AuditKeyVerb.RunAsync(app.Services, key),
            Verb.AuditReport report => await AuditReportVerb.RunAsync(app.Services, report),
            Verb.Sweep sweep => await SweepVerb.RunAsync(app.Services, sweep),
            Verb.Doctor doctor => await DoctorVerb.RunAsync(app.Services, doctor),
            Verb.Plan plan => await PlanVerb.RunAsync(app.Services, plan),
            Verb.Revoke revoke => await RevokeVerb.RunAsync(app.Services, revoke, settings.Optional("Slack:TeamId", "")),
            Verb.PolicyLint lint => await PolicyLintVerb.RunLiveAsync(app.Services, lint, settings.Optional("Policy:Path", "")),
            Verb.PolicyExplain explain => await PolicyExplainVerb.RunAsync(app.Services, explain, settings.Optional("Slack:TeamId", "")),
            Verb.PolicyHistory => await PolicyHistoryVerb.RunAsync(app.Services),
            Verb.PolicyShow show => await PolicyShowVerb.RunAsync(app.Services, show),
            Verb.PolicyReplay replay => await ReplayAsync(app, replay),
            Verb.StoreInit => Say("The store is ready."),
            _ => await ServeVerb.RunAsync(app, operations),
        };
    }

    /// <summary>Which verb was called, by whom, is on record before anything is done.</summary>
    private static async Task RecordAsync(IServiceProvider services, string[] args)
    {
        // The words before the first option, and those of a verb of two words.
        var words = args.Length == 0 ? ["serve"] : args.Take(args[0] is "audit" or "policy" or "store" ? 2 : 1)
            .TakeWhile(word => !word.StartsWith('-')).ToList();
        await using var scope = services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new RecordVerb(
            words.Count == 0 ? "serve" : string.Join(' ', words), new Actor.Operator(Environment.UserName), [.. args.Skip(words.Count)]));
    }

    /// <summary>Nothing of the web application is in it.</summary>
    private static Task<int> LambdaAsync(Verb.Lambda verb) => LambdaMain.RunAsync(
        verb.Function,
        (services, configuration) =>
        {
            var settings = new Settings(configuration, S3Registration.SecretAt);
            AddWork(services, settings, verb);
            return settings.Faults;
        },
        services => OpenStoreAsync(services, verb));

    /// <summary>Null when the store can be used; otherwise why not, in words without secrets.</summary>
    private static async Task<string?> OpenStoreAsync(IServiceProvider services, Verb verb)
    {
        var store = services.GetRequiredService<IStoreSetup>();
        try
        {
            await (verb is Verb.StoreInit ? store.CreateAsync(CancellationToken.None) : store.OpenAsync(CancellationToken.None));
            return null;
        }
        catch (StoreException failure)
        {
            return failure.Message;
        }
    }

    /// <summary>What any verb needs that works on grants: the use cases and the systems that they work with.</summary>
    internal static void AddWork(IServiceCollection services, Settings settings, Verb verb)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddApplication(settings.Installation(), new GrantLimits(settings.Number("Limits:OpenGrantsPerPerson", 5, 1, 10_000)));

        services.AddStores(settings);
        services.AddSeal(
            settings, hosted: verb is Verb.Serve, orWithout: verb is not (Verb.Serve or Verb.StoreInit));
        services.AddPolicyAndCredentials(settings, orWithout: !verb.NeedsPolicy);
        services.AddPostgres(settings);
        services.AddSlack(settings);
        services.AddEvidence(settings, keepsFiles: verb is not Verb.Lambda);
        services.AddWebhooks(settings, hosted: verb is Verb.Serve);
        services.AddScheduling(settings, hosted: verb is Verb.Serve);
    }

    private static void AddMeasuring(IServiceCollection services, Settings settings)
    {
        var pushed = settings.Optional(Measuring.Collector, "") != "";
        if (pushed) settings.Address(Measuring.Collector, "http://127.0.0.1:4317");
        services.AddMeasuring(
            pushed, settings.Optional("Telemetry:Meters", "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries));
    }

    private static void AddEverything(IServiceCollection services, Settings settings, Verb verb)
    {
        AddWork(services, settings, verb);
        var tenant = new SlackTenant(settings.Optional("Slack:TeamId", ""), settings.Optional("Slack:AppId", ""));
        services.AddSlackWayIn(settings.RequiredSecrets("Slack:SigningSecrets"), tenant, hosted: verb is Verb.Serve,
            settings.Number("Limits:RequestsPerPersonPerMinute", 20, 1, 100_000));
        services.AddHealth();
    }

    private static int Say(string words)
    {
        Console.WriteLine(words);
        return ExitCode.Success;
    }

    private static async Task<int> LintAsync(Verb.PolicyLint lint, string[] args)
    {
        var (path, content) = await ReadFileAsync(lint.Path);
        if (content is null) return ExitCode.Misuse;
        var taken = PolicyLintVerb.Run(lint, path, PolicyYaml.Read(content), TimeProvider.System.GetUtcNow(), Console.Out);
        return !taken ? ExitCode.Failure : lint.Live ? await RunAsync(lint with { Path = path }, args) : ExitCode.Success;
    }

    private static async Task<int> ReplayAsync(WebApplication app, Verb.PolicyReplay replay) =>
        await ReadPolicyAsync(replay.Path) is (_, { } policy)
            ? await PolicyReplayVerb.RunAsync(app.Services, replay, policy) : ExitCode.Misuse;

    /// <summary>The policy in a file, or null; then it was said what is wrong with it.</summary>
    private static async Task<(string Path, AccessPolicy? Policy)> ReadPolicyAsync(string? said)
    {
        var (path, content) = await ReadFileAsync(said);
        if (content is null) return (path, null);
        var reading = PolicyYaml.Read(content);
        foreach (var fault in reading.Faults) await Console.Error.WriteLineAsync($"{path} {fault}");
        return (path, reading.Policy);
    }

    /// <summary>A policy file, by its path or the settings'.</summary>
    private static async Task<(string Path, byte[]? Content)> ReadFileAsync(string? said)
    {
        var path = said ?? new ConfigurationBuilder().AddEnvironmentVariables().Build()["Policy:Path"] ?? "policy/access-policy.yaml";
        if (File.Exists(path)) return (path, await File.ReadAllBytesAsync(path));
        await Console.Error.WriteLineAsync($"There is no file {path}.");
        return (path, null);
    }
}
