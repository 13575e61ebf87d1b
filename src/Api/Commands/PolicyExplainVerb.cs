using DbAccess.Application.Policies;
using DbAccess.Application.Ports;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>policy explain</c>: what would be decided for somebody, and why, rule by rule. With <c>--in</c> it asks Slack nothing and needs no
/// setting.
/// </summary>
internal static class PolicyExplainVerb
{
    /// <summary>With the groups as they are given.</summary>
    public static async Task<int> RunAsync(Verb.PolicyExplain verb, AccessPolicy policy, DateTimeOffset now, TextWriter output)
    {
        if (verb.In!.FirstOrDefault(group => !policy.Groups.ContainsKey(group) && group is not AccessPolicy.Everyone) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"The policy has no group '{unknown}'.");
            return CommandLine.Misuse;
        }

        return Say(PolicyAsk.Judge(policy, verb.Ask, verb.In!, verb.At ?? now), output);
    }

    /// <summary>With the groups that the person is in now, by the policy and by Slack.</summary>
    /// <param name="team">The workspace that the person is of.</param>
    public static async Task<int> RunAsync(IServiceProvider services, Verb.PolicyExplain verb, string team)
    {
        if (PrincipalId.Parse(team, verb.Person!) is not { } person)
        {
            await Console.Error.WriteLineAsync("Slack:TeamId does not say of which workspace this person is; say --in with their groups.");
            return CommandLine.Misuse;
        }

        await using var scope = services.CreateAsyncScope();
        var standing = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new GetMemberships(person));
        if (standing.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return CommandLine.Failure;
        }

        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var (policy, groups) = (services.GetRequiredService<IPolicySource>().Current, standing.Value);
        return Say(PolicyAsk.Judge(policy, verb.Ask, groups.Groups, verb.At ?? now, groups.Unreadable), Console.Out);
    }

    private static int Say(PolicyAnswer answer, TextWriter output)
    {
        // The first word is for programs.
        output.WriteLine(answer.Code is { } code ? $"{answer.Word} with {code}: {answer.Words}" : $"{answer.Word} {answer.Words}");
        foreach (var line in answer.Trace) output.WriteLine($"  {line}");
        return CommandLine.Success;
    }
}
