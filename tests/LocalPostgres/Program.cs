using System.Runtime.InteropServices;
using DbAccess.LocalPostgres;
using DbAccess.TestKit.Postgres;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(Arguments.Help);
    return 0;
}
if (Arguments.Parse(args, out var mistakes) is not { } arguments)
{
    foreach (var mistake in mistakes) Console.Error.WriteLine(mistake);
    Console.Error.WriteLine("LocalPostgres --help says how it is used.");
    return 2;
}

// Listening before the start, so that Ctrl-C during the first seconds also cleans up.
var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
Action<PosixSignalContext> end = signal =>
{
    signal.Cancel = true;
    ended.TrySetResult();
};
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, end);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, end);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, end);

string? credentials = null;
try
{
    await using var server = await PostgresServer.StartAsync(new() { Major = arguments.Major, UnsafeFast = !arguments.Durable });
    if (arguments.Sample is not null) await server.CreateSampleOrdersAsync(arguments.Sample);
    credentials = await CredentialsFile.WriteAsync(server, arguments.CredentialsDirectory, arguments.Cluster);
    Console.WriteLine($"PostgreSQL {server.Major} on {PostgresServer.Host}:{server.Port}");

    if (arguments.Stdin) _ = EndWithInputAsync(ended);
    while (!ended.Task.IsCompleted && server.IsRunning)
        await Task.WhenAny(ended.Task, Task.Delay(TimeSpan.FromMilliseconds(500)));
    if (server.IsRunning) return 0;

    Console.Error.WriteLine("PostgreSQL ended by itself.");
    return 1;
}
catch (Exception failure) when (failure is InvalidOperationException or IOException or UnauthorizedAccessException or Npgsql.NpgsqlException)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
finally
{
    // They open nothing any more, and a later start would otherwise read them as if they did.
    if (credentials is not null) File.Delete(credentials);
}

static async Task EndWithInputAsync(TaskCompletionSource ended)
{
    while (await Console.In.ReadLineAsync() is not null)
    {
        // Nothing is said this way; only the end of input counts.
    }
    ended.TrySetResult();
}
