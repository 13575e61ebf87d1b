using System.Globalization;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Commands;

/// <summary>What <c>policy lint</c> prints. Pure; what the exit code is, the command line decides.</summary>
internal static class PolicyReport
{
    /// <summary>One line per fault and warning, in the <c>file:line:column:</c> form that editors follow, and one line to close.</summary>
    /// <param name="failed">The policy's own tests that it does not pass.</param>
    public static IReadOnlyList<string> Lines(string path, PolicyReading reading, IReadOnlyList<PolicyFault> failed)
    {
        var lines = new List<string>();
        foreach (var (word, fault) in reading.Faults.Concat(failed).Select(fault => ("error", fault)).Concat(
            reading.Warnings.Select(fault => ("warning", fault))).OrderBy(entry => entry.fault.Line).ThenBy(entry => entry.fault.Column))
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{path}:{fault.Line}:{fault.Column}: {word}: {fault.Sentence}"));

        lines.Add(reading.Policy is { } policy
            ? $"{path}: {Count(policy.Databases.Count, "database")}, {Count(policy.Scopes.Count, "scope")}, " +
                $"{Count(policy.Allow.Count + policy.Forbid.Count, "rule")}; " +
                $"{Tests(policy, failed)}{Count(reading.Warnings.Count, "warning")}; sha256 {policy.Hash}"
            : $"{path}: {Count(reading.Faults.Count, "error")}; the file would not be taken");
        return lines;
    }

    private static string Tests(AccessPolicy policy, IReadOnlyList<PolicyFault> failed) => policy.Tests.Count == 0 ? ""
        : $"{Count(policy.Tests.Count, "test")}, {failed.Count} failed; ";

    private static string Count(int number, string what) => $"{number} {what}{(number == 1 ? "" : "s")}";
}
