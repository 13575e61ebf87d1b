using System.CommandLine;
using DbAccess.Api.Operations;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Endpoints;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>serve</c>: two listeners. The public one answers <c>/slack/…</c> and nothing else; health and metrics have one of their own, which is
/// on this machine only unless <c>Operations:Urls</c> says otherwise: no path can lead from the one to the other.
/// </summary>
internal static class ServeVerb
{
    public static VerbCommand Describe()
    {
        var urls = Urls();
        return new VerbCommand(
            "serve", "Answer Slack, make and remove roles: the verb when none is given.", read => Meant(read, urls), urls);
    }

    public static Option<string?> Urls() => Takes.Value("--urls", "URL", "Where to listen, for example http://127.0.0.1:5080.");

    public static Verb Meant(ParseResult read, Option<string?> urls) =>
        new Verb.Serve(read.GetValue(urls) is { } where ? ["--urls", where] : []);

    /// <param name="urls">Where health and metrics answer.</param>
    public static async Task<int> RunAsync(WebApplication app, string urls)
    {
        app.UseMiddleware<RequestLog>();
        app.UseMiddleware<PlainPaths>();
        app.MapSlack();
        await using var operations = OperationsListener.Build(app.Services, urls);
        await WarmUp.RunAsync(app.Services, app.Services.GetRequiredService<TimeProvider>(), app.Logger);
        try
        {
            await operations.StartAsync();
            await app.StartAsync();
        }
        catch (Exception failure)
            when (failure is IOException or FormatException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            // The address is taken, is not this machine's, or is no address.
            await Console.Error.WriteLineAsync($"DbAccess cannot listen: {failure.Message}");
            return ExitCode.Failure;
        }

        app.Logger.LogInformation("Health and metrics answer on {Addresses}", string.Join(", ", operations.Urls));
        app.Logger.LogInformation("DbAccess listens on {Addresses}", string.Join(", ", app.Urls));
        await app.WaitForShutdownAsync();
        await operations.StopAsync();
        return ExitCode.Success;
    }
}
