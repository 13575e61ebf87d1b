using DbAccess.Domain.Grants;

namespace DbAccess.Application.Home;

/// <summary>What somebody who has access has open.</summary>
/// <param name="LastStatement">When the newest statement began, to the minute; null when none ran, or that cannot be seen.</param>
public sealed record SessionLook(int Sessions, DateTimeOffset? LastStatement);

/// <summary>
/// What this process saw open at its last look, for showing only. What did not answer then is not in it, since nobody knows.
/// </summary>
internal sealed class SessionLooks
{
    private volatile IReadOnlyDictionary<GrantId, SessionLook> _last = new Dictionary<GrantId, SessionLook>();

    public IReadOnlyDictionary<GrantId, SessionLook> Last => _last;

    /// <returns>Whether it is another picture than the one before.</returns>
    public bool Replace(IReadOnlyDictionary<GrantId, SessionLook> seen)
    {
        var before = _last;
        _last = seen;
        return before.Count != seen.Count || seen.Any(look => before.GetValueOrDefault(look.Key) != look.Value);
    }
}
