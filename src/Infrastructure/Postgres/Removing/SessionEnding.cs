using System.Globalization;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// Ends the sessions of a role: on one instance, on every reader, of those whom it was given on to, and by number where the server has no
/// room for more.
/// </summary>
internal sealed class SessionEnding(
    RemovalCase removal, ClusterConnections connections, WarmConnections warm, TimeProvider clock, ILogger logger)
{
    public static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(2);

    private readonly List<string> _unreached = [];
    private Endings _endings = Endings.All;

    /// <summary>Readers that keep a session, or of which that is not known, in words.</summary>
    public IReadOnlyList<string> Unreached => _unreached;

    /// <summary>What ends sessions, as far as we were not refused; null when we may end none.</summary>
    public string? Statement => _endings switch
    {
        Endings.None => null,
        Endings.Own => SessionStatements.EndOwnSessions,
        _ => SessionStatements.EndSessions,
    };

    public void BeginRound() => _unreached.Clear();

    public void Note(ClusterConnection cluster, EndedSessions sessions)
    {
        removal.Findings.Ended(RemovalCase.Instance(cluster), cluster.Reader is null, removal.Role.Role.Value, sessions.Found,
            sessions.Ended, sessions.OfWhom);
        if (sessions.Ghosts.Count == 0) return;

        logger.LogWarning("{Ghosts} sessions of roles that no longer exist were ended on {Instance}", sessions.Ghosts.Count,
            RemovalCase.Instance(cluster));
        foreach (var ghost in sessions.Ghosts.Take(RemovalReceipt.MostSessions))
            removal.Findings.Remark($"ended besides: {SessionWords.Ghost(RemovalCase.Instance(cluster), ghost)}");
    }

    /// <summary>
    /// Without pg_signal_backend only a member may end the role's sessions, and no ghost; the administrator can make itself one. If nothing
    /// helps, the rest is done all the same.
    /// </summary>
    /// <returns>Whether it was that statement which was refused.</returns>
    public async Task<bool> WasRefusedAsync(Exception failure, CancellationToken cancellationToken)
    {
        if (removal.Oid.Length == 0 || failure is not PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused
            || refused.BatchCommand is not NpgsqlBatchCommand command || command.CommandText != Statement) return false;

        if (_endings == Endings.All) await BecomeMemberAsync(cancellationToken);
        _endings++;
        return true;
    }

    /// <summary>
    /// Sessions on a reader are invisible to the writer. A reader that does not answer keeps nobody from being locked out.
    /// </summary>
    public async Task OnReadersAsync(IReadOnlyList<string> readers, RoleState left, CancellationToken cancellationToken)
    {
        foreach (var instance in readers)
        {
            try
            {
                await using var cluster = await connections.OpenAsync(removal.Role.Target.Cluster, null, cancellationToken, instance);
                var started = clock.GetTimestamp();
                // A reader lets the role in until it has heard that it is shut out; only from then on nobody can follow those who are
                // ended.
                while (await OnReaderAsync(cluster, left.Exists, cancellationToken) is var (found, knows)
                    && (found > 0 || (!knows && !left.CanLogIn)))
                {
                    if (clock.GetElapsedTime(started) > RoundLimit)
                    {
                        _unreached.Add(found > 0 ? $"reader {instance} keeps a session"
                            : $"reader {instance} lags behind and has not heard yet that the role is shut out");
                        break;
                    }
                    await Task.Delay(TimeSpan.FromMilliseconds(20), clock, cancellationToken);
                    if (found > 0) removal.LastGoneAt = removal.Now();
                }
                removal.Findings.Checked(RemovalCase.Instance(cluster), isWriter: false, removal.Now());
            }
            catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
            {
                _unreached.Add($"reader {instance} does not answer");
            }
        }
    }

    /// <summary>See <see cref="RoleMembers"/>.</summary>
    public async Task OfMembersAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        var ended = await new RoleMembers(removal.Role, removal.Oid, removal.ScopeRoles, removal.Findings)
            .CutOffAsync(cluster, cancellationToken);
        removal.Members = [.. removal.Members.Union(ended)];
        removal.MembersEnded = true;
    }

    /// <summary>
    /// Where the server has no room for the locks of a strike. By the connection that knew the role before, or else on one from the pool,
    /// if there is one: to log in takes locks, too.
    /// </summary>
    public async Task ByNumberAsync(CancellationToken cancellationToken)
    {
        if (removal.Oid.Length == 0) return;

        var (target, oid) = (removal.Role.Target.Cluster, uint.Parse(removal.Oid, CultureInfo.InvariantCulture));
        if (await warm.EndAsync(target, oid, removal.Role.Role, cancellationToken) is { Length: > 0 } byNumber)
        {
            removal.Findings.Existed = true;
            var writer = await connections.CredentialAsync(target, cancellationToken);
            removal.Findings.Ended(
                $"{writer.Host}:{writer.Port.ToString(CultureInfo.InvariantCulture)}", isWriter: true, removal.Role.Role.Value, byNumber,
                byNumber, byNumber);
            return;
        }
        try
        {
            await using var cluster = await connections.OpenAsync(target, removal.Database, cancellationToken);
            var ended = await cluster.DoingFirstAsync(SessionStatements.EndByNumber, [removal.Oid, removal.Role.Role.Value],
                row => row.GetFieldValue<string[]>(0), cancellationToken);
            if (ended.Length == 0) return;

            removal.Findings.Existed = true;
            removal.Findings.Ended(
                RemovalCase.Instance(cluster), isWriter: true, removal.Role.Role.Value, ended, ended, ended);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            logger.LogWarning("The sessions of {Role} could not be ended by number ({Failure})", removal.Role.Role.Value,
                (failure as PostgresException)?.SqlState ?? (failure as ClusterFault)?.SqlState ?? failure.GetType().Name);
        }
    }

    /// <summary>Who did not go, in words: those that are on their way out, with whom they wait for, and the rest.</summary>
    public async Task<List<string>> StayingAsync(RoleState left, CancellationToken cancellationToken)
    {
        await using var cluster = await connections.OpenAsync(removal.Role.Target.Cluster, removal.Database, cancellationToken);
        var waiting = await cluster.RowsAsync(SessionStatements.Waiting, [removal.Oid], WaitingSession.Read, cancellationToken);
        var sessions = waiting.Select(one => one.Session).Distinct(StringComparer.Ordinal).ToList();
        if (removal.WasShutOut == true)
            sessions.ForEach(session => removal.Findings.IsKnown(RemovalCase.Instance(cluster), isWriter: true, session));
        return [.. waiting.Select(one => RemovalWords.Waiting(removal, left, one)),
            .. left.Sessions > sessions.Count ? [RemovalWords.NotEnded(removal, left, left.Sessions - sessions.Count)] : (string[])[]];
    }

    /// <summary>On the instance that the connection leads to; waits for nobody.</summary>
    public async Task<EndedSessions> OnceAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        var ended = await cluster.DoingFirstAsync(
            Statement ?? SessionStatements.EndOwnSessions, removal.Values(), EndedSessions.Read, cancellationToken);
        Note(cluster, ended);
        return ended;
    }

    /// <summary>Looks whether it has heard first, then ends: what came in before it had heard is seen.</summary>
    private async Task<(int Found, bool Knows)> OnReaderAsync(ClusterConnection cluster, bool exists, CancellationToken cancellationToken)
    {
        var knows = await cluster.FirstAsync(
            SessionStatements.IsShutOut, [removal.Oid, exists], row => row.GetBoolean(0), cancellationToken);
        if (removal.Members.Count > 0)
        {
            var (ended, users) = await cluster.DoingFirstAsync(
                SessionStatements.EndSessionsOf, [(long[])[.. removal.Members]],
                row => (row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1)), cancellationToken);
            foreach (var (who, user) in ended.Zip(users))
                removal.Findings.EndedOfOther(RemovalCase.Instance(cluster), user, who);
            if (ended.Length > 0)
                removal.Findings.Remark(
                    $"{ended.Length} sessions of those whom the role had been given on to were ended on " +
                    $"{RemovalCase.Instance(cluster)}, too");
        }
        return ((await OnceAsync(cluster, cancellationToken)).Found.Count, knows);
    }

    private async Task BecomeMemberAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(removal.Role.Target.Cluster, removal.Database, cancellationToken);
            if (await cluster.RowAsync(RemovalStatements.BecomeMember(cluster.Major), [removal.Oid],
                row => (string[])[row.GetString(0), row.GetString(1)], cancellationToken) is { } statements)
                await cluster.RunAllAsync(statements, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            logger.LogWarning("The administrator of {Cluster} could not become a member of {Role} ({Failure})",
                removal.Role.Target.Cluster.Value, removal.Role.Role.Value,
                (failure as PostgresException)?.SqlState ?? failure.GetType().Name);
        }
    }

    /// <summary>Whose sessions the administrator may end, as far as it was refused.</summary>
    private enum Endings
    {
        All,
        AllAsMember,
        Own,
        None,
    }
}
