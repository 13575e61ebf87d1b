using System.CommandLine;
using DbAccess.Application.Policies;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
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
        var since = Takes.Value("--since", "TIME", "How far back, 30d unless said otherwise.", Durations.Parse,
            "a length of time like 30d");
        var groups = Takes.List("--in", "GROUP,GROUP",
            "The groups that everybody is taken to be in; otherwise the policy's lists of users.");
        return new VerbCommand("replay", "Which requests on record that policy would decide otherwise.", read =>
            new Verb.PolicyReplay(read.GetValue(file)!, read.GetValue(since) ?? TimeSpan.FromDays(30),
                Takes.Split(read.GetValue(groups))), file, since, groups);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.PolicyReplay verb, AccessPolicy policy)
    {
        await using var scope = services.CreateAsyncScope();
        var since = services.GetRequiredService<TimeProvider>().GetUtcNow() - verb.Since;
        var recorded = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ListRecordedRequests(since));
        if (recorded.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return ExitCode.Failure;
        }

        var (differences, progress, read) = (new List<(DateTimeOffset At, string Line)>(), new Progress("requests looked at"), 0);
        await foreach (var grant in recorded.Value.Requests)
        {
            progress.Report(++read);
            if (Difference(policy, grant, verb.In) is { } line) differences.Add((grant.CreatedAt, line));
        }

        foreach (var (_, line) in differences.OrderBy(one => one.At)) Console.WriteLine(line);
        await Console.Error.WriteLineAsync(
            $"{read} requests since {since:yyyy-MM-dd HH:mm} UTC, {differences.Count} would be decided otherwise.");
        var unlisted = policy.Groups.Values.Where(group => group.SlackUsergroup is not null).Select(group => group.Name).ToList();
        if (verb.In is null && unlisted.Count > 0)
            await Console.Error.WriteLineAsync(
                $"Slack is not asked who is in {string.Join(", ", unlisted)}; --in takes everybody as a member of the groups it names.");
        return ExitCode.Success;
    }

    /// <summary>For a request that would be decided otherwise: <c>ID was → would be: why</c>; else null.</summary>
    internal static string? Difference(AccessPolicy policy, GrantSnapshot grant, IReadOnlyList<string>? groups)
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
        if (answer.Outcome == was && (answer.Rule == grant.Rule || was is PolicyOutcome.Allowed)) return null;
        return $"{grant.Id} {was.ToString().ToLowerInvariant()} by {grant.Rule} → {answer.Word}" +
            $"{(answer.Rule is { } rule ? $" by {rule}" : "")}: {(answer.Code is { } code ? $"{code}: " : "")}{answer.Words}";
    }

    /// <summary>Decided at once, it was approved in the moment in which it was made.</summary>
    private static bool WasAsked(GrantSnapshot grant) => grant.ApprovedAt is null || grant.ApprovedAt > grant.CreatedAt;
}
