using DbAccess.Application.Home;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Home;

/// <summary>
/// Who has looked at their page lately, and whose is to be drawn anew: when something that concerns them changed, once a minute while time
/// runs on it, and at most once a second. In memory: after a restart, and after half an hour, a page is drawn when it is opened.
/// </summary>
internal sealed class HomeVisitors(TimeProvider clock)
{
    private const int Most = 1_000;
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<PrincipalId, Visitor> _visitors = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Opened(PrincipalId person)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            if (!_visitors.TryGetValue(person, out var visitor))
            {
                if (_visitors.Count >= Most) _visitors.Remove(_visitors.MinBy(pair => pair.Value.OpenedAt).Key);
                _visitors[person] = visitor = new Visitor();
            }

            visitor.OpenedAt = now;
            Due(visitor, now);
        }
    }

    /// <summary>A grant was saved: whose pages show it?</summary>
    public void Changed(GrantSnapshot grant)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            foreach (var (person, visitor) in _visitors)
            {
                if (Concerns(grant, person, visitor)) Due(visitor, now);
            }
        }
    }

    /// <summary>Something of theirs alone has changed.</summary>
    public void Changed(PrincipalId person) => Again(person, TimeSpan.Zero);

    /// <summary>
    /// Those whose page is to be drawn now. Whoever takes them draws them: they are due again only when something happens.
    /// </summary>
    public IReadOnlyList<PrincipalId> TakeDue()
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            foreach (var (person, _) in _visitors.Where(pair => now - pair.Value.OpenedAt > Memory).ToList()) _visitors.Remove(person);
            var due = _visitors.Where(pair => pair.Value.DueAt <= now).ToList();
            foreach (var (_, visitor) in due) (visitor.DueAt, visitor.DrawnAt) = (null, now);
            return [.. due.Select(pair => pair.Key)];
        }
    }

    /// <summary>What was drawn says whom later changes concern, and whether time runs on it.</summary>
    public void Drawn(HomeFacts facts)
    {
        lock (_gate)
        {
            if (!_visitors.TryGetValue(facts.Person, out var visitor)) return;
            visitor.Groups = facts.Groups;
            visitor.SeesAll = facts.Office is not null;
            if (facts.Live.Count > 0 || facts.Office is { Live.Count: > 0 }) Due(visitor, clock.GetUtcNow() + Minute);
        }
    }

    /// <summary>It could not be drawn now.</summary>
    public void Again(PrincipalId person, TimeSpan after)
    {
        lock (_gate)
        {
            if (_visitors.TryGetValue(person, out var visitor)) Due(visitor, clock.GetUtcNow() + after);
        }
    }

    /// <summary>Until somebody's page may be due.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        Task news;
        TimeSpan nap;
        lock (_gate)
        {
            if (_news.Task.IsCompleted) _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            news = _news.Task;
            var next = _visitors.Values.Min(visitor => visitor.DueAt);
            nap = next is { } due ? due - clock.GetUtcNow() : Minute;
        }

        if (nap <= TimeSpan.Zero) return;
        using var awake = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(news, Task.Delay(nap, clock, awake.Token));
        await awake.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Due(Visitor visitor, DateTimeOffset at)
    {
        var earliest = visitor.DrawnAt + Pace;
        if (at < earliest) at = earliest;
        if (visitor.DueAt <= at) return;
        visitor.DueAt = at;
        _news.TrySetResult();
    }

    private static bool Concerns(GrantSnapshot grant, PrincipalId person, Visitor visitor) =>
        visitor.SeesAll || grant.Requester == person || grant.AskedBy == person
        || (grant.Asking?.Stages.Any(stage => stage.Of.Any(visitor.Groups.Contains)) ?? false)
        || (grant.Review?.Reviewers.Of.Any(visitor.Groups.Contains) ?? false);

    private sealed class Visitor
    {
        public DateTimeOffset OpenedAt { get; set; }

        public DateTimeOffset DrawnAt { get; set; } = DateTimeOffset.MinValue;

        public DateTimeOffset? DueAt { get; set; }

        public IReadOnlySet<string> Groups { get; set; } = new HashSet<string>();

        public bool SeesAll { get; set; }
    }
}
