using System.Collections.Concurrent;
using System.Diagnostics;
using DbAccess.TestKit;

namespace DbAccess.Demo;

/// <summary>The product as its users run it: a process of its own, told everything by its environment.</summary>
public sealed class DbAccessProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _exited;
    private readonly ConcurrentQueue<string> _output = new();
    private bool _disposed;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Asked for once: a process that was disposed of cannot be waited for any more.
    private DbAccessProcess(Process process) => (_process, _exited) = (process, process.WaitForExitAsync());

    /// <summary>Where it answers.</summary>
    public Uri Url { get; private set; } = null!;

    /// <summary>Where health and metrics answer.</summary>
    public Uri Operations { get; private set; } = null!;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Every line it printed, on either stream.</summary>
    public IReadOnlyCollection<string> Output => _output;

    /// <summary>
    /// Becomes the product, with a watcher beside it: the end of standard input, which also comes when we are killed, ends the product. The
    /// kernel's parent-death signal would not do: it follows the thread that started the process, not us.
    /// </summary>
    private const string Leash = """
        me=$$
        exec 3<&0 </dev/null
        (while read -r _ <&3; do :; done; kill -s KILL "$me") >/dev/null 2>&1 &
        exec 3<&-
        exec "$@"
        """;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <exception cref="InvalidOperationException">It ended before it listened; says what it printed.</exception>
    public static async Task<DbAccessProcess> StartAsync(IReadOnlyDictionary<string, string> settings, string directory, Action<string>? onLine = null)
    {
        var product = Start([], settings, directory, onLine);
        try
        {
            product.Url = await product.UntilAsync(product._listening.Task, "listened");
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it with these arguments and waits for nothing.</summary>
    /// <param name="program">Another executable than the product of this build.</param>
    public static DbAccessProcess Start(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, string directory, Action<string>? onLine = null, string? program = null)
    {
        var product = new DbAccessProcess(Launch(arguments, settings, directory, program));
        product.Follow(product._process.StandardOutput, onLine);
        product.Follow(product._process.StandardError, onLine);
        return product;
    }

    /// <summary>Waits for something that it does, as long as it lives; <paramref name="what"/> is what it did not do when it dies first.</summary>
    public async Task<T> UntilAsync<T>(Task<T> done, string what)
    {
        if (await Task.WhenAny(done, Exited).WaitAsync(Patience.Limit) == done) return await done;
        throw new InvalidOperationException($"DbAccess ended with {_process.ExitCode} before it {what}:\n{string.Join('\n', _output)}");
    }

    /// <summary>Done when it has ended.</summary>
    public Task Exited => _exited;

    /// <summary>Runs it to its end: exit code, standard output, standard error.</summary>
    public static async Task<(int Exit, string Output, string Error)> RunAsync(string[] arguments, IReadOnlyDictionary<string, string> settings, string directory)
    {
        using var process = Launch(arguments, settings, directory);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience.Limit);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.StandardInput.Close();
        }

        SecretLedger.Wrote(await output);
        SecretLedger.Wrote(await error);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Asks it to stop, as an operator would, and waits for it; answers its exit code.</summary>
    public async Task<int> StopAsync()
    {
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString()]);
            await kill.WaitForExitAsync();
        }

        await _exited.WaitAsync(Patience.Limit);
        return _process.ExitCode;
    }

    /// <summary>Ends it without a chance to say goodbye.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _exited;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        try
        {
            if (!_process.HasExited) await StopAsync();
        }
        catch (TimeoutException)
        {
            await KillAsync();
        }

        await _exited;
        _process.StandardInput.Close();
        _process.Dispose();
    }

    private static Process Launch(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, string directory, string? program = null)
    {
        var start = new ProcessStartInfo("sh") { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (var argument in (string[])["-c", Leash, "sh", .. program is null ? (string[])["dotnet", Repository.Product] : [program]]) start.ArgumentList.Add(argument);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);

        // Nothing of this machine's own settings may reach it.
        foreach (var key in start.Environment.Keys.Where(key => key.Contains("__", StringComparison.Ordinal) || key.StartsWith("AWS_", StringComparison.Ordinal) || key.StartsWith("OTEL_", StringComparison.Ordinal) || key is "Installation" or "Delivery").ToList()) start.Environment.Remove(key);
        start.Environment["DOTNET_ENVIRONMENT"] = "Production";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        foreach (var (key, value) in settings) start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
    }

    private void Follow(StreamReader stream, Action<string>? onLine) => _ = Task.Run(async () =>
    {
        while (await stream.ReadLineAsync() is { } line)
        {
            _output.Enqueue(line);
            SecretLedger.Wrote(line);
            onLine?.Invoke(line);
            // Said first, so that it is known when the product listens.
            if (AddressBehind("Health and metrics answer on ", line) is { } operations) Operations = operations;
            if (AddressBehind("DbAccess listens on ", line) is { } url) _listening.TrySetResult(url);
        }
    });

    private static Uri? AddressBehind(string marker, string line)
    {
        var at = line.IndexOf(marker, StringComparison.Ordinal);
        return at >= 0 && Uri.TryCreate(line[(at + marker.Length)..].Trim('\\', '"').Split('"', ',', '\\', ' ')[0], UriKind.Absolute, out var url) ? url : null;
    }
}

/// <summary>Where things lie in this checkout.</summary>
public static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// The product's own assembly: the one of <c>DBACCESS_TEST_PRODUCT</c>, or else that of the same build configuration as this one.
    /// </summary>
    public static string Product
    {
        get
        {
            if (Environment.GetEnvironmentVariable("DBACCESS_TEST_PRODUCT") is { Length: > 0 } published) return published;
            var configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";
            var path = Path.Combine(Root, "src", "Api", "bin", configuration, "net10.0", "DbAccess.Api.dll");
            return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is not there: build the solution first.");
        }
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DbAccess.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("DbAccess.sln was not found above this program.");
    }
}
