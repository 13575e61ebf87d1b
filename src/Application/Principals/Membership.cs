using DbAccess.Application.Ports;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Principals;

/// <summary>Where a person stands: the policy's groups that they are in, and those of which nobody can say now.</summary>
internal sealed record Standing(IReadOnlySet<string> Groups, IReadOnlySet<string> Unreadable)
{
    /// <summary>Member of one of these, as far as it can be read.</summary>
    public bool IsIn(IEnumerable<string> groups) => groups.Any(Groups.Contains);
}

/// <summary>Which of the policy's groups a person is in.</summary>
internal sealed class Membership(IDirectory directory, GroupHealth health)
{
    /// <summary>
    /// A user group that cannot be read closes only what rests on it, see <see cref="AccessQuestion.Unreadable"/>. All are asked at once: a
    /// directory that does not answer costs its patience once, not once a group.
    /// </summary>
    public async Task<Standing> StandingOfAsync(PrincipalId person, AccessPolicy policy, CancellationToken cancellationToken)
    {
        HashSet<string> groups = new(StringComparer.Ordinal) { AccessPolicy.Everyone }, unreadable = new(StringComparer.Ordinal);
        groups.UnionWith(policy.Groups.Values.Where(group => group.Users.Contains(person.User)).Select(group => group.Name));

        var asked = policy.Groups.Values.Where(group => group.SlackUsergroup is not null && !groups.Contains(group.Name))
            .Select(async group => (group, Members: await directory.ListMembersAsync(group.SlackUsergroup!, cancellationToken)));
        foreach (var ((name, _, usergroup), members) in await Task.WhenAll(asked))
        {
            health.Remember(usergroup!, members.Refusal);
            if (members.Refusal is not null) unreadable.Add(name);
            else if (members.Value.Contains(person.User)) groups.Add(name);
        }

        return new Standing(groups, unreadable);
    }
}
