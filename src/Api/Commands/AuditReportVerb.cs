using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Commands;

/// <summary><c>audit report</c>: who had what, by which rule, and what stands out, as a page and tables.</summary>
internal static class AuditReportVerb
{
    public static async Task<int> RunAsync(IServiceProvider services, Verb.AuditReport verb)
    {
        await Console.Error.WriteLineAsync("not merged");
        return CommandLine.Failure;
    }
}
