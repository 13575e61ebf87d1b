using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Evidence;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>What a verifier said, and the exit code.</summary>
internal sealed record Answer(string Words, int ExitCode);

/// <summary>The product's verifier and the one that shares nothing with it.</summary>
internal static class Verifiers
{
    public static async Task<Answer> OursAsync(string folder, string pem, params string[] kept)
    {
        var verdict = await new ExportFolder(folder).VerifyAsync(LogKey.FromPem(pem), kept, null, TestContext.Current.CancellationToken);
        return new Answer(string.Join('\n', verdict.Words()), verdict.ExitCode);
    }

    public static async Task<Answer> PythonAsync(string folder, string keyFile, params string[] kept)
    {
        var (answer, _) = await RunAsync([folder, "--key", keyFile, .. kept.SelectMany(path => (string[])["--checkpoint", path])]);
        return answer;
    }

    public static async Task<(Answer Answer, string Errors)> RunAsync(IEnumerable<string> arguments)
    {
        SkipWithout("python3");
        SkipWithout("openssl");
        using var process = Process.Start(new ProcessStartInfo("python3", ["-I", Script(), .. arguments])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var words = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (new Answer(words.TrimEnd('\n'), process.ExitCode), await errors);
    }

    private static string Script([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../tools/verify_audit.py"));

    /// <summary>In CI nothing may be missing.</summary>
    private static void SkipWithout(string program)
    {
        var places = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (Array.Exists(places, place => File.Exists(Path.Combine(place, program)))) return;

        var why = $"{program} was not found: tools/verify_audit.py needs it. On Debian: apt-get install {program}.";
        if (Environment.GetEnvironmentVariable("CI") == "true") throw new InvalidOperationException(why);
        Assert.Skip(why);
    }
}
