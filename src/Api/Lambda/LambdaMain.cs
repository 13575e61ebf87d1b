using System.Runtime.InteropServices;
using DbAccess.Api.Operations;
using DbAccess.Application.Ports;
using Serilog;

namespace DbAccess.Api.Lambda;

/// <summary>
/// A function from its start to its end. The services are built once for all the events that this environment is given, so pools and caches
/// live as long as it does. What is in them is the affair of whoever starts it.
/// </summary>
internal static class LambdaMain
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int Misuse = 2;

    public static LambdaFunction? Parse(string? name) => name switch
    {
        "create-db-user" => LambdaFunction.CreateDbUser,
        "expire-db-users" => LambdaFunction.ExpireDbUsers,
        _ => null,
    };

    /// <param name="compose">Registers everything, and answers which settings are wrong.</param>
    /// <param name="open">Opens the store; answers why it cannot be used, or null.</param>
    /// <returns>The exit code: 0 told to stop; 1 the store or the Runtime API cannot be used; 2 a wrong call or wrong settings.</returns>
    public static async Task<int> RunAsync(
        LambdaFunction function, Func<IServiceCollection, IConfiguration, IReadOnlyList<string>> compose,
            Func<IServiceProvider, Task<string?>> open)
    {
        if (LambdaRuntime.ParseAddress(Environment.GetEnvironmentVariable(LambdaRuntime.AddressVariable)) is not { } address)
        {
            await Console.Error.WriteLineAsync(
                $"'lambda' runs inside AWS Lambda: {LambdaRuntime.AddressVariable} must name the Runtime API (host:port). Elsewhere use " +
                "'serve' or 'sweep'.");
            return Misuse;
        }

        using var tracing = ProductLog.ListenToActivities();
        using var runtime = new LambdaRuntime(address, TimeProvider.System);
        var configuration = new ConfigurationBuilder().SetBasePath(Directory.GetCurrentDirectory())
            .AddJsonFile("appsettings.json", optional: true).AddJsonFile("appsettings.Production.json", optional: true)
                .AddEnvironmentVariables().Build();
        var services = new ServiceCollection();
        services.AddLogging().AddSerilog(ProductLog.Create(toStandardError: true), dispose: true);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<LambdaEntry>();
        var faults = compose(services, configuration);
        if (faults.Count > 0)
        {
            foreach (var fault in faults) await Console.Error.WriteLineAsync($"  - {fault}");
            await TellAsync(runtime, new LambdaError("Runtime.Settings", string.Join(' ', faults)));
            return Misuse;
        }

        // That everything can be built is checked by a test, not at each cold start.
        await using var provider = services.BuildServiceProvider(new ServiceProviderOptions { ValidateScopes = true });
        if (await open(provider) is { } refused)
        {
            await Console.Error.WriteLineAsync($"DbAccess cannot start: {refused}");
            await TellAsync(runtime, new LambdaError("Runtime.Store", refused));
            return Failure;
        }

        if (provider.GetRequiredService<IPolicySource>().Missing is not null)
            provider.GetRequiredService<ILogger<LambdaEntry>>()
                .LogError("There is no policy that can be used ({Why}); every step is taken all the same",
                provider.GetRequiredService<IPolicyHealth>().Rejected);

        return await ServeAsync(runtime, function, provider.GetRequiredService<LambdaEntry>());
    }

    /// <summary>One event after the other, until the platform wants the process to go.</summary>
    private static async Task<int> ServeAsync(LambdaRuntime runtime, LambdaFunction function, LambdaEntry entry)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            // The event in hand is wound up and answered, and its leases are given back, before the process goes.
            signal.Cancel = true;
            stop.Cancel();
        });
        try
        {
            await runtime.RunAsync((invocation, token) => entry.HandleAsync(function, invocation, token), stop.Token);
            return Success;
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"The Lambda Runtime API cannot be used any more: {failure.Message}");
            return Failure;
        }
    }

    /// <summary>Standard error has said it already: a platform that cannot be told changes nothing about how this ends.</summary>
    private static async Task TellAsync(LambdaRuntime runtime, LambdaError error)
    {
        try
        {
            await runtime.FailInitAsync(error, CancellationToken.None);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"The Lambda Runtime API could not be told: {failure.Message}");
        }
    }
}
