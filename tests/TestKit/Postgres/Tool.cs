using System.Diagnostics;

namespace DbAccess.TestKit.Postgres;

/// <summary>Runs one program to its end.</summary>
internal static class Tool
{
    public static async Task RunAsync(IReadOnlyList<string> command, string? workingDirectory = null)
    {
        using var process = Process.Start(Describe(command, workingDirectory))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{Path.GetFileName(command[0])} ended with {process.ExitCode}: {await output}{await error}");
    }

    public static ProcessStartInfo Describe(IReadOnlyList<string> command, string? workingDirectory)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        // A PGDATA or PGOPTIONS of the person's own must not reach a throw-away server.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
        return start;
    }
}
