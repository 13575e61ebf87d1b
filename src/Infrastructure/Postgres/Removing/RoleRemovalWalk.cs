using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// One removal, from whatever an earlier one left. A role that has nothing and nobody is dropped and proved gone in one round trip
/// (<see cref="Strike"/>). Any other is shut out first; then sessions are ended on every instance (<see cref="SessionEnding"/>), what was
/// prepared is rolled back, what is owned is handed over (<see cref="RoleLeftovers"/>), and it is dropped and proved. Each step may be
/// repeated, and two workers may do it at once.
/// </summary>
internal sealed class RoleRemovalWalk
{
    private const int MostAttempts = 10;
    private const int LostConnections = 2;

    /// <summary>How often sessions are ended by number when the server has no room for the locks of a strike.</summary>
    private const int RoundsWithoutRoom = 5;

    /// <summary>
    /// People mend one after the other, and the next try names those that come after. A grant's record has room for so many.
    /// </summary>
    private const int MostBlockers = 50;

    private readonly ClusterConnections _connections;
    private readonly ActivityLog _activity;
    private readonly Followers _followers;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly RoleToRemove _role;
    private readonly RemovalCase _removal;
    private readonly SessionEnding _sessions;
    private readonly Strike _strike;
    private bool _mayDropAtOnce = true;
    private bool _swept;
    private int _lost;
    private int _crowded;

    public RoleRemovalWalk(ClusterConnections connections, ActivityLog activity, Followers followers, TimeProvider clock, ILogger logger,
        RoleToRemove role, WarmConnections warm)
    {
        (_connections, _activity, _followers, _clock, _logger, _role) = (connections, activity, followers, clock, logger, role);
        _removal = new RemovalCase(role, clock);
        _sessions = new SessionEnding(_removal, connections, warm, clock, logger);
        _strike = new Strike(_removal, _sessions, clock, logger);
    }

    public async Task<RoleRemoval> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var removal = await TryAsync(cancellationToken);
            // Access is over by now. The server's counters are kept by OID, so that they can be read after the drop and hold nothing up.
            var activity = removal is RoleRemoval.NotNow || !_removal.Counts || _removal.Oid.Length == 0 || _role.RunAs is not null
                ? null : await _activity.ReadAsync(_role.Target.Cluster, _role.Target.Database, _removal.Oid, cancellationToken);
            return removal switch
            {
                RoleRemoval.Gone gone => new RoleRemoval.Gone(gone.Receipt with { Activity = activity }),
                RoleRemoval.LockedOut locked => new RoleRemoval.LockedOut(locked.Receipt with { Activity = activity }, locked.Blockers),
                RoleRemoval.NotNow notNow => notNow with { SoFar = _removal.SoFar() },
                _ => removal,
            };
        }
        catch (OperationCanceledException) when (IsLockedOut && _removal.Findings.AnythingHandedOver && _removal.SoFar() is { } soFar)
        {
            // Nobody has access any more, and that is what matters to people; the rest gets on and takes longer than one worker has.
            return new RoleRemoval.LockedOut(soFar, [RemovalWords.GoesOn]);
        }
        catch (OperationCanceledException) when (_removal.SoFar() is { } soFar)
        {
            return new RoleRemoval.NotNow(new Error("removal.cut_off", "it was given up half way"), soFar);
        }
    }

    /// <summary>Shut out, with no session left on the writer or any reader.</summary>
    private bool IsLockedOut => _removal.LockedOutAt is not null && _swept && _sessions.Unreached.Count == 0;

    private async Task<RoleRemoval> TryAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Whatever was in the way of dropping it at once: from the second try on it is shut out first.
            var atOnce = _mayDropAtOnce;
            try
            {
                var walked = await WalkAsync(cancellationToken);
                _mayDropAtOnce = false;
                if ((walked.Removal ?? await AfterAsync(walked.Again, attempt, cancellationToken)) is { } removal) return removal;
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                // A call that is given up can end as a broken connection just as well.
                cancellationToken.ThrowIfCancellationRequested();
                _mayDropAtOnce = false;
                switch (await AfterAsync(failure, atOnce, attempt, cancellationToken))
                {
                    case NextTry.AtOnce:
                        continue;
                    case NextTry.None when !ClusterFault.IsOfConnection(failure):
                        throw;
                    case NextTry.None:
                        return new RoleRemoval.NotNow(SqlState(failure) == PostgresErrorCodes.LockNotAvailable
                            ? new Error("postgres.role_held", RemovalWords.Held(_role.Role.Value))
                            : ClusterFault.From(failure, _role.Target.Cluster, _role.Target.Database).Error);
                }
            }
            await Attempts.PauseAsync(attempt, _clock, cancellationToken);
        }
    }

    /// <summary>After a walk that did not come to its end: null when it is to be walked again.</summary>
    private async Task<RoleRemoval?> AfterAsync(StrikeOutcome? again, int attempt, CancellationToken cancellationToken)
    {
        switch (again)
        {
            case StrikeOutcome.Held when attempt == MostAttempts:
                return new RoleRemoval.NotNow(new Error("postgres.role_held", RemovalWords.Held(_role.Role.Value)));
            case StrikeOutcome.Held:
                await ClearTheWayAsync(cancellationToken);
                return null;
            case StrikeOutcome.OnReader when ++_lost > LostConnections:
                return new RoleRemoval.NotNow(ClusterFault.From(
                    new PostgresException("", "", "", PostgresErrorCodes.ReadOnlySqlTransaction), _role.Target.Cluster, "").Error);
            case StrikeOutcome.SomethingCameBack when attempt == MostAttempts:
                return new RoleRemoval.NotNow(new Error("postgres.busy", RemovalWords.ComesBack(_role.Role.Value)));
            default:
                return null;
        }
    }

    /// <summary>After a failure: does what helps against it, and says when to walk again.</summary>
    /// <param name="atOnce">It was to be dropped at once.</param>
    private async Task<NextTry> AfterAsync(Exception failure, bool atOnce, int attempt, CancellationToken cancellationToken)
    {
        // A holder can fill the server's one table of locks and so keep everybody's statements out, ours and their own lock-out among them.
        // Now and then there is room for a few.
        if (SqlState(failure) == ClusterFault.OutOfMemory && ++_crowded <= RoundsWithoutRoom)
        {
            _removal.Findings.Remark(RemovalWords.NoRoomAtFirst);
            await _sessions.ByNumberAsync(cancellationToken);
            return NextTry.AfterPause;
        }

        // The database may be closed or gone, or a trigger of its own turn us away; the role is the whole cluster's, and another door leads
        // to it as well.
        if (_removal.Database is not null && failure is ClusterFault { SqlState: not (null or "28P01" or "28000" or "57P03") })
        {
            _removal.Database = null;
            return NextTry.AtOnce;
        }

        if (await _sessions.WasRefusedAsync(failure, cancellationToken)
            || (atOnce && SqlState(failure) == PostgresErrorCodes.InsufficientPrivilege)) return NextTry.AtOnce;

        var passes = ClusterFault.IsContention(failure)
            || SqlState(failure) is PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.DependentObjectsStillExist
            ? attempt < MostAttempts : ClusterFault.IsLostConnection(failure) && ++_lost <= LostConnections;
        if (!passes) return NextTry.None;

        if (SqlState(failure) == PostgresErrorCodes.LockNotAvailable) await ClearTheWayAsync(cancellationToken);
        return NextTry.AfterPause;
    }

    private async Task<WalkOutcome> WalkAsync(CancellationToken cancellationToken)
    {
        _sessions.BeginRound();
        _swept = false;
        var readers = (await _connections.CredentialAsync(_role.Target.Cluster, cancellationToken)).Readers;
        RoleState left;
        await using (var cluster = await OpenAsync(cancellationToken))
        {
            // On readers sessions are ended before the drop: while the role is there, everybody can see whose they are.
            var outcome =
                await _strike.RunAsync(cluster, _mayDropAtOnce && readers.Count == 0, Strike.Impatient, cancellationToken);
            if (outcome is StrikeOutcome.Done { Left: { Sessions: > 0 } some })
                outcome = await _strike.EndSessionsAsync(cluster, some, cancellationToken);
            if (outcome is not StrikeOutcome.Done done) return new WalkOutcome(outcome);

            left = done.Left;
            try
            {
                if (left.Members > 0) await _sessions.OfMembersAsync(cluster, cancellationToken);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                // They stay members, so that they are known next time.
                return new RoleRemoval.NotNow(RemovalWords.MembersNotEnded(_removal, left, cluster.Credential.Username));
            }
            var unlisted = await _followers.FindAsync(cluster, _role.Target.Cluster, left, readers, cancellationToken);
            readers = [.. readers, .. unlisted.Answering];
            foreach (var silent in unlisted.Silent) _removal.Findings.Remark(RemovalWords.NotSwept(silent));
        }
        if (left.Exists && left.Sessions == 0) _removal.LastGoneAt ??= _removal.Now();
        if (_removal.Oid.Length > 0) await _sessions.OnReadersAsync(readers, left, cancellationToken);
        _swept = left is { CanLogIn: false, Sessions: 0 };

        // Nothing about it is ours to change, and everything ours would be in vain.
        if (left.IsSuperuser) return LockedOutOrNotNow(left, [RemovalWords.MadeSuperuser(NameOf(left))]);

        List<string> blockers = left.CanLogIn ? [RemovalWords.CanStillLogIn(NameOf(left))] : [];
        if (left.Sessions > 0) blockers.AddRange(await _sessions.StayingAsync(left, cancellationToken));
        blockers.AddRange(await MendAsync(left, cancellationToken));
        // Shut out it stays where it is, until every reader has heard of that: to a reader that has not even heard of its making, one that
        // is dropped looks the same.
        if (_sessions.Unreached.Count > 0 && left.Exists) return LockedOutOrNotNow(left, blockers);

        return left is { Exists: false, Sessions: 0, OfScopes: 0, Rows: 0 }
            ? Gone(left) : await DropAsync(left, blockers, cancellationToken);
    }

    private async Task<List<string>> MendAsync(RoleState left, CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        if (left.OfRole > 0)
            blockers.AddRange(await Leftovers(_removal.Oid, isScope: false, sessionsLeft: left.Sessions > 0).MendAsync(cancellationToken));
        if (left.OfScopes == 0) return blockers;

        foreach (var scope in left.ScopeRoles)
        {
            var defaults = await new ScopeDefaults(_connections, _role.Target.Cluster).RevokeAsync(scope, cancellationToken);
            _removal.Findings.Dropped(defaults.TakenBack);
            blockers.AddRange(defaults.Left);
            // From 16 on nobody can become it and leave anything else.
            if (left.CanBecomeScope) blockers.AddRange(await Leftovers(scope, isScope: true).MendAsync(cancellationToken));
        }
        return blockers;
    }

    private async Task<WalkOutcome> DropAsync(RoleState before, List<string> blockers, CancellationToken cancellationToken)
    {
        await using var cluster = await OpenAsync(cancellationToken);
        var started = _clock.GetTimestamp();
        while (true)
        {
            StrikeOutcome outcome;
            try
            {
                outcome = await _strike.RunAsync(cluster, mayDrop: true, Strike.Patient, cancellationToken);
            }
            catch (PostgresException kept) when (kept.SqlState == PostgresErrorCodes.DependentObjectsStillExist && blockers.Count > 0)
            {
                return LockedOutOrNotNow(before, blockers);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege && before.Exists)
            {
                return LockedOutOrNotNow(before, blockers.Count > 0 ? blockers : [RemovalWords.MayNotBeDropped(NameOf(before))]);
            }
            catch (PostgresException held) when (held.SqlState == PostgresErrorCodes.LockNotAvailable && before.Exists)
            {
                return LockedOutOrNotNow(before, [.. blockers, RemovalWords.Held(NameOf(before))]);
            }
            if (outcome is StrikeOutcome.Held && before.Exists)
                return LockedOutOrNotNow(before, [.. blockers, RemovalWords.Held(NameOf(before))]);
            if (outcome is not StrikeOutcome.Done { Left: var left }) return new WalkOutcome(outcome);
            if (left is { Exists: false, Sessions: 0, OfScopes: 0, Rows: 0 }) return Gone(left);
            // Nobody is waited for: somebody has to do something first.
            if (blockers.Count > 0) return LockedOutOrNotNow(left, blockers);
            if (_clock.GetElapsedTime(started) > SessionEnding.RoundLimit)
                return left.Exists ? LockedOutOrNotNow(left, [RemovalWords.ComesBack(NameOf(left))])
                    : new RoleRemoval.NotNow(RemovalWords.NotProved(_removal, left));
            if (left.Exists && left.OfRole + left.OfScopes > 0) return new WalkOutcome(new StrikeOutcome.SomethingCameBack());

            await Task.Delay(TimeSpan.FromMilliseconds(10), _clock, cancellationToken);
        }
    }

    /// <summary>
    /// Somebody's open transaction holds the role, so that it cannot even be shut out: its holder can change their own password and not
    /// commit, or prepare that. The strike has ended the holder's own sessions all the same; whoever else can act as the role, and what was
    /// prepared, goes here.
    /// </summary>
    private async Task ClearTheWayAsync(CancellationToken cancellationToken)
    {
        if (_removal.Oid.Length == 0) return;

        try
        {
            await using (var cluster = await OpenAsync(cancellationToken))
            {
                if (cluster.Major < 16) await _sessions.OfMembersAsync(cluster, cancellationToken);
            }
            await Leftovers(_removal.Oid, isScope: false).RollBackPreparedAsync(cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            // What is really in the way the next strike will meet again.
            _logger.LogWarning("What holds {Role} could not be ended ({Failure})", _role.Role.Value,
                SqlState(failure) ?? failure.GetType().Name);
        }
    }

    private RoleRemoval Gone(RoleState left)
    {
        if (_sessions.Unreached.Count > 0) return new RoleRemoval.NotNow(RemovalWords.Unreached(_removal, _sessions.Unreached));
        if (left is { HeirMayBeOurs: true, Heir: { } heir }) return new RoleRemoval.NotNow(RemovalWords.Renamed(_removal, heir));

        if (left.Memberships > 0) _removal.Findings.Remark(RemovalWords.InNothing(_removal, left.Memberships));
        if (left.Heir is { } other) _removal.Findings.Remark(RemovalWords.HasHeir(_removal, other));
        var (now, lockedOutAt) = (_removal.Now(), _removal.LockedOutAt);
        return new RoleRemoval.Gone(
            _removal.Findings.Receipt(lockedOutAt ?? now, _removal.LastGoneAt ?? lockedOutAt ?? now, now, left.AsProof()));
    }

    private RoleRemoval LockedOutOrNotNow(RoleState left, List<string> blockers)
    {
        if (left.CanLogIn || left.Sessions > 0)
            return new RoleRemoval.NotNow(new Error("postgres.not_locked_out", string.Join(" ", blockers)));
        if (_sessions.Unreached.Count > 0) return new RoleRemoval.NotNow(RemovalWords.Unreached(_removal, _sessions.Unreached));

        var now = _removal.Now();
        return new RoleRemoval.LockedOut(
            _removal.Findings.Receipt(_removal.LockedOutAt ?? now, _removal.LastGoneAt ?? now, null, left.AsProof()),
            RemovalFindings.Bounded(blockers, MostBlockers));
    }

    private RoleLeftovers Leftovers(string oid, bool isScope, bool sessionsLeft = false) =>
        new(_connections, _clock, _logger, _role, oid, isScope, _removal.Findings, sessionsLeft);

    private Task<ClusterConnection> OpenAsync(CancellationToken cancellationToken) =>
        _connections.OpenAsync(_role.Target.Cluster, _removal.Database, cancellationToken);

    private string NameOf(RoleState left) => left.Name ?? _role.Role.Value;

    private static string? SqlState(Exception failure) =>
        (failure as PostgresException)?.SqlState ?? (failure as ClusterFault)?.SqlState;

    /// <summary>It is over, in one of the ways of a removal; or why it begins again.</summary>
    private readonly record struct WalkOutcome(RoleRemoval? Removal, StrikeOutcome? Again)
    {
        public WalkOutcome(StrikeOutcome again)
            : this(null, again)
        {
        }

        public static implicit operator WalkOutcome(RoleRemoval removal) => new(removal, null);
    }

    private enum NextTry
    {
        AfterPause,
        AtOnce,
        None,
    }
}
