using DbAccess.Domain.Grants;

namespace DbAccess.Application.Evidence;

/// <summary>What comes to light while a command is carried out and belongs on the record of the attempt.</summary>
internal sealed class AttemptNotes
{
    private static readonly AsyncLocal<AttemptNotes?> Present = new();

    public string? Rule { get; set; }

    public string? PlanHash { get; set; }

    /// <summary>The grant that came of it.</summary>
    public GrantId? Grant { get; set; }

    /// <summary>Null outside of a command that is recorded.</summary>
    public static AttemptNotes? Current => Present.Value;

    public static AttemptNotes Begin() => Present.Value = new AttemptNotes();
}
