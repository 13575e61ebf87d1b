namespace DbAccess.Domain.Grants;

/// <summary>What people are still to be told of a grant.</summary>
/// <param name="Kinds">In the order in which they are told, each once.</param>
/// <param name="DueAt">When the first of them is due: to be told, or the end of a worker's lease. Null when there is none.</param>
/// <param name="Attempts">Tries of the first of them so far.</param>
public readonly record struct Owed(IReadOnlyList<NoticeKind> Kinds, DateTimeOffset? DueAt, int Attempts)
{
    /// <summary>What is told first; null when there is nothing.</summary>
    public Notice? First => Kinds is [var kind, ..] ? new Notice(kind) : null;

    public Owed With(NoticeKind kind, DateTimeOffset now) => new([.. Kinds, kind], now, Attempts: 0);

    /// <summary>Only what <paramref name="kept"/> says is still to be told, at once.</summary>
    public Owed Only(Func<NoticeKind, bool> kept, DateTimeOffset now)
    {
        IReadOnlyList<NoticeKind> left = [.. Kinds.Where(kept)];
        return this with { Kinds = left, DueAt = left.Count == 0 ? null : now };
    }

    /// <summary>It was told, or never can be.</summary>
    public Owed Without(NoticeKind kind, DateTimeOffset now) => Only(other => other != kind, now) with { Attempts = 0 };

    /// <summary>A worker takes the telling for so long, so that two do not say it twice.</summary>
    public Owed Lease(DateTimeOffset now, TimeSpan length) => this with { DueAt = now + length, Attempts = Attempts + 1 };

    public Owed Postpone(DateTimeOffset until) => this with { DueAt = until };
}
