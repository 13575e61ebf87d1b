using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// What a locked-out role left: prepared transactions, objects in any database, privileges. Objects go to the powerless escrow role
/// (<see cref="HandOver"/>); nothing is dropped that holds data, and no <c>DROP OWNED</c> runs where the hand-over did not.
/// </summary>
/// <param name="oid">Of the role; or of its scope role, as which its sessions could act until PostgreSQL 15. That one keeps the privileges
/// on which live grants rest.</param>
internal sealed class RoleLeftovers(ClusterConnections connections, TimeProvider clock, ILogger logger, RoleToRemove role, string oid,
    bool isScope, RemovalFindings findings, bool sessionsLeft = false)
{
    /// <summary>Answers what is left after all, in words, each with what mends it. Empty when nothing is.</summary>
    public async Task<List<string>> MendAsync(CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        List<PreparedTransaction> prepared;
        List<LeftoverPlace> places;
        LeftoverRole subject;
        EscrowRole escrow;
        await using (var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken))
        {
            if (await LeftoverRole.FindAsync(cluster, oid, isScope, cancellationToken) is not { } found)
                return isScope ? blockers : await MendWithoutRoleAsync(cluster, cancellationToken);
            subject = found;
            // A scope role of which we stayed a member would let us read what it may: there it is taken back in the same go.
            if (!isScope) await BecomeMemberAsync(cluster, subject, cancellationToken);
            escrow = await EscrowRole.PrepareAsync(cluster, role.Installation, logger, cancellationToken);
            if (!isScope) blockers.AddRange(await RevokeMembershipsAsync(cluster, cancellationToken));
            if (isScope && await ForgetSettingsAsync(cluster, subject, cancellationToken) is { } stuck) blockers.Add(stuck);
            prepared = await PreparedTransaction.ListAsync(cluster, oid, cancellationToken);
            places = await cluster.RowsAsync(LeftoverStatements.Whereabouts, [oid, subject.Kinds], LeftoverPlace.Read, cancellationToken);
        }

        // First of all, since DROP ROLE and DROP OWNED would wait for their locks.
        blockers.AddRange(
            await PreparedTransaction.RollBackAsync(prepared, subject, connections, role, findings, clock, cancellationToken));
        var words = new LeftoverBlockers(connections, role, subject, escrow);
        foreach (var place in places)
        {
            if (await MendPlaceAsync(place.Database, subject, escrow, blockers, cancellationToken) is { } obstacle)
                blockers.AddRange(await words.TellAsync(place, obstacle, cancellationToken));
        }
        return blockers;
    }

    /// <summary>
    /// Only what it prepared: for a role that cannot be shut out because of it. What cannot be rolled back is met again later.
    /// </summary>
    public async Task RollBackPreparedAsync(CancellationToken cancellationToken)
    {
        List<PreparedTransaction> prepared;
        LeftoverRole subject;
        await using (var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken))
        {
            prepared = await PreparedTransaction.ListAsync(cluster, oid, cancellationToken);
            if (prepared.Count == 0 || await LeftoverRole.FindAsync(cluster, oid, isScope, cancellationToken) is not { } found) return;

            subject = found;
            await BecomeMemberAsync(cluster, subject, cancellationToken);
        }
        await PreparedTransaction.RollBackAsync(prepared, subject, connections, role, findings, clock, cancellationToken);
    }

    private static Task<bool> BecomeMemberAsync(ClusterConnection cluster, LeftoverRole subject, CancellationToken cancellationToken) =>
        cluster.BatchAsync([new(subject.Hold), new(subject.BeMember)], _ => Task.FromResult(true), cancellationToken);

    /// <summary>
    /// Somebody has dropped the role by hand. What it had prepared and the memberships it had given (until 15) do not keep a role from
    /// being dropped, and outlive it.
    /// </summary>
    private async Task<List<string>> MendWithoutRoleAsync(ClusterConnection cluster, CancellationToken cancellationToken) =>
        [.. await RevokeMembershipsAsync(cluster, cancellationToken),
            .. await PreparedTransaction.LeftByNobodyAsync(cluster, oid, cancellationToken)];

    private async Task<Obstacle?> MendPlaceAsync(
        string database, LeftoverRole subject, EscrowRole escrow, List<string> blockers, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAloneAsync(role.Target.Cluster, database, cancellationToken);
            var running = await LeftoverTrigger.SwitchOffAsync(cluster, database, subject, findings, cancellationToken);
            blockers.AddRange(running);
            if (running.Count > 0) return null;

            if (!isScope && !sessionsLeft) await DropOrphansAsync(cluster, database, cancellationToken);
            var dropped = isScope
                ? [] : await cluster.RowsAsync(LeftoverStatements.Dropped, [oid], row => row.GetString(0), cancellationToken);
            if (await new HandOver(cluster, database, subject, escrow, role, findings).RunAsync(cancellationToken) is { } obstacle)
            {
                // What stays with it has keys that somebody else's rows depend on.
                if (!isScope && !obstacle.IsFull) await KeepKeysAsync(cluster, cancellationToken);
                return obstacle;
            }

            var kept = await cluster.RowsAsync(
                BlockerStatements.Blockers(cluster.Major), [oid, subject.Kinds], BlockerStatements.Blocker.Read, cancellationToken);
            findings.Dropped(dropped.Where(thing => !kept.Exists(one => IsAbout(thing, one.Thing)))
                .Select(thing => $"{thing} (database {database})"));
            return kept.Count == 0 ? null : new Obstacle("", "not ours to change");
        }
        catch (Exception failure) when (Obstacle.Of(failure) is { } reason)
        {
            logger.LogWarning("Role {Role}: {Database} could not be mended ({State})", role.Role.Value, database, reason.State);
            return reason;
        }
    }

    /// <summary>See <see cref="RemovalStatements.KeepKeys"/>.</summary>
    private async Task KeepKeysAsync(ClusterConnection cluster, CancellationToken cancellationToken) => await cluster.BatchAsync(
        [
            new("SELECT set_config('dbaccess.found', $1, true)", oid),
            new($"DO $do$ DECLARE m record; BEGIN {RemovalStatements.KeepKeys} END $do$"),
        ],
        _ => Task.FromResult(true), cancellationToken);

    /// <summary>
    /// What nobody can reach any more is not worth keeping. Where it may not be dropped it goes to the escrow role like the rest.
    /// </summary>
    private async Task DropOrphansAsync(ClusterConnection cluster, string database, CancellationToken cancellationToken)
    {
        foreach (var orphan in await cluster.RowsAsync(
            LeftoverStatements.Orphans(cluster.Major), [oid], LeftoverStatement.Read, cancellationToken))
        {
            try
            {
                await cluster.RunAsync(orphan.Statement, cancellationToken);
                findings.Dropped([$"temporary {orphan.Words} (database {database}), which a session left that the server had lost"]);
            }
            catch (PostgresException refused)
                when (refused.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.LockNotAvailable)
            {
                // Only who may use the schema, as members of pg_read_all_data may.
                findings.Remark(
                    $"temporary {orphan.Words} in database {database}, which a session left that the server had lost, could not be " +
                    $"dropped by us (SQLSTATE {refused.SqlState}) and is under the escrow role; autovacuum drops it, or a superuser: " +
                    $"{orphan.Statement};");
            }
        }
    }

    private async Task<List<string>> RevokeMembershipsAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        foreach (var given in await cluster.RowsAsync(
            LeftoverStatements.GivenMemberships, [oid], LeftoverStatement.Read, cancellationToken))
        {
            try
            {
                await cluster.RunAsync(given.Statement, cancellationToken);
                findings.Dropped([given.Words]);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                blockers.Add($"{given.Words}, cannot be taken back by us (SQLSTATE {refused.SqlState}). " +
                    new Remedy("a superuser", "", given.Statement));
            }
        }
        return blockers;
    }

    /// <summary>
    /// Settings and a password on the scope role, which every session that becomes it would have. Answers what could not be done.
    /// </summary>
    private async Task<string?> ForgetSettingsAsync(ClusterConnection cluster, LeftoverRole subject, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var statement in (string[])[.. subject.ResetSettings, subject.NoPassword])
                await cluster.RunAsync(statement, cancellationToken);
            if (subject.ResetSettings.Count > 0) findings.Remark($"settings of the scope role {subject.Ident} were taken back");
            return null;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return $"settings or a password of the scope role {subject.Ident} could not be taken back (SQLSTATE {refused.SqlState}). " +
                new Remedy("a superuser", "", [.. subject.ResetSettings, subject.NoPassword]);
        }
    }

    /// <summary>Whether a line of <see cref="LeftoverStatements.Dropped"/> is about that object.</summary>
    private static bool IsAbout(string line, string thing) =>
        line == thing || line == $"its part in {thing}" || line.StartsWith($"{thing},", StringComparison.Ordinal)
        || (line.StartsWith("what it ", StringComparison.Ordinal) && line.EndsWith($" on {thing}", StringComparison.Ordinal));
}
