using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>
/// Changes what a scope role has, amid the work of others. A <c>GRANT</c> takes no lock on its table, it only writes its row, and until
/// PostgreSQL 17 whoever changes the same table meanwhile fails with XX000 ("tuple concurrently updated"): we, or they. So we lock the
/// tables first, in a way that lets everybody read and write and has only changes of the table wait, for the milliseconds until we are
/// done. We never wait for a lock while we hold one, so that nobody can be caught in a deadlock with us; what is taken is tried again by
/// the caller, a little later.
/// </summary>
internal sealed class ScopeMending(TimeProvider clock, ILogger logger)
{
    private const int ScopeLockAttempts = 40;

    /// <summary>
    /// Tables locked at a time. All sessions of a server share the room for some thousands of locks (<c>max_locks_per_transaction</c>).
    /// </summary>
    internal const int TablesAtOnce = 200;

    /// <summary>
    /// From this round on the weak lock, which only keeps out who wants a table to themselves: a VACUUM or an index being built
    /// concurrently holds the stronger one for hours, and holds up all other changes meanwhile.
    /// </summary>
    private const int WeakFrom = 5;

    /// <summary>For a schema in which something new is made each time we look, or tables are never free.</summary>
    internal const int MostRounds = 20;

    /// <summary>
    /// For what cannot be locked before: another's GRANT that is not committed. Less than the second after which the server looks for
    /// deadlocks, so that none it finds is of our making.
    /// </summary>
    private const string PatienceWhileHolding = "SET LOCAL lock_timeout = '250ms'";

    /// <summary>
    /// Makes the scope role if need be and applies the differences; looks again before it commits, since the success of a GRANT proves
    /// nothing. Very many tables are committed in portions: a scope role that is not complete yet gets no new member. Answers why the scope
    /// cannot be given, or why this scope role is not to be used; neither when all is in line.
    /// </summary>
    public async Task<(Error? Why, ScopeFault? Fault)> BringInLineAsync(
            ClusterConnection cluster, RoleLook look, CancellationToken cancellationToken)
    {
        var (part, started) = (look.Part, clock.GetTimestamp());
        List<ScopeDifference> all = [];
        for (var round = 1; ; round++)
        {
            await using var transaction = await cluster.BeginAsync(cancellationToken);
            await TakeScopeAsync(cluster, part.Role, cancellationToken);

            var (state, _) = await look.LookAsync(cluster, cancellationToken);
            var differences = (await look.CompareAsync(cluster, cancellationToken)).All;
            if (ScopeFault.Of(state, part) is { } odd) return (null, odd);
            var (why, fault) = ScopeWords.CannotMend(differences, part, state.ScopeIdent, cluster.Credential.Username);
            if (why is not null || fault is not null) return (why, fault);

            all.AddRange(differences);
            var tables = TablesIn(differences);
            if (tables.Count > TablesAtOnce)
            {
                if (state.ScopeOid is null) await CreateAsync(cluster, part.Role, part.Tag, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                var done = 0;
                foreach (var portion in tables.SkipLast(TablesAtOnce).Chunk(TablesAtOnce))
                    done += await PortionAsync(cluster, portion, round, differences, state.ScopeIdent, cancellationToken);
                all.Clear();
                if (done > 0) continue;

                // Somebody has more tables at this moment than we take at a time.
                if (round >= MostRounds) throw InTheWay();
                await Attempts.PauseAsync(round, clock, cancellationToken);
                continue;
            }

            var taken = await LockAsync(cluster, tables, round, cancellationToken);
            if (state.ScopeOid is null) await CreateAsync(cluster, part.Role, part.Tag, cancellationToken);
            var free = differences.Where(d => !IsOnTable(d) || !taken.Contains(d.Ident)).ToList();
            await cluster.RunAllAsync(ScopeChanges.For(free, state.ScopeIdent), cancellationToken);

            var (stateAfter, _) = await look.LookAsync(cluster, cancellationToken);
            var left = (await look.CompareAsync(cluster, cancellationToken)).All;
            if (ScopeFault.Of(stateAfter, part) is { } oddAfter) return (null, oddAfter);
            if (left.Any(free.Contains)) return ScopeWords.NotTaken(left, part, state.ScopeIdent, cluster.Credential.Username);
            if (left.Count > 0)
            {
                // Tables that somebody had at this moment, or has just made or changed. What we did is kept, so that each round has less to
                // do.
                if (round == MostRounds) throw InTheWay();
                await transaction.CommitAsync(cancellationToken);
                await Attempts.PauseAsync(round, clock, cancellationToken);
                continue;
            }

            await transaction.CommitAsync(cancellationToken);
            Log(part, all, clock.GetElapsedTime(started));
            return (null, null);
        }
    }

    private static List<string> TablesIn(IEnumerable<ScopeDifference> differences) =>
        [.. differences.Where(IsOnTable).Select(d => d.Ident).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private void Log(ScopePart part, List<ScopeDifference> mended, TimeSpan took)
    {
        var missing = mended.Count(d => d.What.EndsWith("missing", StringComparison.Ordinal));
        logger.LogInformation("Scope role {Role} on {Database}: {Missing} privileges given, {Spurious} taken back, {Ms:0} ms",
            part.Role, part.Place, missing, mended.Count - missing, took.TotalMilliseconds);
    }

    internal static bool IsOnTable(ScopeDifference difference) =>
        difference.Kind is "table" or "column" && difference.What is "missing" or "spurious" or "grantable";

    /// <summary>One at a time keeps a scope role; being right does not depend on it.</summary>
    private async Task TakeScopeAsync(ClusterConnection cluster, string scopeRole, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < ScopeLockAttempts; attempt++)
        {
            if (await cluster.FirstAsync(ScopeLocks.TryScopeLock, [scopeRole], row => row.GetBoolean(0), cancellationToken)) return;
            await Task.Delay(TimeSpan.FromMilliseconds(25), clock, cancellationToken);
        }
    }

    /// <summary>Answers of how many tables it could change the privileges.</summary>
    private static async Task<int> PortionAsync(
        ClusterConnection cluster, string[] tables, int round, List<ScopeDifference> differences, string scopeIdent,
            CancellationToken cancellationToken)
    {
        var some = tables.ToHashSet(StringComparer.Ordinal);
        await using var transaction = await cluster.BeginAsync(cancellationToken);
        some.ExceptWith(await LockAsync(cluster, tables, round, cancellationToken));
        await cluster.RunAllAsync(
            ScopeChanges.For([.. differences.Where(d => IsOnTable(d) && some.Contains(d.Ident))], scopeIdent), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return some.Count;
    }

    /// <summary>
    /// Locks what can be had at once. Answers the tables that cannot: somebody else has them, or there is none of that name any more.
    /// </summary>
    internal static async Task<HashSet<string>> LockAsync(
            ClusterConnection cluster, IReadOnlyCollection<string> tables, int round, CancellationToken cancellationToken)
    {
        if (tables.Count == 0) return [];

        return await cluster.BatchAsync<HashSet<string>>(
            [new Asked(ScopeLocks.NameLocks, (string[])[.. tables], round >= WeakFrom), new Asked(ScopeLocks.TakeLocks),
                new Asked(PatienceWhileHolding), Asked.Reading(ScopeLocks.LocksNotTaken)],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken);
                await reader.ReadAsync(cancellationToken);
                return [.. reader.GetFieldValue<string[]>(0)];
            },
            cancellationToken);
    }

    internal static async Task CreateAsync(ClusterConnection cluster, string role, string tag, CancellationToken cancellationToken) =>
        await cluster.RunAllAsync(
            await cluster.FirstAsync(
                ScopeLocks.CreateScopeRole, [role, tag], row => (string[])[row.GetString(0), row.GetString(1)], cancellationToken),
            cancellationToken);

    internal static PostgresException InTheWay() =>
        new("the schema was changed meanwhile", "ERROR", "ERROR", PostgresErrorCodes.SerializationFailure);
}
