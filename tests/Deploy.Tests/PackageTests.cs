using System.Diagnostics;

namespace DbAccess.Deploy.Tests;

/// <summary>A package that Lambda's own operating system cannot start is refused by the script that makes it, and not by an alarm at night.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly string _program = Path.GetTempFileName();

    public void Dispose() => File.Delete(_program);

    [Theory]
    [InlineData("GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0", 0, "")]
    [InlineData("GLIBC_2.34\0GLIBC_2.38\0GLIBC_2.9\0", 1, "needs glibc 2.38, and Lambda's provided.al2023 has 2.34")]
    [InlineData("GLIBC_2.100\0", 1, "needs glibc 2.100")]
    [InlineData("linked with something else", 1, "names no version of glibc")]
    public async Task A_program_that_needs_a_newer_C_library_than_Lambda_has_is_refused(string symbols, int exit, string words)
    {
        await File.WriteAllBytesAsync(_program, [0x7f, .. "ELF\0\xff"u8, .. System.Text.Encoding.ASCII.GetBytes(symbols)], TestContext.Current.CancellationToken);

        var (code, said) = await BashAsync($". scripts/lib/glibc.sh && runs_on_lambda '{_program}'");

        Assert.Equal((exit, true), (code, said.Contains(words, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_script_that_makes_the_package_looks() =>
        Assert.Contains("$(runs_on_lambda \"$work/out/bootstrap\") ||", Checkout.Read("scripts", "package-functions"), StringComparison.Ordinal);

    private static async Task<(int Code, string Said)> BashAsync(string command)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash") { ArgumentList = { "-euo", "pipefail", "-c", command }, WorkingDirectory = Checkout.Root, RedirectStandardOutput = true, UseShellExecute = false })!;
        var said = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (bash.ExitCode, said);
    }
}
