using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace DbAccess.TestKit.Aws;

/// <summary>
/// AWS as moto emulates it, one server for a whole test assembly: <c>[assembly: AssemblyFixture(typeof(MotoFixture))]</c>, then a constructor
/// parameter of a test class. It starts when the first test asks for it. moto is a Python program that no registry of ours has, so where it is
/// absent the tests are skipped, in CI too. Tables and buckets get names of their own: nothing is ever reset.
/// </summary>
public sealed class MotoFixture : IAsyncLifetime
{
    private readonly Lazy<Task<Uri?>> _started;
    private Process? _process;

    public MotoFixture() => _started = new Lazy<Task<Uri?>>(StartAsync);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Where it listens; asking skips the test when there is no moto.</summary>
    public async Task<Uri> EndpointAsync()
    {
        if (await _started.Value is { } endpoint) return endpoint;
        Assert.Skip("moto_server not found");
        throw new InvalidOperationException("A skipped test goes on.");
    }

    /// <summary>A name nobody else has.</summary>
    public static string Unique(string prefix) => $"{prefix}-{Guid.NewGuid():N}";

    public async ValueTask DisposeAsync()
    {
        if (_process is null) return;
        try
        {
            // The command may be a wrapper around the server, so both go.
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }
        finally
        {
            _process.Dispose();
        }
    }

    private async Task<Uri?> StartAsync()
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "moto_server")).FirstOrDefault(File.Exists);
        if (program is null) return null;

        for (var attempt = 1; ; attempt++)
        {
            var endpoint = new Uri($"http://127.0.0.1:{FreePort()}");
            var start = new ProcessStartInfo(program, ["-H", "127.0.0.1", "-p", $"{endpoint.Port}"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
            _process = Process.Start(start)!;
            // Nobody reads its log; a full pipe would stop it.
            _process.OutputDataReceived += (_, _) => { };
            _process.ErrorDataReceived += (_, _) => { };
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            if (await AnswersAsync(endpoint)) return endpoint;

            // Somebody took the port in between.
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            if (attempt == 3) throw new InvalidOperationException("moto_server does not answer.");
        }
    }

    private async Task<bool> AnswersAsync(Uri endpoint)
    {
        using var http = new HttpClient { BaseAddress = endpoint, Timeout = TimeSpan.FromSeconds(5) };
        for (var tries = 0; tries < 150 && !_process!.HasExited; tries++)
        {
            try
            {
                using var answer = await http.GetAsync("/moto-api/data.json");
                if (answer.StatusCode is HttpStatusCode.OK) return true;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            await Task.Delay(200);
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
