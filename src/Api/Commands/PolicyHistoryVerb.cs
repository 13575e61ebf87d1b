using DbAccess.Application.Policies;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>policy history</c> and <c>policy show</c>: the policies that were in force, and their texts.</summary>
internal static class PolicyHistoryVerb
{
    public static async Task<int> ListAsync(IServiceProvider services)
    {
        await using var scope = services.CreateAsyncScope();
        var found = (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ListKeptPolicies())).Value.Versions;
        if (found.Count == 0) await Console.Error.WriteLineAsync("None is kept yet: serve keeps the one in force when it starts.");
        foreach (var one in found) Console.WriteLine($"{one.Hash}  in force from {one.At.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        return CommandLine.Success;
    }

    public static async Task<int> ShowAsync(IServiceProvider services, Verb.PolicyShow verb)
    {
        await using var scope = services.CreateAsyncScope();
        var found = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new GetKeptPolicy(verb.Hash));
        if (found.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return CommandLine.Failure;
        }

        Console.Write(found.Value.Text);
        return CommandLine.Success;
    }
}
