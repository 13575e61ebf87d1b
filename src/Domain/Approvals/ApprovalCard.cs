using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Approvals;

/// <summary>Where a card stands.</summary>
/// <param name="Person">Whose direct message it is; null for a channel.</param>
/// <param name="Gone">It was deleted, or its channel takes no messages of ours any more: not drawn again.</param>
public sealed record CardRef(MessageRef Message, PrincipalId? Person, bool Gone = false);

/// <summary>One line in a card's thread, said once; what it says is derived from the grant when it is said.</summary>
public enum CardLine
{
    /// <summary>Nobody has decided yet.</summary>
    Reminder,

    /// <summary>The next stage is asked.</summary>
    NextStage,

    /// <summary>It would give more than was agreed to.</summary>
    Grew,

    /// <summary>Decided, lapsed, withdrawn or ended.</summary>
    Settled,

    /// <summary>Less was offered.</summary>
    Offered,
}

/// <summary>
/// What approvers see of a request: drawn from the grant's state and drawn anew whenever that changed. Which messages it is made of is
/// remembered, so that they are updated and never repeated.
/// </summary>
public sealed record ApprovalCard
{
    public IReadOnlyList<CardRef> Refs { get; init => field = value ?? []; } = [];

    /// <summary>When it is to be drawn; null when what is shown is true.</summary>
    public DateTimeOffset? DueAt { get; init; }

    public int Attempts { get; init; }

    public IReadOnlyList<CardLine> Lines { get; init => field = value ?? []; } = [];

    /// <summary>The channel could not be used: those who decide are asked directly.</summary>
    public bool Direct { get; init; }

    /// <summary>Why somebody could not be asked, in words, for administrators; null when all could.</summary>
    public string? Trouble { get; init; }

    public ApprovalCard Redraw(DateTimeOffset now, CardLine? line = null) => this with
    {
        DueAt = now, Attempts = 0, Lines = line is { } one && !Lines.Contains(one) ? [.. Lines, one] : Lines,
    };
}
