using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using DbAccess.Api;
using DbAccess.Api.Lambda;
using DbAccess.Api.Operations;
using DbAccess.Api.Slack;
using DbAccess.Application;
using DbAccess.Application.Databases;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Scheduling;
using DbAccess.Infrastructure.Slack;
using MediatR;
using Prometheus;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace DbAccess.Api;

/// <summary>The composition root: the only place that knows every project.</summary>
public static partial class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (CommandLine.Read(args))
        {
            case Verb.Say { Exit: CommandLine.Success } said:
                Console.WriteLine(said.Text);
                return said.Exit;
            case Verb.Say said:
                await Console.Error.WriteLineAsync(said.Text);
                return said.Exit;
            case Verb.PolicyLint lint:
                return await LintAsync(lint);
            case Verb.Health health:
                return await HealthAsync(health);
            case Verb.Lambda lambda:
                return await LambdaAsync(lambda);
            case var verb:
                return await RunAsync(verb);
        }
    }

    private static async Task<int> RunAsync(Verb verb)
    {
        using var tracing = ListenToActivities();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = verb is Verb.Serve serve ? serve.Host : [], ContentRootPath = Directory.GetCurrentDirectory() });
        builder.WebHost.ConfigureKestrel(SlackWayIn.Narrow);
        // Loopback unless told otherwise: what is reachable from outside is the operator's decision (ASPNETCORE_URLS or --urls).
        if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey])) builder.WebHost.UseUrls("http://127.0.0.1:5080");
        builder.Services.AddSerilog(Logging(verb));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(25));
        builder.Host.UseDefaultServiceProvider(provider => provider.ValidateScopes = provider.ValidateOnBuild = true);

        var settings = new Settings(builder.Configuration);
        AddEverything(builder.Services, settings, verb);
        if (settings.Faults.Count > 0)
        {
            await Console.Error.WriteLineAsync($"DbAccess cannot start: {settings.Faults.Count} {(settings.Faults.Count == 1 ? "setting is" : "settings are")} wrong.");
            foreach (var fault in settings.Faults) await Console.Error.WriteLineAsync($"  - {fault}");
            return CommandLine.Misuse;
        }

        await using var app = builder.Build();
        if (await OpenStoreAsync(app.Services, verb) is { } refused)
        {
            await Console.Error.WriteLineAsync($"DbAccess cannot start: {refused}");
            return CommandLine.Failure;
        }

        return verb switch
        {
            Verb.Sweep sweep => await SweepAsync(app, sweep),
            Verb.Doctor doctor => await DoctorAsync(app, doctor),
            Verb.StoreInit => Say("The store is ready."),
            _ => await ServeAsync(app),
        };
    }

    /// <summary>
    /// The functions of the Lambda runtime. The host is built once for all the events that this environment is given, so pools and caches live as
    /// long as it does; nothing of the web application is in it.
    /// </summary>
    private static async Task<int> LambdaAsync(Verb.Lambda verb)
    {
        if (LambdaRuntime.ParseAddress(Environment.GetEnvironmentVariable(LambdaRuntime.AddressVariable)) is not { } address)
        {
            await Console.Error.WriteLineAsync($"'lambda' runs inside AWS Lambda: {LambdaRuntime.AddressVariable} must name the Runtime API (host:port). Elsewhere use 'serve' or 'sweep'.");
            return CommandLine.Misuse;
        }

        using var tracing = ListenToActivities();
        using var runtime = new LambdaRuntime(address, TimeProvider.System);
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = Directory.GetCurrentDirectory() });
        builder.Configuration.AddJsonFile("appsettings.json", optional: true).AddJsonFile("appsettings.Production.json", optional: true).AddEnvironmentVariables();
        builder.Services.AddSerilog(Logging(verb));
        builder.ConfigureContainer(new DefaultServiceProviderFactory(new ServiceProviderOptions { ValidateScopes = true, ValidateOnBuild = false }));

        var settings = new Settings(builder.Configuration);
        AddWork(builder.Services, settings, verb);
        builder.Services.AddSingleton<LambdaEntry>();
        if (settings.Faults.Count > 0)
        {
            foreach (var fault in settings.Faults) await Console.Error.WriteLineAsync($"  - {fault}");
            await runtime.FailInitAsync(new LambdaError("Runtime.Settings", string.Join(' ', settings.Faults)), CancellationToken.None);
            return CommandLine.Misuse;
        }

        using var host = builder.Build();
        if (await OpenStoreAsync(host.Services, verb) is { } refused)
        {
            await Console.Error.WriteLineAsync($"DbAccess cannot start: {refused}");
            await runtime.FailInitAsync(new LambdaError("Runtime.Store", refused), CancellationToken.None);
            return CommandLine.Failure;
        }

        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            // The event in hand is wound up and answered, and its leases are given back, before the process goes.
            signal.Cancel = true;
            stop.Cancel();
        });
        var entry = host.Services.GetRequiredService<LambdaEntry>();
        try
        {
            await runtime.RunAsync((invocation, token) => entry.HandleAsync(verb.Function, invocation, token), stop.Token);
            return CommandLine.Success;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"The Lambda Runtime API cannot be used any more: {failure.Message}");
            return CommandLine.Failure;
        }
    }

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

    /// <summary>Ids of requests go through log lines even where nobody collects traces.</summary>
    private static ActivityListener ListenToActivities()
    {
        var tracing = new ActivityListener { ShouldListenTo = source => source.Name == Telemetry.Name, Sample = (ref _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(tracing);
        return tracing;
    }

    /// <summary>What any verb needs that works on grants: the use cases and the systems that they work with.</summary>
    internal static void AddWork(IServiceCollection services, Settings settings, Verb verb)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddApplication(ReadInstallation(settings));

        services.AddStores(settings);
        services.AddPolicyAndCredentials(settings);
        services.AddPostgres(settings);
        services.AddSlack(settings);
        services.AddScheduling(settings, hosted: verb is Verb.Serve);
    }

    private static void AddEverything(IServiceCollection services, Settings settings, Verb verb)
    {
        AddWork(services, settings, verb);
        var tenant = new SlackTenant(settings.Optional("Slack:TeamId", ""), settings.Optional("Slack:AppId", ""));
        services.AddSlackWayIn(settings.RequiredSecrets("Slack:SigningSecrets"), tenant, hosted: verb is Verb.Serve);
        services.AddHealth();
    }

    private static async Task<int> ServeAsync(WebApplication app)
    {
        app.UseMiddleware<RequestLog>();
        app.MapSlack();
        app.MapHealth();
        app.MapMetrics("/metrics");
        await GrantGauges.StartAsync(app.Services.GetRequiredService<IGrantStore>(), app.Services.GetRequiredService<TimeProvider>());
        try
        {
            await app.StartAsync();
        }
        catch (Exception failure) when (failure is IOException or FormatException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            // The address is taken, is not this machine's, or is no address.
            await Console.Error.WriteLineAsync($"DbAccess cannot listen: {failure.Message}");
            return CommandLine.Failure;
        }

        app.Logger.LogInformation("DbAccess listens on {Addresses}", string.Join(", ", app.Urls));
        await app.WaitForShutdownAsync();
        return CommandLine.Success;
    }

    private static async Task<int> SweepAsync(WebApplication app, Verb.Sweep sweep)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        var failed = false;
        if (sweep.Reconcile || sweep.DryRun)
        {
            var drift = (await mediator.Send(new ReconcileRoles(sweep.DryRun, sweep.Confirm))).Value;
            foreach (var line in drift.Lines) Console.WriteLine(line.ToString());
            Console.WriteLine(drift.ToString());
            failed = drift.Count(FindingOutcome.Failed) > 0;
        }
        if (sweep.DryRun)
        {
            var preview = (await mediator.Send(new PreviewSweep())).Value;
            foreach (var line in preview.Lines) Console.WriteLine(line);
            Console.WriteLine($"{preview.Lines.Count} due; nothing was done.");
            return failed ? CommandLine.Failure : CommandLine.Success;
        }

        var report = (await mediator.Send(new ExpireGrants())).Value;
        Console.WriteLine(report.ToString());
        return !failed && report.Failed.Count == 0 && report.Count(StepReport.Postponed) == 0 ? CommandLine.Success : CommandLine.Failure;
    }

    private static async Task<int> DoctorAsync(WebApplication app, Verb.Doctor doctor)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var examination = (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ExamineClusters())).Value;
        if (doctor.Json) Console.WriteLine(DoctorText.AsJson(examination));
        else foreach (var line in DoctorText.Lines(examination)) Console.WriteLine(line);
        return examination.Health is Health.Fail ? CommandLine.Failure : CommandLine.Success;
    }

    private static int Say(string words)
    {
        Console.WriteLine(words);
        return CommandLine.Success;
    }

    private static async Task<int> LintAsync(Verb.PolicyLint lint)
    {
        var path = lint.Path ?? new ConfigurationBuilder().AddEnvironmentVariables().Build()["Policy:Path"] ?? "policy/access-policy.yaml";
        if (!File.Exists(path))
        {
            await Console.Error.WriteLineAsync($"There is no file {path}.");
            return CommandLine.Misuse;
        }

        var reading = PolicyYaml.Read(await File.ReadAllBytesAsync(path));
        foreach (var line in PolicyReport.Lines(path, reading)) Console.WriteLine(line);
        return reading.Policy is null ? CommandLine.Failure : CommandLine.Success;
    }

    /// <summary>Needs no setting, so that it also works in a shell beside the service.</summary>
    private static async Task<int> HealthAsync(Verb.Health health)
    {
        // No proxy: it is this machine that is asked, whatever the environment says about the way out.
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var response = await http.GetAsync(health.Address);
            var words = await response.Content.ReadAsStringAsync();
            if (response.IsSuccessStatusCode)
            {
                Console.WriteLine(words);
                return CommandLine.Success;
            }

            await Console.Error.WriteLineAsync($"{health.Address} answered {(int)response.StatusCode}: {words}");
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"{health.Address} did not answer: {failure.Message}");
        }

        return CommandLine.Failure;
    }

    private static Installation ReadInstallation(Settings settings)
    {
        var name = settings.Required("Installation");
        if (name.Length > 0 && !InstallationShape().IsMatch(name)) settings.Fault($"Installation is '{name}'; it must be 1 to 63 letters, digits, '.', '_' or '-'.");
        return new Installation(name);
    }

    private static Serilog.ILogger Logging(Verb verb) => new LoggerConfiguration()
        .MinimumLevel.Information()
        .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
        .MinimumLevel.Override("System.Net.Http", LogEventLevel.Warning)
        .MinimumLevel.Override("Quartz", LogEventLevel.Warning)
        .MinimumLevel.Override("Npgsql", LogEventLevel.Error)
        .Enrich.FromLogContext()
        .WriteTo.Console(new RenderedCompactJsonFormatter(), standardErrorFromLevel: verb is Verb.Serve ? null : LogEventLevel.Verbose)
        .CreateLogger();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex InstallationShape();
}
