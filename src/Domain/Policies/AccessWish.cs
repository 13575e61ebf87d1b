using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Policies;

/// <summary>What somebody asks for, typed and not yet judged: by a form, by words, or as it stands on the record.</summary>
/// <param name="Duration">Null takes the rule's own default.</param>
public sealed record AccessWish(DatabaseName Database, ScopeName Scope, TimeSpan? Duration, string Reason)
{
    /// <summary>The tables that it is to be narrowed to; empty for the whole scope.</summary>
    public IReadOnlyList<TableMention> Only { get; init; } = [];

    /// <summary>One more, although they may have the same already.</summary>
    public bool Another { get; init; }

    /// <summary>They said <c>break-glass</c>.</summary>
    public bool BreakGlass { get; init; }

    /// <summary>When its time is to begin; null: as soon as it can.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>The furthest ahead that something may be asked to begin.</summary>
    public static readonly TimeSpan FurthestAhead = TimeSpan.FromDays(7);

    /// <summary>
    /// As it is asked at this moment: a beginning that has passed is none. A button that lay about must not have a rule's hours judged at a
    /// time that is over.
    /// </summary>
    public AccessWish AskedAt(DateTimeOffset now) => StartsAt <= now ? this with { StartsAt = null } : this;
}
