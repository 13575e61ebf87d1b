using DbAccess.Application.Policies;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>policy history</c>: the policies that were in force.</summary>
internal static class PolicyHistoryVerb
{
    public static VerbCommand Describe() =>
        new("history", "The last policies that were in force, by their hash.", _ => new Verb.PolicyHistory());

    public static async Task<int> RunAsync(IServiceProvider services)
    {
        await using var scope = services.CreateAsyncScope();
        var found = (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ListKeptPolicies())).Value.Versions;
        if (found.Count == 0) await Console.Error.WriteLineAsync("None is kept yet: serve keeps the one in force when it starts.");
        foreach (var one in found) Console.WriteLine($"{one.Hash}  in force from {one.At.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        return ExitCode.Success;
    }
}
