using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>One line of a grant's story, stored in the same write as the state it tells of.</summary>
/// <param name="Sequence">1 for the first event of the grant.</param>
/// <param name="Type">Stable and for machines: <c>grant.requested</c>, <c>grant.activated</c>, …</param>
/// <param name="From">The status before, null for the first event.</param>
/// <param name="To">The status after; equal to <paramref name="From"/> when something happened that moved nothing.</param>
/// <param name="Note">In words, without secrets: the reason somebody gave, what was found and done.</param>
public sealed record GrantEvent(int Sequence, DateTimeOffset At, string Type, Actor By, GrantStatus? From, GrantStatus To, string? Note)
{
    /// <summary>What the role gives, where the log is to tell of it; only of a new event, and not read back.</summary>
    public IReadOnlyList<string>? Gives { get; init; }

    /// <summary>The type of what was run on the target databases; see <see cref="Grant.Ran"/>.</summary>
    public const string Statements = "grant.statements";
}
