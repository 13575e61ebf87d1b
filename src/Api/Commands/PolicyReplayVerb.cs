using System.CommandLine;
using DbAccess.Application.Policies;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>policy replay</c>: what another policy would have said to the requests on record, each as of when it was asked. Slack is asked
/// nothing: the groups are those of the policies' lists of users, or those that <c>--in</c> names.
/// </summary>
internal static class PolicyReplayVerb
{
    public static VerbCommand Describe()
    {
        var file = Takes.Word("file", "The new policy.");
        var since = Takes.Value("--since", "TIME", "How far back, 30d unless said otherwise.", text => Durations.Parse(text) is not null,
            "a length of time like 30d");
        var groups = Takes.List("--in", "GROUP,GROUP",
            "The groups that everybody is taken to be in; otherwise the policy's lists of users.");
        return new VerbCommand("replay", "Which requests on record that policy would decide otherwise.", read =>
            new Verb.PolicyReplay(read.GetValue(file)!, Durations.Parse(read.GetValue(since) ?? "30d")!.Value,
                Takes.Split(read.GetValue(groups))), file, since, groups);
    }

    /// <param name="team">The workspace that the people are of whom the policies list.</param>
    public static async Task<int> RunAsync(IServiceProvider services, Verb.PolicyReplay verb, AccessPolicy policy, string team)
    {
        await using var scope = services.CreateAsyncScope();
        var since = services.GetRequiredService<TimeProvider>().GetUtcNow() - verb.Since;
        var people = policy.Groups.Values.Concat(services.GetRequiredService<IPolicySource>().Current.Groups.Values)
            .SelectMany(group => group.Users).Distinct(StringComparer.Ordinal)
            .Select(user => PrincipalId.Parse(team, user)).OfType<PrincipalId>().ToList();
        var recorded = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ListRecordedRequests(since, people));
        if (recorded.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return CommandLine.Failure;
        }

        var differences = Differences(policy, recorded.Value.Grants, verb.In).ToList();
        foreach (var line in differences) Console.WriteLine(line);
        await Console.Error.WriteLineAsync(
            $"{recorded.Value.Grants.Count} requests since {since:yyyy-MM-dd HH:mm} UTC, {differences.Count} would be decided otherwise. " +
            "Seen are those that live, and those of people who hold one of them or are listed in a policy by their id.");
        var unlisted = policy.Groups.Values.Where(group => group.SlackUsergroup is not null).Select(group => group.Name).ToList();
        if (verb.In is null && unlisted.Count > 0)
            await Console.Error.WriteLineAsync(
                $"Slack is not asked who is in {string.Join(", ", unlisted)}; --in takes everybody as a member of the groups it names.");
        return CommandLine.Success;
    }

    /// <summary>A line for each request that would be decided otherwise: <c>ID was → would be: why</c>.</summary>
    internal static IEnumerable<string> Differences(
        AccessPolicy policy, IEnumerable<GrantSnapshot> grants, IReadOnlyList<string>? groups)
    {
        foreach (var grant in grants.OrderBy(grant => grant.CreatedAt))
        {
            var member = groups
                ?? policy.Groups.Values.Where(group => group.Users.Contains(grant.Requester.User)).Select(group => group.Name);
            // As the whole scope, whatever it was narrowed to: less of it needs no other rule.
            var question = new AccessQuestion(
                member.Append(AccessPolicy.Everyone).ToHashSet(StringComparer.Ordinal), grant.Target.Name, grant.Scope.Name, grant.Duration,
                grant.Reason, grant.CreatedAt)
            {
                BreakGlass = grant.BreakGlass, StartsAt = grant.StartsAt,
            };
            var answer = PolicyAnswer.Of(policy, question, []);
            // What is on record was not refused.
            var was = WasAsked(grant) ? PolicyOutcome.Approval : PolicyOutcome.Allowed;
            // By another rule it is the same decision, unless other people are asked.
            if (answer.Outcome == was && (answer.Rule == grant.Rule || was is PolicyOutcome.Allowed)) continue;
            yield return $"{grant.Id} {was.ToString().ToLowerInvariant()} by {grant.Rule} → {answer.Word}" +
                $"{(answer.Rule is { } rule ? $" by {rule}" : "")}: {(answer.Code is { } code ? $"{code}: " : "")}{answer.Words}";
        }
    }

    /// <summary>Decided at once, it was approved in the moment in which it was made.</summary>
    private static bool WasAsked(GrantSnapshot grant) => grant.ApprovedAt is null || grant.ApprovedAt > grant.CreatedAt;
}
