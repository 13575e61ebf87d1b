namespace DbAccess.Application.Ports;

/// <summary>What is odd about the policy in force, and why a newer file was not taken.</summary>
public interface IPolicyHealth
{
    /// <summary>One sentence each, with the place in the file; empty when there is nothing.</summary>
    IReadOnlyList<string> Oddities { get; }

    /// <summary>Why the file as it is now was not taken; null when it is in force.</summary>
    string? Rejected { get; }
}
