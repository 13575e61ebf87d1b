using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Grants;

/// <summary>Which of the policy's groups a person is in.</summary>
internal sealed class Membership(IDirectory directory)
{
    /// <summary>
    /// Refuses when a user group cannot be read: a forbid could rest on it as well as an allow, so nobody is judged on half an answer.
    /// </summary>
    public async Task<Result<IReadOnlySet<string>>> GroupsOfAsync(
            PrincipalId person, AccessPolicy policy, CancellationToken cancellationToken)
    {
        var groups = new HashSet<string>(StringComparer.Ordinal) { AccessPolicy.Everyone };
        foreach (var group in policy.Groups.Values)
        {
            if (group.Users.Contains(person.User))
            {
                groups.Add(group.Name);
            }
            else if (group.SlackUsergroup is { } usergroup)
            {
                var members = await directory.ListMembersAsync(usergroup, cancellationToken);
                if (members.Refusal is { } refusal) return refusal;
                if (members.Value.Contains(person.User)) groups.Add(group.Name);
            }
        }

        return Result<IReadOnlySet<string>>.Of(groups);
    }
}
