using DbAccess.Domain;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>A person who may act here.</summary>
/// <param name="Handle">What to call them in lists and role names; people can change it, so nothing is decided by it.</param>
public sealed record Person(PrincipalId Id, string Handle)
{
    /// <summary>The zone of their clock, <c>Europe/Istanbul</c>, by which times that they type are read. Null when not known.</summary>
    public string? Zone { get; init; }
}

/// <summary>Who people are and which groups they are in. Answers may be up to a minute old.</summary>
public interface IDirectory
{
    /// <summary>
    /// The code of the refusal of whoever it is, because the directory does not answer. Who takes away does not wait for it.
    /// </summary>
    const string Unavailable = "directory.unavailable";

    /// <summary>
    /// Refuses whoever may not act: guests, bots, people of other organisations, deactivated accounts; and everybody while the directory
    /// cannot be asked.
    /// </summary>
    Task<Result<Person>> FindAsync(PrincipalId id, CancellationToken cancellationToken);

    /// <summary>
    /// The members of a Slack user group. Refuses when it cannot be read: then nobody counts as a member, and nobody as not a member.
    /// </summary>
    Task<Result<IReadOnlySet<string>>> ListMembersAsync(string usergroup, CancellationToken cancellationToken);

    /// <summary>What is known of this person may be out of date (Slack said that they changed): the next question is asked anew.</summary>
    void Forget(PrincipalId id);
}
