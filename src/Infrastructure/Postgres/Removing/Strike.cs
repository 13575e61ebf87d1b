using System.Globalization;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>What came of a strike or a look.</summary>
internal abstract record StrikeOutcome
{
    private StrikeOutcome()
    {
    }

    /// <summary>What is left.</summary>
    public sealed record Done(RoleState Left) : StrikeOutcome;

    /// <summary>
    /// Somebody's open transaction holds the role, so that it could not be shut out. Its sessions are ended, and who could follow them is
    /// the next try's.
    /// </summary>
    public sealed record Held : StrikeOutcome;

    /// <summary>The connection led to an instance that only reads; those like it are given up.</summary>
    public sealed record OnReader : StrikeOutcome;

    /// <summary>Something was made between the look and the drop, or is only seen now.</summary>
    public sealed record SomethingCameBack : StrikeOutcome;
}

/// <summary>
/// Drop it if it has nothing and nobody, else shut it out; end sessions; look what is left. One round trip, the first step a transaction of
/// its own.
/// </summary>
internal sealed class Strike(RemovalCase removal, SessionEnding sessions, TimeProvider clock, ILogger logger)
{
    /// <summary>After the first, for clients that were just logging in when the door was shut.</summary>
    private const int Rounds = 3;

    /// <summary>While the door is still open nobody is waited for.</summary>
    public const string Impatient = "150ms";
    public const string Patient = "2s";

    public async Task<StrikeOutcome> RunAsync(
        ClusterConnection cluster, bool mayDrop, string patience, CancellationToken cancellationToken)
    {
        var statements = RemovalStatements.For(cluster.Major);
        List<Asked> batch =
        [
            Asked.Reading(statements.Look, removal.Values(mayDrop, patience, removal.MembersEnded)),
            new(statements.Strike) { Barrier = true },
        ];
        if (sessions.Statement is { } end) batch.Add(new(end, removal.Values()));
        batch.Add(Asked.Reading(statements.State, removal.Values()));

        var scopesBefore = removal.ScopeRoles.Count;
        var oidBefore = removal.Oid;
        // Planned once per connection.
        var outcome = await cluster.BatchAsync(batch, async reader =>
        {
            await reader.ReadAsync(cancellationToken);
            Learn(cluster, RoleLookedAt.Read(reader));
            await reader.NextResultAsync(cancellationToken);
            if (sessions.Statement is not null)
            {
                await reader.ReadAsync(cancellationToken);
                sessions.Note(cluster, EndedSessions.Read(reader));
                await reader.NextResultAsync(cancellationToken);
            }
            await reader.ReadAsync(cancellationToken);
            return Read(cluster, RoleState.Read(reader));
        }, cancellationToken, prepare: true);
        if (outcome is StrikeOutcome.Done { Left.Held: true }) return new StrikeOutcome.Held();

        // It was under another OID than on record, or a member of a scope role that is not on record: what was looked at is not all there
        // is.
        return removal.ScopeRoles.Count != scopesBefore || (removal.Oid != oidBefore && oidBefore.Length > 0)
            ? await LookAsync(cluster, cancellationToken) : outcome;
    }

    /// <summary>
    /// Until no session is left on the writer, or it takes too long. Each round waits a while, and ends again who came in meanwhile.
    /// </summary>
    public async Task<StrikeOutcome> EndSessionsAsync(ClusterConnection cluster, RoleState left, CancellationToken cancellationToken)
    {
        StrikeOutcome outcome = new StrikeOutcome.Done(left);
        for (var round = 1; round <= Rounds; round++)
        {
            var started = clock.GetTimestamp();
            for (var pause = 2; clock.GetElapsedTime(started) < SessionEnding.RoundLimit; pause = Math.Min(pause * 2, 50))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(pause), clock, cancellationToken);
                outcome = await LookAsync(cluster, cancellationToken);
                if (outcome is not StrikeOutcome.Done { Left.Sessions: > 0 }) return outcome;
            }
            if (sessions.Statement is null) return outcome;
            await sessions.OnceAsync(cluster, cancellationToken);
        }
        return outcome;
    }

    /// <summary>Only the look.</summary>
    private async Task<StrikeOutcome> LookAsync(ClusterConnection cluster, CancellationToken cancellationToken) =>
        Read(cluster, await cluster.FirstAsync(
            RemovalStatements.For(cluster.Major).State, removal.Values(), RoleState.Read, cancellationToken));

    private void Learn(ClusterConnection cluster, RoleLookedAt found)
    {
        // The block acts on what the look found.
        cluster.Remark($"dbaccess.strike = {found.Strike}, dbaccess.found = {found.Oid}, dbaccess.ident = {found.Ident}");
        if (found.Oid is not { } oid) return;

        removal.Findings.Existed = true;
        if (removal.Role.RunAs is { } owner)
            removal.Findings.Remark(
                $"what its sessions ran as {owner} is counted by the server as that owner's, so there is no digest of it");
        removal.Oid = oid.ToString(CultureInfo.InvariantCulture);
        removal.ScopeRoles.UnionWith(found.ScopeRoles);
        removal.WasShutOut ??= found.WasShutOut;
    }

    private StrikeOutcome Read(ClusterConnection cluster, RoleState left)
    {
        if (left.OnReader)
        {
            logger.LogWarning("Cluster {Cluster} led to a reader", removal.Role.Target.Cluster.Value);
            cluster.DropPool();
            return new StrikeOutcome.OnReader();
        }
        removal.Counts = left.Counts;
        if (left.Exists) removal.Findings.Existed = true;
        removal.Findings.Dropped(left.GivenOn);
        if (!left.CanLogIn) removal.LockedOutAt ??= removal.Now();
        if (left.Sessions == 0) removal.Findings.Checked(RemovalCase.Instance(cluster), isWriter: true, removal.Now());
        return new StrikeOutcome.Done(left);
    }
}
