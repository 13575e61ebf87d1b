namespace DbAccess.Application.Evidence.Pages;

/// <summary>Everything that the page of a pack is drawn from: what its other files hold.</summary>
/// <param name="Events">In the order of the log. Those of no grant are proved, and not told.</param>
public sealed record PackStory(PackCheckpoint Checkpoint, IReadOnlyList<PackedEvent> Events)
{
    /// <summary>
    /// What people are called, by <c>TEAM/USER</c>, from outside of the log: shown beside their ids. The handles on record come first;
    /// where there is neither, the id is shown alone.
    /// </summary>
    public IReadOnlyDictionary<string, string> Called { get; init => field = value ?? new Dictionary<string, string>(); } =
        new Dictionary<string, string>();
}

/// <summary>The checkpoint that the proofs of a pack lead to.</summary>
/// <param name="Origin"><c>dbaccess/</c> and the installation.</param>
/// <param name="Size">How many events it covers.</param>
/// <param name="Root">Base64, as in the note.</param>
/// <param name="At">When it was signed.</param>
/// <param name="Note">The signed text as it stands in <c>checkpoint.txt</c>.</param>
public sealed record PackCheckpoint(string Origin, long Size, string Root, DateTimeOffset At, string Note);

/// <param name="Hash">Of its leaf, 64 hex.</param>
/// <param name="Proof">Hashes of 64 hex, from the leaf's sibling up.</param>
public sealed record PackedEvent(LoggedEvent Event, string Hash, IReadOnlyList<string> Proof);
