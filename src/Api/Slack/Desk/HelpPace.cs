using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Desk;

/// <summary>At most one hint per person and minute, so that two programs that answer each other do not talk for ever.</summary>
internal sealed class HelpPace(TimeProvider clock)
{
    private const int Most = 10_000;
    private readonly Lock _gate = new();
    private readonly Dictionary<PrincipalId, DateTimeOffset> _last = [];

    public bool MayHint(PrincipalId person)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            if (_last.TryGetValue(person, out var last) && now - last < TimeSpan.FromMinutes(1)) return false;
            if (_last.Count >= Most) _last.Clear();
            _last[person] = now;
            return true;
        }
    }
}
