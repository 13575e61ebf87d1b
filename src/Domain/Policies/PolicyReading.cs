namespace DbAccess.Domain.Policies;

/// <summary>Something about a policy file, and where; lines and columns are counted from 1.</summary>
public sealed record PolicyFault(int Line, int Column, string Sentence)
{
    public override string ToString() => $"line {Line}: {Sentence}";
}

/// <summary>What became of a policy file.</summary>
/// <param name="Policy">Null when there is any fault: a policy is taken whole or not at all.</param>
/// <param name="Faults">Everything that is wrong, by line.</param>
/// <param name="Warnings">What is right but probably not meant, or not available yet, by line.</param>
public sealed record PolicyReading(AccessPolicy? Policy, IReadOnlyList<PolicyFault> Faults, IReadOnlyList<PolicyFault> Warnings);
