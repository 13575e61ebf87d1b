using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using Npgsql;

namespace DbAccess.Benchmarks;

/// <summary>A way to give somebody a role with the privileges of a scope, and to take it away. A failure is the server's own exception.</summary>
internal interface IRoleWay
{
    string Name { get; }

    Task MakeAsync(RoleOrder order);

    Task RemoveAsync(RoleOrder order);
}

/// <summary>The product: it also looks first, reads back what came out, and proves that it is gone.</summary>
internal sealed class ProductWay(IRoleAdministrator product) : IRoleWay
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, uint> _made = new();

    public string Name => "DbAccess";

    // As in the product, what is run is kept as text for the record.
    public async Task MakeAsync(RoleOrder order)
    {
        using var ran = RanStatements.Begin(TimeProvider.System);
        var making = await product.MakeAsync(order, RoleServer.Password, CancellationToken.None);
        _made[order.Role.Value] = making is RoleMaking.Made made ? made.Oid : throw new InvalidOperationException($"The role was not made: {making}");
        if (ran.Text.Length == 0) throw new InvalidOperationException("Nothing was kept of the making.");
    }

    public async Task RemoveAsync(RoleOrder order)
    {
        using var ran = RanStatements.Begin(TimeProvider.System);
        _made.TryRemove(order.Role.Value, out var oid);
        var removal = await product.RemoveAsync(new RoleToRemove(order.Installation, order.Grant, order.Target, order.Role, oid) { ScopeRoles = ScopeRoles.NamesFor(order) }, CancellationToken.None);
        if (removal is not RoleRemoval.Gone) throw new InvalidOperationException($"The role was not removed: {removal}");
        if (ran.Text.Length == 0) throw new InvalidOperationException("Nothing was kept of the removal.");
    }
}

/// <summary>What somebody who knows PostgreSQL well would send: one round trip each, names known to be harmless, a scope role that is there already.</summary>
internal sealed class BareWay(NpgsqlDataSource source, int major) : IRoleWay
{
    public string Name => "bare SQL";

    public async Task MakeAsync(RoleOrder order)
    {
        await using var connection = await source.OpenConnectionAsync();
        await Sql.TogetherAsync(connection, [.. Sql.Create(order), MakingStatements.GrantMembership(major, $"\"{ScopeRoles.NamesFor(order)[0]}\"", Sql.Role(order))]);
    }

    /// <summary>Shutting the role out has to be committed before its sessions are ended, or they come straight back: each statement is a transaction.</summary>
    public async Task RemoveAsync(RoleOrder order)
    {
        await using var connection = await source.OpenConnectionAsync();
        await Sql.OneByOneAsync(connection, [$"ALTER ROLE {Sql.Role(order)} NOLOGIN", Sql.EndSessions(order), $"DROP ROLE {Sql.Role(order)}"]);
    }
}

/// <summary>
/// The statements that Vault's PostgreSQL plugin runs with the creation statements of its documentation and its default revocation, for one schema. Vault itself would run those of one
/// connection one after the other; two of its clusters, or a migration, would meet as the connections here do.
/// </summary>
internal sealed class VaultWay(NpgsqlDataSource source) : IRoleWay
{
    public string Name => "Vault's statements";

    public async Task MakeAsync(RoleOrder order)
    {
        var role = Sql.Role(order);
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        // Statement by statement, and the password as it is: that is its default.
        await Sql.RunAsync(connection, $"CREATE ROLE {role} WITH LOGIN PASSWORD '{RoleServer.Password.Reveal()}' VALID UNTIL '{RoleTag.Utc(order.Expiry)}'");
        await Sql.RunAsync(connection, $"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}");
        await transaction.CommitAsync();
    }

    public async Task RemoveAsync(RoleOrder order)
    {
        var role = Sql.Role(order);
        await using var connection = await source.OpenConnectionAsync();
        await Sql.RunAsync(connection, $"SELECT EXISTS (SELECT rolname FROM pg_roles WHERE rolname = '{order.Role}')");
        var schemas = await Sql.ListAsync(connection, $"SELECT DISTINCT table_schema FROM information_schema.role_column_grants WHERE grantee = '{order.Role}'");
        foreach (var schema in schemas)
        {
            await Sql.RunAsync(connection, $"REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA \"{schema}\" FROM {role}");
            await Sql.RunAsync(connection, $"REVOKE USAGE ON SCHEMA \"{schema}\" FROM {role}");
        }
        foreach (var what in (string[])["ALL PRIVILEGES ON ALL TABLES IN SCHEMA public", "ALL PRIVILEGES ON ALL SEQUENCES IN SCHEMA public", "USAGE ON SCHEMA public", $"CONNECT ON DATABASE \"{order.Target.Database}\""])
            await Sql.RunAsync(connection, $"REVOKE {what} FROM {role}");
        await Sql.RunAsync(connection, $"DROP ROLE IF EXISTS {role}");
    }
}

/// <summary>
/// Teleport's way with automatic users, in SQL of our own with the same effect: a login without a password in a group that marks it, given roles that are there already; at the end
/// no login, the roles taken back if nobody is connected, dropped. It ends no session, and there is one user for each person, not for each access.
/// </summary>
internal sealed class TeleportWay(NpgsqlDataSource source) : IRoleWay
{
    public const string Marker = "auto_user";

    public string Name => "Teleport's way";

    public async Task MakeAsync(RoleOrder order)
    {
        var role = Sql.Role(order);
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await Sql.ListAsync(connection, $"SELECT m.member FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = '{order.Role}' AND m.roleid = '{Marker}'::regrole");
        await Sql.RunAsync(connection, $"CREATE USER {role} IN ROLE {Marker}");
        await Sql.RunAsync(connection, $"GRANT \"{ScopeRoles.NamesFor(order)[0]}\" TO {role}");
        await transaction.CommitAsync();
    }

    public async Task RemoveAsync(RoleOrder order)
    {
        var role = Sql.Role(order);
        await using var connection = await source.OpenConnectionAsync();
        await Sql.RunAsync(connection, $"ALTER USER {role} WITH NOLOGIN");
        if ((await Sql.ListAsync(connection, $"SELECT usename FROM pg_stat_activity WHERE usename = '{order.Role}'")).Count > 0) return;
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var granted in await Sql.ListAsync(connection, $"SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = '{order.Role}' AND g.rolname <> '{Marker}'"))
            await Sql.RunAsync(connection, $"REVOKE \"{granted}\" FROM {role}");
        await Sql.RunAsync(connection, $"DROP USER IF EXISTS {role}");
        await transaction.CommitAsync();
    }
}

/// <summary>Privileges on the role itself, as careful people do it without scope roles: everything in one transaction, tried again when it clashes.</summary>
internal sealed class DirectWay(NpgsqlDataSource source) : IRoleWay
{
    private const int Attempts = 10;

    private int _clashes;

    public string Name => "direct grants, with retry";

    /// <summary>Tries that clashed and were made again.</summary>
    public int Clashes => _clashes;

    public Task MakeAsync(RoleOrder order) => RetryAsync(connection => Sql.TogetherAsync(connection,
    [
        .. Sql.Create(order), $"GRANT CONNECT ON DATABASE \"{order.Target.Database}\" TO {Sql.Role(order)}", $"GRANT USAGE ON SCHEMA public TO {Sql.Role(order)}",
        $"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {Sql.Role(order)}",
    ]));

    public Task RemoveAsync(RoleOrder order) => RetryAsync(async connection =>
    {
        if (await Sql.ListAsync(connection, $"SELECT 1::text FROM pg_roles WHERE rolname = '{order.Role}'") is []) return;
        await Sql.OneByOneAsync(connection, [$"ALTER ROLE {Sql.Role(order)} NOLOGIN", Sql.EndSessions(order), $"GRANT {Sql.Role(order)} TO CURRENT_USER"]);
        await Sql.TogetherAsync(connection, [$"DROP OWNED BY {Sql.Role(order)}", $"DROP ROLE {Sql.Role(order)}"]);
    });

    private async Task RetryAsync(Func<NpgsqlConnection, Task> work)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync();
                await work(connection);
                return;
            }
            catch (PostgresException clash) when (clash.SqlState is "XX000" or "40P01" or "23505" && attempt < Attempts)
            {
                Interlocked.Increment(ref _clashes);
                await Task.Delay(Random.Shared.Next(2, 10 + (15 * attempt)));
            }
        }
    }
}

internal static class Sql
{
    public static string Role(RoleOrder order) => $"\"{order.Role}\"";

    /// <summary>A role with a SCRAM verifier made here, its settings and its comment.</summary>
    public static IEnumerable<string> Create(RoleOrder order)
    {
        var role = Role(order);
        yield return $"CREATE ROLE {role} LOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT {order.Scope.Connections} VALID UNTIL '{RoleTag.Utc(order.Expiry)}' PASSWORD '{ScramVerifier.For(RoleServer.Password)}'";
        foreach (var (name, value) in order.Scope.Settings) yield return $"ALTER ROLE {role} SET {name} = '{value}'";
        yield return $"COMMENT ON ROLE {role} IS '{RoleTag.Login(order.Installation, order.Grant, order.Target.Database, order.Expiry)}'";
    }

    public static string EndSessions(RoleOrder order) => $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{order.Role}'";

    /// <summary>One round trip, one transaction.</summary>
    public static Task TogetherAsync(NpgsqlConnection connection, IEnumerable<string> statements) => BatchAsync(connection, statements, barriers: false);

    /// <summary>One round trip, each statement its own transaction.</summary>
    public static Task OneByOneAsync(NpgsqlConnection connection, IEnumerable<string> statements) => BatchAsync(connection, statements, barriers: true);

    public static async Task RunAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<List<string>> ListAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await using var reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync()) rows.Add(reader.GetValue(0).ToString()!);
        return rows;
    }

    private static async Task BatchAsync(NpgsqlConnection connection, IEnumerable<string> statements, bool barriers)
    {
        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = barriers };
        foreach (var statement in statements) batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        await batch.ExecuteNonQueryAsync();
    }
}
