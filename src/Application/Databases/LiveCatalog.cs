using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Databases;

/// <summary>
/// What scopes mean on the live databases, remembered for a minute: many keystrokes, and many people, are one question. For showing only;
/// what is decided asks anew. Names of tables are shown for some minutes more while they are asked for again, since nobody waits for a
/// database between two letters.
/// </summary>
internal sealed class LiveCatalog(IRoleInventory inventory, Installation installation, TimeProvider clock)
{
    private const int MostTables = 20_000;
    private const int MostKept = 200;

    /// <summary>
    /// Questions to one cluster at a time: its few connections are for roles that are to be made and removed, however fast people choose.
    /// </summary>
    private const int AtOnce = 2;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Shown = TimeSpan.FromMinutes(15);

    // Whoever asks waits as long as they like; the answer is remembered for the next one all the same.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SharedCache<string, Result<IReadOnlyList<string>>> _tables = new(clock, Life, MostKept, Shown);
    private readonly SharedCache<string, Result<PrivilegePlan>> _plans = new(clock, Life, MostKept);
    private readonly ConcurrentDictionary<ClusterName, SemaphoreSlim> _places = new();

    /// <summary>The tables and views on which the scope gives something, as they are typed, by name.</summary>
    public Task<Result<IReadOnlyList<string>>> TablesAsync(OfferedScope offered, CancellationToken cancellationToken) =>
        _tables.GetAsync(Key(offered), _ => AskTablesAsync(offered), answer => answer.Refusal is null, cancellationToken);

    /// <summary>
    /// Somebody has chosen this scope and will look for tables next: they are read from now on, whether anybody waits or not.
    /// </summary>
    public void Expect(OfferedScope offered) => _ = ReadAheadAsync(offered);

    /// <summary>What a role of the scope, narrowed to these tables, could do.</summary>
    public Task<Result<PrivilegePlan>> PlanAsync(OfferedScope offered, PrivilegeScope narrowed, CancellationToken cancellationToken) =>
        _plans.GetAsync(
            Canonical.Join([Key(offered), .. narrowed.NarrowedTo]), _ => AskPlanAsync(offered, narrowed),
            answer => answer.Refusal is null, cancellationToken);

    private async Task ReadAheadAsync(OfferedScope offered)
    {
        try
        {
            await TablesAsync(offered, CancellationToken.None);
        }
        catch (Exception)
        {
            // Nobody has asked yet; whoever does asks anew, and is told.
        }
    }

    private static string Key(OfferedScope offered) =>
        Canonical.Join([offered.PolicyHash, offered.Target.Name.Value, offered.Scope.Name.Value]);

    private async Task<Result<IReadOnlyList<string>>> AskTablesAsync(OfferedScope offered)
    {
        var (target, scope) = (offered.Target, offered.Scope);
        ObjectSelector[] tables = [.. scope.Privileges.Select(rule => rule.On).Where(on => on.Kind is ObjectKind.Table or ObjectKind.View)];
        // What acts as an owner cannot be narrowed.
        if (scope.RunAs is not null || tables.Length == 0) return Result<IReadOnlyList<string>>.Of([]);

        var found = await InPlaceAsync(target.Cluster, late =>
            inventory.ListTablesAsync(target.Cluster, scope.DatabasesOf(target), tables, MostTables, late));
        return found.Refusal is { } refusal ? refusal : Result<IReadOnlyList<string>>.Of(
        [
            .. found.Value.Where(scope.CanBeNarrowedTo).Select(table => table.ToString())
                .Order(StringComparer.Ordinal),
        ]);
    }

    private Task<Result<PrivilegePlan>> AskPlanAsync(OfferedScope offered, PrivilegeScope narrowed) => InPlaceAsync(
        offered.Target.Cluster, late => inventory.PlanAsync(installation.Name, offered.Target, narrowed, late));

    private async Task<T> InPlaceAsync<T>(ClusterName cluster, Func<CancellationToken, Task<T>> ask)
    {
        using var late = new CancellationTokenSource(Patience, clock);
        var places = _places.GetOrAdd(cluster, _ => new SemaphoreSlim(AtOnce));
        await places.WaitAsync(late.Token);
        try
        {
            return await ask(late.Token);
        }
        finally
        {
            places.Release();
        }
    }
}
