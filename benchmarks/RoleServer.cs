using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Benchmarks;

/// <summary>One PostgreSQL that waits for its disk, with databases of so many tables, and the product beside it.</summary>
internal sealed class RoleServer : IAsyncDisposable, IAdminCredentials
{
    private readonly List<IAsyncDisposable> _opened = [];
    private readonly Dictionary<int, TestDatabase> _databases = [];
    private readonly AdminCredential _credential;

    private RoleServer(PostgresServer server)
    {
        Server = server;
        _credential = new AdminCredential(PostgresServer.Host, server.Port, PostgresServer.AdministratorName, new Secret(server.AdministratorPassword), "disable", "postgres", []);
    }

    public PostgresServer Server { get; }

    public static Secret Password { get; } = new("a-Password_of-24-letters");

    public static async Task<RoleServer> StartAsync(int? major) =>
        new(await PostgresServer.StartAsync(new PostgresServerOptions { Major = major, UnsafeFast = false, Settings = new Dictionary<string, string> { ["max_connections"] = "60" } }));

    /// <summary>A database with so many tables, each with a key and a toast table as most have.</summary>
    public async Task<TestDatabase> WithTablesAsync(int count)
    {
        if (_databases.TryGetValue(count, out var known)) return known;

        var database = await Server.CreateDatabaseAsync(string.Create(CultureInfo.InvariantCulture, $"tables_{count}"));
        // In portions: a transaction that makes ten thousand tables needs more locks than a server has, and longer than a statement may take.
        for (var from = 1; from <= count; from += 250)
        {
            await database.RunAsOwnerAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"DO $$ BEGIN FOR i IN {from}..{Math.Min(count, from + 249)} LOOP EXECUTE format('CREATE TABLE public.t%s (id int PRIMARY KEY, a text, b timestamptz)', i); END LOOP; END $$"));
        }
        await ExecuteAsync(database.SuperuserConnectionString, "VACUUM ANALYZE");
        return _databases[count] = database;
    }

    /// <summary>The product as it is, with its own connections.</summary>
    public PostgresRoleAdministrator Administrator(int connections = 8)
    {
        var options = PostgresOptions.Default with { MaxConnectionsPerCluster = connections, KeepsWarm = false };
        var pool = new ClusterConnections(this, options, TimeProvider.System);
        _opened.Add(pool);
        return new PostgresRoleAdministrator(
            pool, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), new NoGhosts(),
            new WarmConnections(pool, options, NullLogger<WarmConnections>.Instance), TimeProvider.System, NullLogger<PostgresRoleAdministrator>.Instance);
    }

    /// <summary>What everything else connects with: the same administrator, warm connections.</summary>
    public NpgsqlDataSource Source(TestDatabase database, int connections = 8)
    {
        var builder = new NpgsqlDataSourceBuilder(database.AdministratorConnectionString) { ConnectionStringBuilder = { MaxPoolSize = connections, MinPoolSize = connections, CommandTimeout = 120 } };
        var source = builder.Build();
        _opened.Add(source);
        return source;
    }

    /// <summary>Brings the number of other people's live roles to <paramref name="count"/>, as the administrator would have made them.</summary>
    public async Task LiveRolesAsync(int from, int count, string scopeRole)
    {
        // Made by the superuser, which is quicker, and handed to the administrator as if it had made them: that is what slows it down from 16 on.
        var own = Server.Major >= 16 ? $"EXECUTE format('GRANT live_%s TO {PostgresServer.AdministratorName} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE', i);" : "";
        // With our comment: a scope role that has members of another kind is not used.
        var tag = RoleTag.LoginPrefix(Some.Installation);
        var membership = MakingStatements.GrantMembership(Server.Major, scopeRole, "live_%s").Replace("'", "''", StringComparison.Ordinal);
        await ExecuteAsync(Server.SuperuserConnectionString, string.Create(
            CultureInfo.InvariantCulture,
            $"DO $$ BEGIN FOR i IN {from + 1}..{count} LOOP EXECUTE format('CREATE ROLE live_%s LOGIN', i); EXECUTE format('COMMENT ON ROLE live_%s IS %L', i, '{tag}'); {own} EXECUTE format('{membership}', i); IF i % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$"));
        await ExecuteAsync(Server.SuperuserConnectionString, "VACUUM ANALYZE pg_authid, pg_auth_members, pg_shdepend");
    }

    public async Task<string> AskAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server.SuperuserConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) ?? "";
    }

    public static RoleOrder Order(TestDatabase database)
    {
        var grant = GrantId.New();
        var now = DateTimeOffset.UtcNow;
        return new RoleOrder(Some.Installation, grant, Some.Target(database.Name), RoleName.ForGrant(Some.Installation, grant, "erin"), Some.ReadScope(), now.AddHours(1), now.AddMinutes(5));
    }

    public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken) => Task.FromResult<Result<AdminCredential>>(_credential);

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened) await opened.DisposeAsync();
        await Server.DisposeAsync();
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false;Command Timeout=300");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
