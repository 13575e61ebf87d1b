using DbAccess.Domain;
using DbAccess.Domain.Databases;

namespace DbAccess.Application.Reconciling;

/// <summary>What came of a finding.</summary>
public enum FindingOutcome
{
    /// <summary>Nothing is to be done by us, or not yet.</summary>
    Reported,

    /// <summary>A dry run: this is what would be done.</summary>
    WouldMend,

    Mended,

    /// <summary>It was tried and did not work; the next pass tries again.</summary>
    Failed,
}

/// <summary>One finding and what came of it.</summary>
/// <param name="Role">The role, or empty when it is about the cluster.</param>
/// <param name="Words">All of it, for people.</param>
public sealed record ReconcileLine(ClusterName Cluster, FindingKind Kind, string Role, FindingOutcome Outcome, string Words)
{
    /// <summary>The statements by themselves that a person is to run; null where there are none.</summary>
    public Remedy? Remedy { get; init; }

    public override string ToString() => $"{Cluster}: {Words}";
}

/// <summary>What a comparison of the record with the clusters found and did.</summary>
public sealed record ReconcileReport(int Clusters, int Roles, IReadOnlyList<ReconcileLine> Lines)
{
    public int Count(FindingOutcome outcome) => Lines.Count(line => line.Outcome == outcome);

    public int Count(FindingKind kind) => Lines.Count(line => line.Kind == kind);

    public override string ToString() =>
        $"{Clusters} clusters, {Roles} roles; {Lines.Count} findings: {Count(FindingOutcome.Mended)} mended, " +
            $"{Count(FindingOutcome.WouldMend)} would be mended, {Count(FindingOutcome.Reported)} reported, " +
            $"{Count(FindingOutcome.Failed)} failed";
}
