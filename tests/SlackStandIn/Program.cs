using System.Runtime.InteropServices;
using DbAccess.SlackStandIn;

if (args.Contains("--help", StringComparer.Ordinal))
{
    Console.WriteLine(CommandLine.Help);
    return 0;
}

StandInServer server;
try
{
    server = await StandIn.StartAsync(CommandLine.Read(args, Environment.GetEnvironmentVariable));
}
catch (FormatException fault)
{
    Console.Error.WriteLine(fault.Message);
    Console.Error.WriteLine("Try --help.");
    return 2;
}
catch (IOException fault)
{
    Console.Error.WriteLine("The stand-in cannot listen: " + fault.Message);
    return 1;
}

await using (server)
{
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    Console.WriteLine($"Slack stand-in on http://127.0.0.1:{server.BaseUrl.Port}");
    await stop.Task;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }
}
return 0;
