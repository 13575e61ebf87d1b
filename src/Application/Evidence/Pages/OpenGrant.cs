namespace DbAccess.Application.Evidence.Pages;

/// <summary>What is remembered of a grant between its first event and its last.</summary>
internal sealed class OpenGrant(string id, string who, string database, bool breakGlass, IReadOnlyList<string> stages)
{
    private DateTimeOffset? _seen;
    private int _yes;

    public string Id { get; } = id;

    public string Who { get; } = who;

    public string Database { get; } = database;

    public bool BreakGlass { get; } = breakGlass;

    public required string Scope { get; set; }

    public required string Rule { get; set; }

    public string? Offered { get; set; }

    public string? Plan { get; set; }

    public string? Summary { get; set; }

    public DateTimeOffset? LiveFrom { get; set; }

    /// <summary>When nobody could log in any more, of a role that is not removed yet.</summary>
    public DateTimeOffset? LockedOut { get; set; }

    /// <summary>The card can be seen from here on; what was agreed before does not count any more.</summary>
    public void Shown(DateTimeOffset at) => (_seen, _yes) = (at, 0);

    /// <summary>
    /// How long the card could be seen before; null when that is not on record. The next stage sees it when this one is full.
    /// </summary>
    public TimeSpan? Agreed(DateTimeOffset at)
    {
        TimeSpan? took = _seen is { } seen && at >= seen ? at - seen : null;
        _yes++;
        var filled = 0;
        if (stages.Any(stage => (filled += PackStages.Wanted(stage)) == _yes)) _seen = at;
        return took;
    }
}
