using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Evidence;

/// <summary>
/// What a plan gives may be a list of forty kilobytes, and it is the same for every grant of it: the log has it once, with the first role
/// that was made by it, and whoever reads the log finds it by the plan's hash. Twice does no harm.
/// </summary>
internal sealed class ToldPlans(IEvidenceLog log)
{
    private const string Told = "told";

    /// <summary>Databases change, and plans with them; what is forgotten is asked of the log again.</summary>
    private const int MostKnown = 10_000;

    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.Ordinal);

    /// <summary>With what it gives where that is not on the log yet, else without.</summary>
    public async Task<PlanOnRecord> ToTellAsync(PlanOnRecord plan, CancellationToken cancellationToken)
    {
        if (plan.Gives is null) return plan;
        if (!_known.ContainsKey(plan.Hash))
        {
            if (await log.ReadMarkAsync(Mark(plan), cancellationToken) is null) return plan;
            if (_known.Count >= MostKnown) _known.Clear();
            _known[plan.Hash] = true;
        }

        return plan.Giving(null);
    }

    /// <summary>It is on record now.</summary>
    public async Task NoteAsync(PlanOnRecord plan, CancellationToken cancellationToken)
    {
        if (plan.Gives is not null) await log.TryWriteMarkAsync(Mark(plan), null, Told, cancellationToken);
    }

    private static string Mark(PlanOnRecord plan) => $"plan:{plan.Hash}";
}
