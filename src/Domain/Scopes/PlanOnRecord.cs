using System.Text.Json.Serialization;

namespace DbAccess.Domain.Scopes;

/// <summary>What is remembered of a plan: enough to say later whether something is the same, and in one line what it was.</summary>
/// <param name="Hash">Of <see cref="PrivilegePlan.Hash"/>.</param>
public sealed record PlanOnRecord(string Hash, string Summary)
{
    /// <summary>More of them nobody reads in a message.</summary>
    private const int MostRemarks = 10;

    private const int LongestRemark = 400;

    /// <summary>The first of <see cref="PrivilegePlan.Remarks"/>; the holder is told them with the credentials.</summary>
    public IReadOnlyList<string> Remarks { get; init => field = value ?? []; } = [];

    /// <summary>
    /// What it gives, as <see cref="AgreedPlan.Gives"/>, on its way to the evidence log; null when it is too much to be kept. No part of a
    /// grant's state: what is read back from a store does not have it.
    /// </summary>
    [JsonIgnore]
    public IReadOnlyList<string>? Gives { get; private init; }

    public PlanOnRecord Giving(IReadOnlyList<string>? gives) => this with { Gives = gives };

    public static PlanOnRecord Of(PrivilegePlan plan) =>
        new PlanOnRecord(plan.Hash, plan.Summary) { Remarks = Some(plan.Remarks) }.Giving(AgreedPlan.GivesOf(plan));

    /// <summary>The plans for several databases as one.</summary>
    public static PlanOnRecord Together(IReadOnlyList<PlanOnRecord> plans) =>
        new PlanOnRecord(
            PrivilegePlan.Together([.. plans.Select(plan => plan.Hash)]), string.Join("; ", plans.Select(plan => plan.Summary)))
        {
            Remarks = Some([.. plans.SelectMany(plan => plan.Remarks)]),
        }.Giving(plans.All(plan => plan.Gives is not null) ? AgreedPlan.Bounded(plans.SelectMany(plan => plan.Gives!)) : null);

    /// <summary>As many as are kept; how many more there are is the last of them.</summary>
    private static IReadOnlyList<string> Some(IReadOnlyList<string> remarks) => remarks.Count == 0 ? [] :
    [
        .. remarks.Take(MostRemarks).Select(remark => Show.Text(remark, LongestRemark)),
        .. remarks.Count > MostRemarks
            ? (string[])[$"And {remarks.Count - MostRemarks} more of this kind; `dbaccess plan` shows them all"] : [],
    ];
}
