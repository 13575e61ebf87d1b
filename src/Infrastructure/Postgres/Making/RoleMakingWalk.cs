using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// One making: one look (what is there, what differs, the statements quoted by the server), the scope roles brought in line, one
/// transaction that makes the role and reads it back. A clean one is two round trips on a warm connection. Each step may be repeated, and
/// two workers may do it at once.
/// </summary>
/// <param name="remove">Removes what did not turn out as ordered.</param>
internal sealed class RoleMakingWalk(
    ClusterConnections connections, ScopeRoles scopes, LoginProof logins, TimeProvider clock, ILogger logger,
    Func<RoleToRemove, CancellationToken, Task<RoleRemoval>> remove, RoleOrder order, Secret password)
{
    /// <summary>One for each database, with the scope role that is used there.</summary>
    private readonly ScopePart[] _parts = [.. ScopePart.Of(order).Select(scopes.InUse)];

    /// <summary>The scope roles that were brought in line, by their OIDs: another may have a name by the time it is given.</summary>
    private readonly uint[] _inLine = new uint[order.Scope.DatabasesOf(order.Target).Count];

    /// <summary>What there is of an owner to act as, in all databases but the first.</summary>
    private readonly Dictionary<string, string> _ownerElsewhere = new(StringComparer.Ordinal);

    public async Task<RoleMaking> RunAsync(CancellationToken cancellationToken)
    {
        if (MakingWords.Refuse(order) is { } refusal) return new RoleMaking.Impossible(refusal);

        // Hashing takes as long as a look at the server: side by side.
        var verifier = Task.Run(() => ScramVerifier.For(password), cancellationToken);
        try
        {
            // 42710 comes this far when two made the same scope role at once, 42704 when one was dropped as unused at this moment.
            return await new Attempts(clock).RunAsync(async () =>
            {
                List<PlanOnRecord> others = [];
                if (_parts.Length > 1 && await PrepareOthersAsync(others, cancellationToken) is { } cannot)
                    return new RoleMaking.Impossible(cannot);

                return await OnAsync(order.Target.Database, cluster => MakeOnAsync(cluster, others, verifier, cancellationToken),
                    cancellationToken);
            }, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            var fault = ClusterFault.From(failure, order.Target.Cluster, order.Target.Database);
            return fault.MayPass ? new RoleMaking.NotNow(fault.Error) : new RoleMaking.Impossible(MakingWords.Explain(fault, order));
        }
    }

    private async Task<T> OnAsync<T>(string database, Func<ClusterConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        await using var cluster = await connections.OpenAsync(order.Target.Cluster, database, cancellationToken);
        try
        {
            return await work(cluster);
        }
        catch (Exception failure) when (Attempts.Classify(failure) == Passing.Lost)
        {
            // Most likely those that lie idle beside it lead nowhere too, or to an instance that only reads.
            cluster.DropPool();
            throw;
        }
    }

    /// <summary>
    /// With several databases: first a look at all of them, so that nothing is made in one when another cannot be given; then the scope
    /// roles of all but the first. One connection at a time.
    /// </summary>
    private async Task<Error?> PrepareOthersAsync(List<PlanOnRecord> plans, CancellationToken cancellationToken)
    {
        foreach (var (n, onlyLook) in Enumerable.Range(0, _parts.Length).Select(n => (n, true))
            .Concat(Enumerable.Range(1, _parts.Length - 1).Select(n => (n, false))))
        {
            var (why, _, plan) = await OnAsync(_parts[n].Database, async cluster =>
            {
                var look = new RoleLook(order, _parts[n], scopes.Hands);
                var scope =
                    await ScopeAsync(cluster, n, look, await LookAsync(cluster, look, cancellationToken), onlyLook, cancellationToken);
                // After what we give ourselves: where nothing was given yet, that writes down what PUBLIC had all along.
                if (!onlyLook && order.Scope.RunAs is { } owner)
                    _ownerElsewhere[_parts[n].Database] = await OwnerChanges.DigestAsync(cluster, owner, cancellationToken);
                return scope;
            }, cancellationToken);
            if (why is not null) return why;
            if (plan is not null) plans.Add(plan);
        }
        return null;
    }

    private async Task<(RolePreparation State, string Mark)> LookAsync(
        ClusterConnection cluster, RoleLook look, CancellationToken cancellationToken, bool mark = true)
    {
        var seen = await look.LookAsync(cluster, cancellationToken, mark);
        return seen.State.ReadOnly ? throw ReadOnly() : seen;
    }

    /// <summary>The scope role of one part in line; from then on the part knows which it is.</summary>
    private async Task<(Error? Why, RolePreparation State, PlanOnRecord? Plan)> ScopeAsync(ClusterConnection cluster, int part,
        RoleLook look, (RolePreparation State, string Mark) seen, bool onlyLook, CancellationToken cancellationToken)
    {
        if (ScopeSupport.Lack(order.Scope, cluster.Major) is { } unsupported) return (unsupported, seen.State, null);
        if (seen.State.OpenSchemas.Length > 0 && !order.Target.AllowPublicCreate)
            return (MakingWords.PublicMayCreate(seen.State, look.Part), seen.State, null);

        try
        {
            var state = await scopes.EnsureAsync(cluster, look, seen.State, seen.Mark, cancellationToken, onlyLook);
            _parts[part] = state.Look.Part;
            if (!onlyLook && state.Why is null)
                _inLine[part] = state.Preparation.ScopeOid
                    ?? (await state.Look.LookAsync(cluster, cancellationToken, mark: false)).State.ScopeOid ?? 0;
            return (state.Why, state.Preparation, state.Plan);
        }
        catch (PostgresException refused)
            when (!ClusterFault.From(refused, order.Target.Cluster, order.Target.Database).MayPass)
        {
            var what = $"The privileges of scope {order.Scope.Name} cannot be set up on {look.Part.Place}";
            // No secret in these statements, so the server may speak for itself.
            return (ClusterFault.IsUnforeseen(refused) || OthersCode.Failed(refused)
                ? await EventTrigger.ExplainAsync(cluster, refused, what, cancellationToken)
                : new Error("postgres.cannot_grant", $"{what}: {refused.MessageText} (SQLSTATE {refused.SqlState})."), seen.State, null);
        }
    }

    private async Task<RoleMaking> MakeOnAsync(
        ClusterConnection cluster, IReadOnlyList<PlanOnRecord> others, Task<string> hashing, CancellationToken cancellationToken)
    {
        var look = new RoleLook(order, _parts[0], scopes.Hands);
        if (order.Scope.RunAs is null && scopes.IsLarge(look.Part)
            && await MakeBesideMarkAsync(cluster, look, others, hashing, cancellationToken) is { } made) return made;

        var (cannot, state, plan) = await ScopeAsync(
            cluster, 0, look, await LookAsync(cluster, look, cancellationToken), onlyLook: false, cancellationToken);
        if (cannot is not null) return new RoleMaking.Impossible(cannot);

        if (order.Scope.RunAs is { } owner)
        {
            var (unfit, acts) =
                await OwnerToActAs.FindAsync(cluster, order.Target, order.Scope, owner, order.Role.Value, cancellationToken);
            if (unfit is not null) return new RoleMaking.Impossible(unfit);
            state = state with
            {
                Grants = acts.Grants,
                Direct = acts.Direct,
                Settings = [.. state.Settings, acts.Setting],
                Comment = OwnerChanges.InComment(state.Comment,
                    [await OwnerChanges.DigestAsync(cluster, owner, cancellationToken), .. _parts.Skip(1)
                        .Select(part => _ownerElsewhere[part.Database])]),
            };
        }

        var (verifier, together) = (await hashing, PlanOnRecord.Together([plan!, .. others]));
        if (order.AgreedPlan is { } agreed && agreed != together.Hash) return new RoleMaking.Differs();

        try
        {
            return await ReadBackAsync(
                cluster, state, await CreateAsync(cluster, state, verifier, cancellationToken), together, isNew: true, cancellationToken);
        }
        catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.DuplicateObject)
        {
            return await AdoptAsync(cluster, state, verifier, together, cancellationToken);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.DivisionByZero
            && StepBatch.Culprit(refused) == Step.Fence)
        {
            return new RoleMaking.NotNow(MakingWords.LeaseOver(order));
        }
        catch (PostgresException held) when (held.SqlState == PostgresErrorCodes.LockNotAvailable
            && StepBatch.Culprit(held) == Step.Grant)
        {
            // Everybody else who asks for this scope would wait as long, and keep a connection meanwhile.
            return new RoleMaking.NotNow(MakingWords.ScopeHeld(state, order));
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege
            && StepBatch.Culprit(refused) == Step.Create && !OthersCode.Failed(refused))
        {
            return new RoleMaking.Impossible(MakingWords.AdministratorLacks(
                await cluster.RowAsync(MakingStatements.AdministratorRights, [], AdministratorRights.Read, cancellationToken), order));
        }
        catch (PostgresException refused)
            when (StepBatch.Culprit(refused) is { } step && MakingWords.Why(refused, step, order) is { } reason)
        {
            return new RoleMaking.Impossible(reason);
        }
        catch (PostgresException refused) when (ClusterFault.IsUnforeseen(refused))
        {
            return new RoleMaking.Impossible(await EventTrigger.ExplainAsync(
                cluster, refused, $"The role {state.RoleIdent} cannot be made on {order.Target.Name}", cancellationToken));
        }
    }

    /// <summary>
    /// For a scope of thousands of objects, whose mark takes as long to read as the rest: it is read on a second connection while the first
    /// makes the role. The role is nobody's and has nothing, and nothing is committed, before the mark is known to be what it was. Null
    /// when it is not, or when anything else is not as usual: nothing is left then, and the ordinary way finds out what it is.
    /// </summary>
    private async Task<RoleMaking?> MakeBesideMarkAsync(ClusterConnection cluster, RoleLook look, IReadOnlyList<PlanOnRecord> others,
        Task<string> hashing, CancellationToken cancellationToken)
    {
        var marking = ReadMarkAsync(look, cancellationToken);
        RolePreparation state;
        PlanOnRecord plan;
        RoleReadBack? found;
        try
        {
            (state, _) = await LookAsync(cluster, look, cancellationToken, mark: false);
            if (state.ScopeOid is null || ScopeFault.Of(state, look.Part) is not null || state.OpenSchemas.Length > 0) return null;

            _inLine[0] = state.ScopeOid.Value;
            var begin = new StepBatch(cluster);
            begin.Add(Step.Create, "BEGIN");
            AddRole(begin, state, await hashing);
            await begin.ExecuteAsync(cancellationToken);
            if (scopes.Recall(look.Part, await marking ?? await look.MarkAsync(cluster, cancellationToken)) is not { } recalled
                || (order.AgreedPlan is { } agreed && agreed != PlanOnRecord.Together([recalled, .. others]).Hash))
            {
                await cluster.RunAsync("ROLLBACK", cancellationToken);
                return null;
            }
            var end = new StepBatch(cluster);
            // Last, so that a worker that was frozen in between is fenced too.
            end.Fence(order);
            AddGrants(end, cluster.Major, state);
            AddReadBack(end, cluster.Major);
            end.Add(Step.ReadBack, "COMMIT");
            found = await end.ExecuteAsync(cancellationToken);
            plan = recalled;
        }
        catch (PostgresException failure) when (!ClusterFault.IsLostConnection(failure))
        {
            await cluster.RunAsync("ROLLBACK", cancellationToken);
            return null;
        }
        finally
        {
            // It never fails, and its connection is to be back before ours is.
            await marking;
        }
        return await ReadBackAsync(cluster, state, found, PlanOnRecord.Together([plan, .. others]), isNew: true, cancellationToken);
    }

    /// <summary>Null when there is no connection for it, or it failed.</summary>
    private async Task<string?> ReadMarkAsync(RoleLook look, CancellationToken cancellationToken)
    {
        try
        {
            await using var second = await connections.OpenIfFreeAsync(order.Target.Cluster, order.Target.Database, cancellationToken);
            return second is null ? null : await look.MarkAsync(second, cancellationToken);
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException or OperationCanceledException)
        {
            return null;
        }
    }

    private Task<RoleReadBack?> CreateAsync(
            ClusterConnection cluster, RolePreparation state, string verifier, CancellationToken cancellationToken)
    {
        // Sent in one go without a Sync in between, which makes it one transaction: the role is never seen half made.
        var batch = new StepBatch(cluster);
        batch.Fence(order);
        AddRole(batch, state, verifier);
        AddGrants(batch, cluster.Major, state);
        AddReadBack(batch, cluster.Major);
        return batch.ExecuteAsync(cancellationToken);
    }

    private static void AddRole(StepBatch batch, RolePreparation state, string verifier)
    {
        // The verifier is well formed, so it holds nothing that could end the literal; having the server quote it too would put it into one
        // more log line.
        batch.Add(Step.Create, new Asked($"{state.Create}'{verifier}'") { Secret = verifier });
        foreach (var setting in state.Settings) batch.Add(Step.Setting, setting);
        batch.Add(Step.Comment, state.Comment);
    }

    private void AddGrants(StepBatch batch, int major, RolePreparation state)
    {
        // In one order everywhere: from 16 on a grant locks the scope role until the end, and two in opposite orders would wait for each
        // other. Names that we build need no quotes.
        foreach (var scopeRole in _parts.Select(part => part.Role).Order(StringComparer.Ordinal))
            batch.Add(Step.Grant, MakingStatements.GrantMembership(major, scopeRole, state.RoleIdent));
        foreach (var grant in state.Grants) batch.Add(Step.Grant, grant);
    }

    private void AddReadBack(StepBatch batch, int major)
    {
        batch.Ask(Step.ReadBack, RoleReadBack.Statement(major), order.Role.Value);
        // Last: whoever drops a scope role renames it first, and then waits for the likes of us.
        foreach (var (part, scopeRole) in _parts.Zip(_inLine))
            batch.Ask(Step.ReadBack, MakingStatements.IsThere, part.Role, scopeRole);
    }

    /// <summary>
    /// The name is there already. If an earlier try of ours made it, it gets this password and end; otherwise it is somebody else's.
    /// </summary>
    private async Task<RoleMaking> AdoptAsync(ClusterConnection cluster, RolePreparation state, string verifier, PlanOnRecord plan,
        CancellationToken cancellationToken)
    {
        var identity = await cluster.RowAsync(MakingStatements.Identify,
            [order.Role.Value, RoleTag.LoginPrefix(order.Installation, order.Grant)], RoleIdentity.Read, cancellationToken);
        // Gone again between two statements: somebody removes it. The caller comes back.
        if (identity is null) return new RoleMaking.NotNow(MakingWords.BeingChanged(order));
        if (!identity.IsOurs) return new RoleMaking.NameTaken();

        var batch = new StepBatch(cluster);
        batch.Fence(order);
        batch.Add(Step.Create, new Asked($"{state.Alter}'{verifier}'") { Secret = verifier });
        batch.Add(Step.Create, identity.Reset);
        foreach (var setting in state.Settings) batch.Add(Step.Setting, setting);
        batch.Add(Step.Comment, state.Comment);
        foreach (var revoke in identity.Revokes) batch.Add(Step.Grant, revoke);
        AddGrants(batch, cluster.Major, state);
        AddReadBack(batch, cluster.Major);
        RoleReadBack? found;
        try
        {
            found = await batch.ExecuteAsync(cancellationToken);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.DivisionByZero
            && StepBatch.Culprit(refused) == Step.Fence)
        {
            return new RoleMaking.NotNow(MakingWords.LeaseOver(order));
        }
        return await ReadBackAsync(cluster, state, found, plan, isNew: false, cancellationToken);
    }

    /// <summary>Compares what the role turned out to be with what was ordered. Anything more or less, and it is removed again.</summary>
    private async Task<RoleMaking> ReadBackAsync(ClusterConnection cluster, RolePreparation state, RoleReadBack? found, PlanOnRecord plan,
        bool isNew, CancellationToken cancellationToken)
    {
        var faults = found is null ? ["it is not there"] : found.Faults(cluster.Major, order, _parts, state);
        var credential = cluster.Credential;
        if (faults.Count == 0 && await logins.TryAsync(cluster, order, found!.Oid, password, cancellationToken) is { } turnedAway)
            faults.Add(MakingWords.CannotLogIn(turnedAway));
        if (faults.Count == 0)
            return new RoleMaking.Made(found!.Oid, credential.Host, credential.Port,
                credential.SslMode.Length == 0 ? "verify-full" : credential.SslMode, plan);

        logger.LogWarning("Role {Role} of grant {Grant} did not turn out as ordered (new: {New}) and is removed: {Faults}", order.Role,
            order.Grant, isNew, faults);
        await cluster.DisposeAsync();
        if (found is not null)
        {
            var removal = await remove(new RoleToRemove(order.Installation, order.Grant, order.Target, order.Role, found.Oid)
            {
                ScopeRoles = [.. _parts.Select(part => RoleName.Parse(part.Role)!)],
            }, cancellationToken);
            if (removal is not RoleRemoval.Gone) faults.Add("and it could not be removed yet");
        }
        return new RoleMaking.Impossible(MakingWords.NotAsOrdered(state, faults));
    }

    private PostgresException ReadOnly() =>
        new($"cluster {order.Target.Cluster} led to a reader", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);
}
