namespace DbAccess.Domain.Policies;

/// <summary>What the policy says to a request, in one word.</summary>
public enum PolicyOutcome
{
    /// <summary>Given at once, on a break-glass rule too.</summary>
    Allowed,

    /// <summary>Given when those agree whom the rule names.</summary>
    Approval,

    Refused,
}

/// <summary>What the author of a policy expects of it; checked by <c>policy lint</c>, and nothing is decided by it.</summary>
/// <param name="Ask">As it would be typed in Slack.</param>
/// <param name="In">The groups that the person is in; <c>everyone</c> comes by itself.</param>
/// <param name="At">When it is asked; null for the moment of the check.</param>
/// <param name="Rule">The rule that has to decide, or null for any.</param>
/// <param name="Code">The code that it has to be refused with, or null for any.</param>
public sealed record PolicyTest(
    string Ask, IReadOnlyList<string> In, DateTimeOffset? At, PolicyOutcome Expect, string? Rule, string? Code)
{
    /// <summary>Where it stands in the file, for whoever mends it; counted from 1.</summary>
    public int Line { get; init; } = 1;

    public int Column { get; init; } = 1;
}
