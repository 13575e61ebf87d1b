using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace DbAccess.TestKit.Aws;

/// <summary>moto_server as a process of its own on a free port of 127.0.0.1, with an AWS that is empty.</summary>
public sealed class MotoServer : IAsyncDisposable
{
    public const string NotFound = "moto_server not found";

    private readonly Process _process;

    private MotoServer(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <summary>Whether it can be started here.</summary>
    public static bool IsThere => Find() is not null;

    /// <summary>Null where it is not installed.</summary>
    public static async Task<MotoServer?> StartAsync()
    {
        if (Find() is not { } program) return null;

        for (var attempt = 1; ; attempt++)
        {
            var address = new Uri($"http://127.0.0.1:{FreePort()}");
            var start = new ProcessStartInfo(program, ["-H", "127.0.0.1", "-p", $"{address.Port}"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
            var server = new MotoServer(Process.Start(start)!, address);
            // Nobody reads its log; a full pipe would stop it.
            server._process.OutputDataReceived += (_, _) => { };
            server._process.ErrorDataReceived += (_, _) => { };
            server._process.BeginOutputReadLine();
            server._process.BeginErrorReadLine();
            if (await server.AnswersAsync()) return server;

            // Somebody took the port in between.
            await server.DisposeAsync();
            if (attempt == 3) throw new InvalidOperationException("moto_server does not answer.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // The command may be a wrapper around the server, so both go.
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        finally
        {
            _process.Dispose();
        }
    }

    private static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "moto_server")).FirstOrDefault(File.Exists);

    private async Task<bool> AnswersAsync()
    {
        using var http = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(30) };
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit && !_process.HasExited;)
        {
            try
            {
                using var answer = await http.GetAsync("/moto-api/data.json");
                if (answer.StatusCode is HttpStatusCode.OK) return true;
            }
            catch (Exception notYet) when (notYet is HttpRequestException or TaskCanceledException)
            {
                // Not yet.
            }

            await Task.Delay(50);
        }

        return false;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
