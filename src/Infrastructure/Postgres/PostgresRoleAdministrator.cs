using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>
/// Roles on real clusters. A clean making is two round trips on a warm connection: one look (what is there, what differs, the statements
/// quoted by the server), one transaction (the role, and what it turned out to be). A clean removal is one: see
/// <see cref="RoleRemovalWalk"/>.
/// </summary>
internal sealed partial class PostgresRoleAdministrator(
    ClusterConnections connections, TimeProvider clock, ILogger<PostgresRoleAdministrator> logger, GhostHunt? ghosts = null,
    WarmConnections? warm = null)
        : IRoleAdministrator
{
    private readonly ScopeRoles _scopes = new(clock, logger);
    private readonly ActivityLog _activity = new(connections, clock, logger);
    private readonly Followers _followers = new(connections, clock);

    public async Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.make");
        var started = clock.GetTimestamp();
        var making = await TryMakeAsync(order, password, cancellationToken);
        if (making is RoleMaking.Made { Oid: var oid }) warm?.Add(order.Target.Cluster, oid);
        var (outcome, code) = making switch
        {
            RoleMaking.Made => ("made", null),
            RoleMaking.NameTaken => ("name taken", null),
            RoleMaking.Impossible impossible => ("impossible", impossible.Why.Code),
            RoleMaking.NotNow notNow => ("not now", notNow.Why.Code),
            _ => ("unknown", null),
        };
        logger.LogInformation("Role {Role} of grant {Grant} on {Database}: {Outcome} {Code}, {Ms:0.0} ms",
            order.Role, order.Grant, order.Target.Name, outcome, code, clock.GetElapsedTime(started).TotalMilliseconds);
        return making;
    }

    public async Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.remove");
        var started = clock.GetTimestamp();
        var removal = await new RoleRemovalWalk(connections, _activity, _followers, clock, logger, role, warm).RunAsync(cancellationToken);
        if (removal is not RoleRemoval.NotNow && role.Oid is { } oid) warm?.Forget(role.Target.Cluster, oid);
        ghosts?.Follow(role.Target.Cluster, clock.GetUtcNow());
        var (outcome, code) = removal switch
        {
            RoleRemoval.Gone => ("gone", null),
            RoleRemoval.LockedOut => ("locked out", null),
            RoleRemoval.NotNow notNow => ("not now", notNow.Why.Code),
            _ => ("unknown", null),
        };
        logger.LogInformation("Role {Role} of grant {Grant} on {Database}: {Outcome} {Code}, {Ms:0.0} ms",
            role.Role, role.Grant, role.Target.Name, outcome, code, clock.GetElapsedTime(started).TotalMilliseconds);
        return removal;
    }

    internal static Task PauseAsync(int attempt, TimeProvider clock, CancellationToken cancellationToken) =>
        Attempts.PauseAsync(attempt, clock, cancellationToken);

    private async Task<RoleMaking> TryMakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken)
    {
        if (Refuse(order) is { } refusal) return new RoleMaking.Impossible(refusal);

        // Hashing takes as long as a look at the server: side by side.
        var verifier = Task.Run(() => ScramVerifier.For(password), cancellationToken);
        var parts = ScopePart.Of(order);
        var look = new RoleLook(order, parts[0]);
        try
        {
            // 42710 comes this far when two made the same scope role at once, 42704 when one was dropped as unused at this moment.
            return await new Attempts(clock).RunAsync(async () =>
            {
                List<PlanOnRecord> others = [];
                if (parts.Count > 1 && await PrepareOthersAsync(order, parts, others, cancellationToken) is { } cannot)
                    return new RoleMaking.Impossible(cannot);

                await using var cluster = await connections.OpenAsync(order.Target.Cluster, order.Target.Database, cancellationToken);
                try
                {
                    return await MakeOnAsync(cluster, order, look, others, verifier, cancellationToken);
                }
                catch (Exception failure) when (Attempts.Classify(failure) == Passing.Lost)
                {
                    cluster.DropPool();
                    throw;
                }
            }, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            var fault = ClusterFault.From(failure, order.Target.Cluster, order.Target.Database);
            return fault.MayPass ? new RoleMaking.NotNow(fault.Error) : new RoleMaking.Impossible(Explain(fault, order));
        }
    }

    /// <summary>
    /// With several databases: first a look at all of them, so that nothing is made in one when another cannot be given; then the scope
    /// roles of all but the first. One connection at a time.
    /// </summary>
    private async Task<Error?> PrepareOthersAsync(
            RoleOrder order, IReadOnlyList<ScopePart> parts, List<PlanOnRecord> plans, CancellationToken cancellationToken)
    {
        foreach (var (part, onlyLook) in parts.Select(part => (part, true)).Concat(parts.Skip(1).Select(part => (part, false))))
        {
            await using var cluster = await connections.OpenAsync(order.Target.Cluster, part.Database, cancellationToken);
            var look = new RoleLook(order, part);
            var (why, plan) = await ScopeAsync(
                cluster, order, look, await LookAsync(cluster, look, order, cancellationToken), onlyLook, cancellationToken);
            if (why is not null) return why;
            if (plan is not null && !onlyLook) plans.Add(plan);
        }
        return null;
    }

    private static async Task<(RolePreparation State, string Mark)> LookAsync(
        ClusterConnection cluster, RoleLook look, RoleOrder order, CancellationToken cancellationToken, bool mark = true)
    {
        // Until 15 a member inherits from all it is a member of, or from nothing: who is to act as an owner and own nothing themselves gets
        // nothing by themselves.
        var seen = await look.LookAsync(
            cluster.Connection, cancellationToken, inherits: cluster.Major >= 16 || order.Scope.RunAs is null, mark);
        return seen.State.ReadOnly ? throw ReadOnly(order) : seen;
    }

    private async Task<(Error? Why, PlanOnRecord? Plan)> ScopeAsync(
        ClusterConnection cluster, RoleOrder order, RoleLook look, (RolePreparation State, string Mark) seen, bool onlyLook,
            CancellationToken cancellationToken)
    {
        if (ScopeRoles.Unsupported(order.Scope, cluster.Major) is { } unsupported) return (unsupported, null);

        try
        {
            return await _scopes.EnsureAsync(cluster, look, seen.State, seen.Mark, cancellationToken, onlyLook);
        }
        catch (PostgresException refused)
            when (!ClusterFault.IsContention(refused) && !ClusterFault.IsOvertaken(refused) && !ClusterFault.IsLostConnection(refused)
            && refused.SqlState is not "57014" && !refused.SqlState.StartsWith("53", StringComparison.Ordinal))
        {
            // No secret in these statements, so the server may speak for itself.
            return (new Error("postgres.cannot_grant",
                $"The privileges of scope {order.Scope.Name} cannot be set up on {look.Part.Place}: {refused.MessageText} (SQLSTATE " +
                    $"{refused.SqlState})."), null);
        }
    }

    private async Task<RoleMaking> MakeOnAsync(
        ClusterConnection cluster, RoleOrder order, RoleLook look, IReadOnlyList<PlanOnRecord> others, Task<string> hashing,
            CancellationToken cancellationToken)
    {
        if (order.Scope.RunAs is null && _scopes.IsLarge(look.Part)
            && await MakeBesideMarkAsync(cluster, order, look, others, hashing, cancellationToken) is { } made) return made;

        var (state, mark) = await LookAsync(cluster, look, order, cancellationToken);
        var (cannot, plan) = await ScopeAsync(cluster, order, look, (state, mark), onlyLook: false, cancellationToken);
        if (cannot is not null) return new RoleMaking.Impossible(cannot);

        if (order.Scope.RunAs is { } owner)
        {
            var (unfit, acts) =
                await OwnerToActAs.FindAsync(cluster, order.Target, order.Scope, owner, order.Role.Value, cancellationToken);
            if (unfit is not null) return new RoleMaking.Impossible(unfit);
            state = state with { Grants = acts.Grants, Direct = acts.Direct, Settings = [.. state.Settings, acts.Setting] };
        }

        var verifier = await hashing;
        try
        {
            var found = await CreateAsync(cluster, order, state, verifier, cancellationToken);
            return await ReadBackAsync(
                cluster, order, state, found, PlanOnRecord.Together([plan!, .. others]), isNew: true, cancellationToken);
        }
        catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.DuplicateObject)
        {
            return await AdoptAsync(cluster, order, state, verifier, PlanOnRecord.Together([plan!, .. others]), cancellationToken);
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.DivisionByZero)
        {
            return new RoleMaking.NotNow(LeaseOver(order));
        }
        catch (PostgresException held) when (held.SqlState == PostgresErrorCodes.LockNotAvailable && Culprit(held) == Step.Grant)
        {
            // Everybody else who asks for this scope would wait as long, and keep a connection meanwhile.
            return new RoleMaking.NotNow(new Error("postgres.scope_held",
                $"The scope role {state.ScopeIdent} on cluster {order.Target.Cluster} is held by another session's open transaction (a " +
                    "GRANT of it that was not committed, or the like). It is tried again; to see whose: SELECT pid, usename FROM " +
                    "pg_stat_activity WHERE state LIKE 'idle in transaction%';"));
        }
        catch (PostgresException refused) when (Culprit(refused) is { } step && Why(refused, step, order) is { } reason)
        {
            return new RoleMaking.Impossible(refused.SqlState == PostgresErrorCodes.InsufficientPrivilege && step == Step.Create
                ? await AdministratorLacksAsync(cluster, order, cancellationToken)
                : reason);
        }
    }

    /// <summary>
    /// For a scope of thousands of objects, whose mark takes as long to read as the rest: it is read on a second connection while the first
    /// makes the role. The role is nobody's and has nothing, and nothing is committed, before the mark is known to be what it was. Null
    /// when it is not, or when anything else is not as usual: nothing is left then, and the ordinary way finds out what it is.
    /// </summary>
    private async Task<RoleMaking?> MakeBesideMarkAsync(
        ClusterConnection cluster, RoleOrder order, RoleLook look, IReadOnlyList<PlanOnRecord> others, Task<string> hashing,
            CancellationToken cancellationToken)
    {
        var marking = ReadMarkAsync(order, look, cancellationToken);
        RolePreparation state;
        PlanOnRecord plan;
        Found? found;
        try
        {
            (state, _) = await LookAsync(cluster, look, order, cancellationToken, mark: false);
            if (state.ScopeOid is null || state.ScopeFault(look.Part) is not null) return null;

            await using (var begin = new StepBatch(cluster.Connection))
            {
                begin.Add(Step.Create, "BEGIN");
                AddRole(begin, state, await hashing);
                await begin.ExecuteAsync(cancellationToken);
            }
            if (_scopes.Recall(look.Part, await marking ?? await look.MarkAsync(cluster.Connection, cancellationToken)) is not { } recalled)
            {
                await RollBackAsync(cluster, cancellationToken);
                return null;
            }
            await using (var end = new StepBatch(cluster.Connection))
            {
                // Last, so that a worker that was frozen in between is fenced too.
                end.Fence(order);
                AddGrants(end, cluster.Major, order, state);
                AddReadBack(end, cluster.Major, order);
                end.Add(Step.ReadBack, "COMMIT");
                found = await end.ExecuteAsync(cancellationToken);
            }
            plan = recalled;
        }
        catch (PostgresException failure) when (!ClusterFault.IsLostConnection(failure))
        {
            await RollBackAsync(cluster, cancellationToken);
            return null;
        }
        finally
        {
            // It never fails, and its connection is to be back before ours is.
            await marking;
        }
        return await ReadBackAsync(cluster, order, state, found, PlanOnRecord.Together([plan, .. others]), isNew: true, cancellationToken);
    }

    private static async Task RollBackAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("ROLLBACK", cluster.Connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Null when there is no connection for it, or it failed.</summary>
    private async Task<string?> ReadMarkAsync(RoleOrder order, RoleLook look, CancellationToken cancellationToken)
    {
        try
        {
            await using var second = await connections.OpenIfFreeAsync(order.Target.Cluster, order.Target.Database, cancellationToken);
            return second is null ? null : await look.MarkAsync(second.Connection, cancellationToken);
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException or OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task<Found?> CreateAsync(
            ClusterConnection cluster, RoleOrder order, RolePreparation state, string verifier, CancellationToken cancellationToken)
    {
        // Sent in one go without a Sync in between, which makes it one transaction: the role is never seen half made.
        await using var batch = new StepBatch(cluster.Connection);
        batch.Fence(order);
        AddRole(batch, state, verifier);
        AddGrants(batch, cluster.Major, order, state);
        AddReadBack(batch, cluster.Major, order);
        return await batch.ExecuteAsync(cancellationToken);
    }

    private static void AddRole(StepBatch batch, RolePreparation state, string verifier)
    {
        // The verifier is well formed, so it holds nothing that could end the literal; having the server quote it too would put it into one
        // more log line.
        batch.Add(Step.Create, $"{state.Create}'{verifier}'");
        foreach (var setting in state.Settings) batch.Add(Step.Setting, setting);
        batch.Add(Step.Comment, state.Comment);
    }

    private static void AddGrants(StepBatch batch, int major, RoleOrder order, RolePreparation state)
    {
        // In one order everywhere: from 16 on a grant locks the scope role until the end, and two in opposite orders would wait for each
        // other. Names that we build need no quotes.
        foreach (var scopeRole in ScopeRoles.NamesFor(order).Select(role => role.Value).Order(StringComparer.Ordinal))
            batch.Add(Step.Grant, MakingStatements.GrantMembership(major, scopeRole, state.RoleIdent));
        foreach (var grant in state.Grants) batch.Add(Step.Grant, grant);
    }

    private static void AddReadBack(StepBatch batch, int major, RoleOrder order)
    {
        batch.Add(Step.ReadBack, MakingStatements.ReadBack(major), new NpgsqlParameter<string> { TypedValue = order.Role.Value });
        // Last: whoever drops a scope role renames it first, and then waits for the likes of us.
        foreach (var scopeRole in ScopeRoles.NamesFor(order))
            batch.Add(Step.ReadBack, MakingStatements.IsThere, new NpgsqlParameter<string> { TypedValue = scopeRole.Value });
    }

    /// <summary>
    /// The name is there already. If an earlier try of ours made it, it gets this password and end; otherwise it is somebody else's.
    /// </summary>
    private async Task<RoleMaking> AdoptAsync(ClusterConnection cluster, RoleOrder order, RolePreparation state, string verifier,
        PlanOnRecord plan, CancellationToken cancellationToken)
    {
        string[] revokes;
        string reset;
        await using (var identify = new NpgsqlCommand(MakingStatements.Identify, cluster.Connection))
        {
            identify.Parameters.Add(new NpgsqlParameter<string> { TypedValue = order.Role.Value });
            identify.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.LoginPrefix(order.Installation, order.Grant) });
            await using var reader = await identify.ExecuteReaderAsync(cancellationToken);
            // Gone again between two statements: somebody removes it. The caller comes back.
            if (!await reader.ReadAsync(cancellationToken))
                return new RoleMaking.NotNow(new Error("postgres.busy", $"The role {order.Role} is being changed by somebody else."));
            if (!reader.GetBoolean(1)) return new RoleMaking.NameTaken();

            revokes = reader.GetFieldValue<string[]>(2);
            reset = reader.GetString(3);
        }

        Found? found;
        await using (var batch = new StepBatch(cluster.Connection))
        {
            batch.Fence(order);
            batch.Add(Step.Create, $"{state.Alter}'{verifier}'");
            batch.Add(Step.Create, reset);
            foreach (var setting in state.Settings) batch.Add(Step.Setting, setting);
            batch.Add(Step.Comment, state.Comment);
            foreach (var revoke in revokes) batch.Add(Step.Grant, revoke);
            AddGrants(batch, cluster.Major, order, state);
            batch.Add(Step.ReadBack, MakingStatements.ReadBack(cluster.Major),
                new NpgsqlParameter<string> { TypedValue = order.Role.Value });
            try
            {
                found = await batch.ExecuteAsync(cancellationToken);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.DivisionByZero)
            {
                return new RoleMaking.NotNow(LeaseOver(order));
            }
        }
        return await ReadBackAsync(cluster, order, state, found, plan, isNew: false, cancellationToken);
    }

    /// <summary>Compares what the role turned out to be with what was ordered. Anything more or less, and it is removed again.</summary>
    private async Task<RoleMaking> ReadBackAsync(ClusterConnection cluster, RoleOrder order, RolePreparation state, Found? found,
        PlanOnRecord plan, bool isNew, CancellationToken cancellationToken)
    {
        List<string> faults = [];
        if (found is null)
        {
            faults.Add("it is not there");
        }
        else
        {
            if (found.HasPowers)
                faults.Add("it has a power that we did not give (superuser, createrole, createdb, replication or bypassrls)");
            var is16 = cluster.Major >= 16;
            if (!found.CanLogIn) faults.Add("it cannot log in");
            if (found.Inherits != (is16 || order.Scope.RunAs is null)) faults.Add(found.Inherits ? "it inherits" : "it does not inherit");
            if (!found.CanConnect) faults.Add($"it may not connect to {order.Target.Name}");
            List<string> expected = [.. ScopeRoles.NamesFor(order).Select(scopeRole => scopeRole.Value + (is16 ? " with inherit" : ""))];
            if (order.Scope.RunAs is { } owner) expected.Add(owner + (is16 ? " with set" : ""));
            if (!found.Memberships.Order(StringComparer.Ordinal)
                .SequenceEqual(expected.Order(StringComparer.Ordinal), StringComparer.Ordinal))
                faults.Add($"it is a member of {(found.Memberships.Length == 0 ? "nothing" : string.Join(", ", found.Memberships))} " +
                    $"instead of {string.Join(" and ", expected)} alone");
            var direct = found.Direct.Except(state.Direct, StringComparer.Ordinal).ToList();
            if (direct.Count > 0) faults.Add($"somebody gave it something directly: {string.Join(", ", direct)}");
        }
        if (faults.Count == 0)
            return new RoleMaking.Made(
                found!.Oid, cluster.Credential.Host, cluster.Credential.Port, Word(cluster.Credential.SslMode), plan);

        logger.LogWarning("Role {Role} of grant {Grant} did not turn out as ordered (new: {New}) and is removed: {Faults}", order.Role,
            order.Grant, isNew, faults);
        await cluster.DisposeAsync();
        if (found is not null)
        {
            var removal = await RemoveAsync(new RoleToRemove(order.Installation, order.Grant, order.Target, order.Role,
                found.Oid) { ScopeRoles = ScopeRoles.NamesFor(order) }, cancellationToken);
            if (removal is not RoleRemoval.Gone) faults.Add("and it could not be removed yet");
        }
        return new RoleMaking.Impossible(
            new Error("postgres.not_as_ordered", $"The role {state.RoleIdent} did not turn out as ordered: {string.Join("; ", faults)}."));
    }

    private static async Task<Error> AdministratorLacksAsync(
            ClusterConnection cluster, RoleOrder order, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand(MakingStatements.AdministratorRights, cluster.Connection);
        await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            return new Error("postgres.administrator", $"The administrator of cluster {order.Target.Cluster} is no longer known to it.");

        var name = reader.GetString(3);
        var (lack, mend) = !reader.GetBoolean(0) ? ("CREATEROLE", $"ALTER ROLE {name} CREATEROLE;")
            : reader.GetBoolean(1) && !reader.GetBoolean(2)
                ? ("membership in rds_password, to which this cluster reserves passwords (rds.restrict_password_commands)",
                $"GRANT rds_password TO {name};")
            : ("a right that CREATE ROLE needs here", "grant it what its cloud's documentation asks for");
        return new Error("postgres.administrator",
            $"The administrator {name} of cluster {order.Target.Cluster} lacks {lack}. Run as a stronger role: {mend}");
    }

    private static Error? Refuse(RoleOrder order)
    {
        if (order.Target.All().Any(database => database.Contains('\0', StringComparison.Ordinal))
            || order.Scope.Privileges.Any(r => (r.On.Schema + r.On.Name + r.On.Pattern + r.On.OfTable + r.Database +
            string.Concat(r.Columns)).Contains('\0', StringComparison.Ordinal)))
            return new Error("postgres.bad_name",
                $"A name in scope {order.Scope.Name} or in its database holds a NUL character, which PostgreSQL does not take.");
        if (order.Scope.Settings.Keys.FirstOrDefault(name => !SettingName().IsMatch(name)) is { } setting)
            return new Error("postgres.bad_setting", $"Scope {order.Scope.Name} sets '{setting}', which is not the name of a setting.");
        if (order.Scope.Settings.FirstOrDefault(
            s => s.Key is "role" or "session_authorization" || s.Value.Contains('\0', StringComparison.Ordinal)) is { Key: { } forbidden })
            return new Error("postgres.bad_setting", $"Scope {order.Scope.Name} sets {forbidden}, which a scope may not.");
        return null;
    }

    /// <summary>Which of our statements failed. Null when the server did not say.</summary>
    private static Step? Culprit(PostgresException refused) => refused.Data[StepBatch.Key] is Step step ? step : null;

    private static Error? Why(PostgresException refused, Step step, RoleOrder order)
    {
        // The culprit's text may be shown only where it cannot hold the verifier.
        var code = refused.SqlState;
        return step switch
        {
            Step.Setting when code is "42501" or "42704" or "22023" or "55P02" or "42602" or "0A000" =>
                new Error("postgres.cannot_set",
                    $"Scope {order.Scope.Name} has a setting that cannot be set for a role here: {refused.MessageText} (SQLSTATE " +
                    $"{code}). Mend the scope, or let a superuser run GRANT SET ON PARAMETER (PostgreSQL 15 and later)."),
            Step.Grant when code is "42501" =>
                new Error("postgres.administrator",
                    $"The administrator of cluster {order.Target.Cluster} may not hand on the scope role of {order.Scope.Name}: it was " +
                    $"made by another administrator. {refused.MessageText} (SQLSTATE {code})."),
            Step.Create or Step.Comment when code is "42501" =>
                new Error("postgres.administrator",
                    $"The administrator of cluster {order.Target.Cluster} may not make roles (SQLSTATE {code})."),
            _ => null,
        };
    }

    private static Error Explain(ClusterFault fault, RoleOrder order) => fault.SqlState == "42501"
        ? new Error("postgres.not_allowed",
            $"The administrator of cluster {order.Target.Cluster} may not do something that is needed on {order.Target.Name} (SQLSTATE " +
            "42501). If it may not even connect, let the owner run: GRANT CONNECT ON DATABASE … TO the administrator.")
        : fault.Error;

    private static Error LeaseOver(RoleOrder order) =>
        new("postgres.lease_over", $"By the server's clock the time to make role {order.Role} was over; nothing was made.");

    private static PostgresException ReadOnly(RoleOrder order) =>
        new($"cluster {order.Target.Cluster} led to a reader", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);

    private static string Word(string sslMode) => sslMode.Length == 0 ? "verify-full" : sslMode;

    /// <summary>One word, or several with dots; what PostgreSQL itself takes as the name of a setting.</summary>
    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SettingName();

    private enum Step
    {
        Fence,
        Create,
        Setting,
        Comment,
        Grant,
        ReadBack,
    }

    private sealed record Found(
            uint Oid, bool HasPowers, bool CanLogIn, bool Inherits, bool CanConnect, string[] Memberships, string[] Direct);

    /// <summary>
    /// Statements that go in one round trip and, since no Sync stands between them, in one transaction; knows which of them failed.
    /// </summary>
    private sealed class StepBatch(NpgsqlConnection connection) : IAsyncDisposable
    {
        public const string Key = "dbaccess.step";

        private readonly NpgsqlBatch _batch = new(connection);
        private readonly List<Step> _steps = [];

        public void Add(Step step, string statement, NpgsqlParameter? parameter = null)
        {
            var command = new NpgsqlBatchCommand(statement);
            if (parameter is not null) command.Parameters.Add(parameter);
            _batch.BatchCommands.Add(command);
            _steps.Add(step);
        }

        public void Fence(RoleOrder order) =>
            Add(Step.Fence, MakingStatements.Fence,
                new NpgsqlParameter { Value = order.NotAfter.UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz });

        public async Task<Found?> ExecuteAsync(CancellationToken cancellationToken)
        {
            try
            {
                await using var reader = await _batch.ExecuteReaderAsync(cancellationToken);
                Found? found = null;
                do
                {
                    // The fence answers one column, the statements none, the last one what was made.
                    if (reader.FieldCount < 7 || !await reader.ReadAsync(cancellationToken)) continue;
                    found = new Found(
                        reader.GetFieldValue<uint>(0), reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3),
                            reader.GetBoolean(4),
                        reader.GetFieldValue<string[]>(5), reader.GetFieldValue<string[]>(6));
                }
                while (await reader.NextResultAsync(cancellationToken));
                return found;
            }
            catch (PostgresException refused)
                when (refused.BatchCommand is NpgsqlBatchCommand command && _batch.BatchCommands.IndexOf(command) is >= 0 and var index)
            {
                refused.Data[Key] = _steps[index];
                throw;
            }
        }

        public ValueTask DisposeAsync() => _batch.DisposeAsync();
    }
}
