using System.Globalization;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Inventory;

/// <summary>Drops scope roles that nobody needs, amid the makings of others.</summary>
internal sealed class ScopeRoleDropping(TimeProvider clock, ILogger logger)
{
    private const int TriesToDrop = 5;

    /// <summary>Longer than a CREATE TABLE takes from reading default privileges to having written them.</summary>
    private static readonly TimeSpan TableMaking = TimeSpan.FromMilliseconds(300);

    /// <summary>How long is waited for others' transactions that give memberships; a making takes milliseconds.</summary>
    private static readonly TimeSpan GivingMembership = TimeSpan.FromSeconds(2);

    public static Error NotOurs(string role) =>
        new("postgres.gone", $"{role} is not there any more, or its tag is not ours any more; nothing was changed.");

    public static Error Refused(string role, PostgresException refused)
    {
        var error = NotDropped(role, $"{refused.MessageText} (SQLSTATE {refused.SqlState})", []);
        // It may have been refused behind the renaming.
        return RoleName.IsAside(role, out _) ? error : error
            with { Message = $"{error.Message} (or, if it is called that by now: DROP ROLE {Show.Identifier(RoleName.Aside(role))};)" };
    }

    private static Error NotDropped(string role, string why, List<string> kept) => new("postgres.not_dropped",
        $"It could not be dropped: {why}. Let an administrator take back what it was " +
            $"given{(kept.Count == 0 ? "" : $" ({string.Join("; ", kept)})")} and run: DROP ROLE {Show.Identifier(role)};");

    /// <summary>
    /// First everything is taken from it, with tables locked as for any change of their privileges (see <see cref="ScopeMending"/>).
    /// Whoever makes a table at this moment has read default privileges that name the role, and fails (42704) if it is gone before the
    /// table is there: so those are taken back and a while is waited. Then it is renamed, so that nobody becomes a member of it any more,
    /// and those who are just becoming one are waited for (DROP ROLE takes memberships away without a word, and a GRANT does not notice
    /// that the role is gone: see <see cref="RoleStatements.Hold"/>); they get another role of its name. Then it is dropped.
    /// </summary>
    /// <param name="strip">
    /// Others may be members of it: everything is taken from it all the same, and it stays, with nothing, until they are not.
    /// </param>
    public async Task<Error?> DropAsync(ClusterConnection cluster, string installation, string name, uint oid, string tag,
        CancellationToken cancellationToken, bool strip = false)
    {
        Dictionary<ScopeDifference, int> tried = [];
        for (var vain = 0; ;)
        {
            await using var transaction = await cluster.BeginAsync(cancellationToken);
            if (!await TryLockAsync(cluster, name, cancellationToken))
            {
                if (++vain == ScopeMending.MostRounds) return InUse();

                await transaction.RollbackAsync(cancellationToken);
                await Attempts.PauseAsync(vain, clock, cancellationToken);
                continue;
            }

            if (await cluster.RowAsync(InventoryStatements.Drop, [Oid(oid), tag, RoleTag.LoginPrefix(installation)], ScopeRoleToDrop.Read,
                cancellationToken) is not { } found) return NotOurs(name);
            var isAside = RoleName.IsAside(found.Name, out var given);
            if ((!isAside && (strip ? found.InUse : found.Members.Count > 0)) || found.Owns > 0) return InUse();

            var differences = await DifferencesAsync(cluster, found.Name, cancellationToken);
            if (differences.Any(d => d.What == "default-spurious" || d.Kind != "database"))
            {
                var taken = await TakeBackAsync(cluster, found.Ident, differences, vain + 1, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                if (taken.Exists(d => d.What == "default-spurious")) await Task.Delay(TableMaking, clock, cancellationToken);
                if (Kept(taken, tried) is { Count: > 0 } kept) return NotDropped(name, "it keeps what others gave it", kept);
                if (taken.Count > 0) continue;
                if (++vain == ScopeMending.MostRounds) throw ScopeMending.InTheWay();

                await Attempts.PauseAsync(vain, clock, cancellationToken);
                continue;
            }

            if (!isAside)
            {
                if (found.Members.Count > 0) return await LeaveEmptyAsync(cluster, transaction, found, cancellationToken);
                if (await PutAsideAsync(cluster, transaction, found.Name, cancellationToken)) continue;
                return InUse();
            }

            if (await TryDropAsync(cluster, transaction, found, given, tag, cancellationToken) is { } refused)
            {
                if (++vain < TriesToDrop)
                {
                    // A table was made in between, and has what the default privileges gave then.
                    await Attempts.PauseAsync(vain, clock, cancellationToken);
                    continue;
                }
                await RenameBackAsync(cluster, found.Name, given, cancellationToken);
                // The server's own list is not passed on by the driver, since it can quote values.
                return NotDropped(name, $"{refused.MessageText} (SQLSTATE {refused.SqlState})",
                    await cluster.RowsAsync(InventoryStatements.KeptBy, [Oid(oid)], row => row.GetString(0), cancellationToken));
            }
            return found.Members.Count == 0 ? null : InUse();
        }
    }

    /// <summary>False when somebody becomes a member of it all the same; then it has its name again.</summary>
    private async Task<bool> PutAsideAsync(
        ClusterConnection cluster, ClusterTransaction transaction, string name, CancellationToken cancellationToken)
    {
        await cluster.RunAsync(Rename(name, RoleName.Aside(name)), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (await NobodyBecomesMemberAsync(cluster, cancellationToken)) return true;

        await RenameBackAsync(cluster, RoleName.Aside(name), name, cancellationToken);
        return false;
    }

    private async Task<Error?> LeaveEmptyAsync(
        ClusterConnection cluster, ClusterTransaction transaction, ScopeRoleToDrop found, CancellationToken cancellationToken)
    {
        await cluster.RunAsync(found.Database, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        logger.LogWarning("Scope role {Role} was put aside and has nothing any more; it stays while {Members} are members of it",
            found.Name, string.Join(", ", found.Members));
        return null;
    }

    /// <summary>False while somebody is bringing it in line for a new member.</summary>
    private static Task<bool> TryLockAsync(ClusterConnection cluster, string name, CancellationToken cancellationToken) =>
        cluster.FirstAsync(ScopeLocks.TryScopeLock, [RoleName.IsAside(name, out var before) ? before : name],
            row => row.GetBoolean(0), cancellationToken);

    /// <summary>What was taken back too often and is there again, in words.</summary>
    /// <param name="tried">How often each was taken back before; counts on.</param>
    private static List<string> Kept(List<ScopeDifference> taken, Dictionary<ScopeDifference, int> tried)
    {
        // REVOKE takes back what its grantor gave us the right to, and of anything else says nothing.
        foreach (var one in taken) tried[one] = tried.GetValueOrDefault(one) + 1;
        return [.. taken.Where(d => tried[d] == TriesToDrop).Select(ScopeWords.InWords)];
    }

    /// <summary>
    /// Drops what was put aside. Who became a member of it after all is given another; null when that was done. Else what refused it, and
    /// the transaction is rolled back.
    /// </summary>
    private async Task<PostgresException?> TryDropAsync(ClusterConnection cluster, ClusterTransaction transaction, ScopeRoleToDrop aside,
        string given, string tag, CancellationToken cancellationToken)
    {
        await cluster.RunAsync(aside.Database, cancellationToken);
        try
        {
            if (aside.Members.Count > 0) await GiveAnotherAsync(cluster, given, tag, aside.Members, cancellationToken);
            await cluster.RunAsync(aside.Drop, cancellationToken);
        }
        catch (PostgresException kept) when (kept.SqlState == PostgresErrorCodes.DependentObjectsStillExist)
        {
            await transaction.RollbackAsync(cancellationToken);
            return kept;
        }
        await transaction.CommitAsync(cancellationToken);
        if (aside.Members.Count > 0)
            logger.LogWarning(
                "Scope role {Role} was made again: {Count} roles became members of it while it was dropped", given, aside.Members.Count);
        return null;
    }

    /// <summary>A portion of what it has, as far as its tables can be locked; answers what was taken back.</summary>
    private static async Task<List<ScopeDifference>> TakeBackAsync(
        ClusterConnection cluster, string ident, List<ScopeDifference> differences, int attempt, CancellationToken cancellationToken)
    {
        var portion = differences.Where(ScopeMending.IsOnTable).Select(d => d.Ident).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).Take(ScopeMending.TablesAtOnce).ToHashSet(StringComparer.Ordinal);
        portion.ExceptWith(await ScopeMending.LockAsync(cluster, portion, attempt, cancellationToken));
        var free = differences.Where(d => !ScopeMending.IsOnTable(d) || portion.Contains(d.Ident)).ToList();
        await cluster.RunAllAsync(ScopeChanges.For(free, ident), cancellationToken);
        return free;
    }

    /// <summary>
    /// Waits for the transactions that give or take memberships at this moment. Ours take milliseconds; somebody else's may stay open, and
    /// then the answer is no.
    /// </summary>
    private async Task<bool> NobodyBecomesMemberAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        HashSet<string>? giving = null;
        for (var started = clock.GetTimestamp(); ; await Task.Delay(TimeSpan.FromMilliseconds(5), clock, cancellationToken))
        {
            var now = await cluster.RowsAsync(InventoryStatements.GivingMemberships, [], row => row.GetString(0), cancellationToken);
            giving ??= [.. now];
            giving.IntersectWith(now);
            if (giving.Count == 0) return true;
            if (clock.GetElapsedTime(started) > GivingMembership) return false;
        }
    }

    /// <summary>What another role of that name is to have it gets as ever: by the caller, or by upkeep.</summary>
    private static async Task GiveAnotherAsync(
        ClusterConnection cluster, string name, string tag, IReadOnlyList<string> members, CancellationToken cancellationToken)
    {
        if ((await cluster.RowsAsync(InventoryStatements.Oid, [name], row => row.GetFieldValue<uint>(0), cancellationToken)).Count == 0)
            await ScopeMending.CreateAsync(cluster, name, tag, cancellationToken);
        foreach (var member in members)
            await cluster.RunAsync(MakingStatements.GrantMembership(cluster.Major, name, member), cancellationToken);
    }

    private async Task RenameBackAsync(ClusterConnection cluster, string from, string to, CancellationToken cancellationToken)
    {
        try
        {
            await cluster.RunAsync(Rename(from, to), cancellationToken);
        }
        catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.DuplicateObject)
        {
            // Somebody's making has made another meanwhile. This one is nobody's, and reconciliation drops it.
            logger.LogInformation("Scope role {Role} stays as {Aside} for now", to, from);
        }
    }

    /// <summary>Names that we build need no quotes.</summary>
    private static string Rename(string from, string to) => $"ALTER ROLE {from} RENAME TO {to}";

    private static Error InUse() => new("postgres.in_use", "It has got a member or something of its own meanwhile and is kept.");

    /// <summary>
    /// Compared with a scope that says nothing, everything it has is too much. DROP OWNED would also destroy what it came to own in
    /// between.
    /// </summary>
    private static async Task<List<ScopeDifference>> DifferencesAsync(
        ClusterConnection cluster, string name, CancellationToken cancellationToken) =>
        [.. (await cluster.RowsAsync(ScopeStatements.Differences, [name, "[]"], ScopeDifference.Read, cancellationToken))
            .Where(d => d.What is "spurious" or "default-spurious")];

    private static string Oid(uint oid) => oid.ToString(CultureInfo.InvariantCulture);
}
