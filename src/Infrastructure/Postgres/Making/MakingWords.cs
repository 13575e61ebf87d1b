using System.Text.RegularExpressions;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Scopes;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>What is said of a making that was refused, each with what mends it.</summary>
internal static partial class MakingWords
{
    /// <summary>What no server would take. Null when the order can be placed.</summary>
    public static Error? Refuse(RoleOrder order)
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

    /// <summary>Why a statement was refused that is refused whenever it is tried. Null for what is told elsewhere, or may pass.</summary>
    public static Error? Why(PostgresException refused, Step step, RoleOrder order)
    {
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
            Step.Comment when code is "42501" =>
                new Error("postgres.administrator",
                    $"The administrator of cluster {order.Target.Cluster} may not make roles (SQLSTATE {code})."),
            Step.Create when code is "0A000" or "22023" && !OthersCode.Failed(refused) =>
                new Error("postgres.password_hook",
                    $"A module of cluster {order.Target.Cluster} that checks passwords does not take one that is hashed already: " +
                    $"{OthersCode.Text(refused)} (SQLSTATE {code}). The password never leaves us in clear; have the module let hashed " +
                    "passwords pass for roles that the administrator makes."),
            _ => null,
        };
    }

    public static Error AdministratorLacks(AdministratorRights? rights, RoleOrder order)
    {
        if (rights is null)
            return new Error("postgres.administrator", $"The administrator of cluster {order.Target.Cluster} is no longer known to it.");

        var (lack, mend) = !rights.MakesRoles ? ("CREATEROLE", $"ALTER ROLE {rights.Ident} CREATEROLE;")
            : rights is { PasswordsAreReserved: true, SetsPasswords: false }
                ? ("membership in rds_password, to which this cluster reserves passwords (rds.restrict_password_commands)",
                $"GRANT rds_password TO {rights.Ident};")
            : ("a right that CREATE ROLE needs here", "grant it what its cloud's documentation asks for");
        return new Error("postgres.administrator",
            $"The administrator {rights.Ident} of cluster {order.Target.Cluster} lacks {lack}. Run as a stronger role: {mend}");
    }

    public static Error Explain(ClusterFault fault, RoleOrder order) => fault.SqlState == "42501"
        ? new Error("postgres.not_allowed",
            $"The administrator of cluster {order.Target.Cluster} may not do something that is needed on {order.Target.Name} (SQLSTATE " +
            "42501). If it may not even connect, let the owner run: GRANT CONNECT ON DATABASE … TO the administrator.")
        : fault.Error;

    /// <summary>
    /// Where everybody may create things, a holder could change how others' names resolve, and what they leave would go on doing so.
    /// </summary>
    public static Error PublicMayCreate(RolePreparation state, ScopePart part) => Error.MendedBy("postgres.public_create",
        $"On {part.Place} everybody may create things in " +
            $"schema {string.Join(", ", state.OpenSchemas.Distinct(StringComparer.Ordinal))}, so that a holder could put " +
        "functions in other people's way; nobody is given access there unless the policy says allow_public_create: true. Give who is to " +
        "go on making things there the right by name first (GRANT CREATE ON SCHEMA … TO …).",
        new Remedy("a superuser", "there", state.Closing));

    /// <summary>It was made as ordered, and the server turns it away.</summary>
    public static string CannotLogIn(PostgresException refused) =>
        $"the server does not let it in: {OthersCode.Text(refused)} (SQLSTATE {refused.SqlState})";

    public static Error ScopeHeld(RolePreparation state, RoleOrder order) => new("postgres.scope_held",
        $"The scope role {state.ScopeIdent} on cluster {order.Target.Cluster} is held by another session's open transaction (a " +
        "GRANT of it that was not committed, or the like). It is tried again; to see whose: SELECT pid, usename FROM " +
        "pg_stat_activity WHERE state LIKE 'idle in transaction%';");

    public static Error LeaseOver(RoleOrder order) =>
        new("postgres.lease_over", $"By the server's clock the time to make role {order.Role} was over; nothing was made.");

    public static Error BeingChanged(RoleOrder order) =>
        new("postgres.busy", $"The role {order.Role} is being changed by somebody else.");

    public static Error NotAsOrdered(RolePreparation state, IEnumerable<string> faults) =>
        new("postgres.not_as_ordered", $"The role {state.RoleIdent} did not turn out as ordered: {string.Join("; ", faults)}.");

    /// <summary>One word, or several with dots; what PostgreSQL itself takes as the name of a setting.</summary>
    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SettingName();
}
