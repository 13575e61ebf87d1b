using System.CommandLine;
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
    public static VerbCommand Describe()
    {
        // The team comes from the settings; any well-formed one lets the domain judge the user's half.
        var person = Takes.Value("--as", "U…", "Who would ask.", text => PrincipalId.Parse("T000", text)?.User, "a Slack user id");
        var groups = Takes.List("--in", "GROUP,GROUP", "The groups they are in; with it Slack is asked nothing.");
        var at = Takes.Value("--at", "INSTANT", "When, for example 2026-12-01T10:00:00Z.", Instants.Parse,
            "an instant like 2026-12-01T10:00:00Z");
        var policy = Takes.Value("--policy", "FILE", "Another policy than that of the settings.");
        var ask = new Argument<string[]>("ask")
        {
            Description = "As it would be typed in Slack: \"orders read 2h because x\".", Arity = ArgumentArity.OneOrMore,
        };
        return new VerbCommand("explain", "What would be decided, and why, rule by rule.", read => new Verb.PolicyExplain(
                read.GetValue(person), Takes.Split(read.GetValue(groups)), string.Join(' ', read.GetValue(ask)!),
                read.GetValue(at), read.GetValue(policy)), ask, person, groups, at, policy)
            .Where(said => !said.Has(person) && !said.Has(groups)
                ? "policy explain wants --as U… or --in group,group (or both)." : null);
    }

    /// <summary>With the groups as they are given.</summary>
    public static async Task<int> RunAsync(Verb.PolicyExplain verb, AccessPolicy policy, DateTimeOffset now, TextWriter output)
    {
        if (verb.In!.FirstOrDefault(group => !policy.Groups.ContainsKey(group) && group is not AccessPolicy.Everyone) is { } unknown)
        {
            await Console.Error.WriteLineAsync($"The policy has no group '{unknown}'.");
            return ExitCode.Misuse;
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
            return ExitCode.Misuse;
        }

        await using var scope = services.CreateAsyncScope();
        var standing = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new GetMemberships(person));
        if (standing.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return ExitCode.Failure;
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
        return ExitCode.Success;
    }
}
