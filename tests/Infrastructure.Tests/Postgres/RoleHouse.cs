using System.Globalization;
using System.Text.RegularExpressions;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>The role administrator on a database of a test's own, and what a test needs to look at it from outside.</summary>
internal sealed class RoleHouse : IAsyncDisposable
{
    private readonly ClusterConnections _connections;

    public RoleHouse(TestDatabase database, string installation = Some.Installation, PostgresOptions? options = null, bool warm = false, TimeProvider? clock = null)
    {
        Database = database;
        Installation = installation;
        Credentials = new StaticCredentials(database.Server);
        options = (options ?? PostgresOptions.Default) with { KeepsWarm = warm };
        if (options.Seam == StatementSeam.Closed) options = options with { Seam = QuestionsOnly.On(database.Server) };
        _connections = new ClusterConnections(Credentials, options, TimeProvider.System);
        Ghosts = new GhostHunt(_connections, Audit, TimeProvider.System, NullLogger<GhostHunt>.Instance);
        Warm = new WarmConnections(_connections, options, NullLogger<WarmConnections>.Instance);
        Administrator = new PostgresRoleAdministrator(
            _connections, new ScopeRoles(clock ?? TimeProvider.System, NullLogger<ScopeRoles>.Instance), Ghosts, Warm, TimeProvider.System, NullLogger<PostgresRoleAdministrator>.Instance);
    }

    public TestDatabase Database { get; }

    public string Installation { get; }

    /// <summary>The policy's word: many tests let everybody make something somewhere.</summary>
    public bool AllowPublicCreate { get; init; } = true;

    public StaticCredentials Credentials { get; }

    public IRoleAdministrator Administrator { get; }

    public GhostHunt Ghosts { get; }

    /// <summary>What the hunt puts on record.</summary>
    public InMemoryEvidenceLog Audit { get; } = new();

    public WarmConnections Warm { get; }

    public ClusterConnections Connections => _connections;

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Secret Password { get; } = new(SecretLedger.Made("a-Password_of-24-letters"));

    public static PrivilegeScope ReadScope { get; } = Scope([On(ObjectKind.Table, "public", null, Privilege.Select)]);

    public static PrivilegeRule On(ObjectKind kind, string schema, string? name, params Privilege[] allow) => new(new ObjectSelector(kind, schema, name), [], allow);

    public static PrivilegeScope Scope(IReadOnlyList<PrivilegeRule> rules, Dictionary<string, string>? settings = null, int connections = 5, string? runAs = null) =>
        new(ScopeName.Parse("read")!, "", rules, settings ?? [], connections, runAs, HighRisk: false);

    public RoleOrder Order(PrivilegeScope? scope = null, TimeSpan? lifetime = null)
    {
        var grant = GrantId.New();
        var now = DateTimeOffset.UtcNow;
        return new RoleOrder(
            Installation, grant, new DatabaseTarget(DatabaseName.Parse("orders")!, ClusterName.Parse("orders-prod")!, Database.Name) { AllowPublicCreate = AllowPublicCreate },
            RoleName.ForGrant(Installation, grant, "erin"), scope ?? ReadScope, now + (lifetime ?? TimeSpan.FromHours(1)), now.AddMinutes(1));
    }

    public async Task<RoleMaking.Made> MakeAsync(RoleOrder order, Secret? password = null)
    {
        var making = await Administrator.MakeAsync(order, password ?? Password, Cancellation);
        Assert.True(making is RoleMaking.Made, $"The role was not made: {making}");
        return (RoleMaking.Made)making;
    }

    public async Task<Error> ImpossibleAsync(RoleOrder order) => Assert.IsType<RoleMaking.Impossible>(await Administrator.MakeAsync(order, Password, Cancellation)).Why;

    public static RoleToRemove ToRemove(RoleOrder order, uint? oid = null) => new(order.Installation, order.Grant, order.Target, order.Role, oid) { ScopeRoles = ScopeRoles.NamesFor(order) };

    public async Task<RemovalReceipt> RemoveAsync(RoleOrder order, uint? oid = null)
    {
        var removal = await Administrator.RemoveAsync(ToRemove(order, oid), Cancellation);
        Assert.True(removal is RoleRemoval.Gone, $"The role is not gone: {removal} {(removal is RoleRemoval.LockedOut { Blockers: var b } ? string.Join(" | ", b) : "")}");
        return ((RoleRemoval.Gone)removal).Receipt;
    }

    /// <summary>One value, read as the superuser of the server (or, given one, over another connection string, by a login of its own).</summary>
    public async Task<string> AskAsync(string sql, string? connectionString = null)
    {
        // To log in costs the server many times what a question does, and the superuser asks many. What one leaves in a session is reset for the next.
        if (connectionString is not null) return await AskOnAsync(sql, connectionString + ";Pooling=false");

        try
        {
            return await AskOnAsync(sql, SuperusersPool);
        }
        catch (NpgsqlException broken) when (ClusterFault.IsLostConnection(broken))
        {
            // An old connection to a server that was stopped or cut off meanwhile.
            ClearPool();
            return await AskOnAsync(sql, SuperusersPool);
        }
    }

    private string SuperusersPool => Database.SuperuserConnectionString + ";Pooling=true;Maximum Pool Size=4;Application Name=test";

    /// <summary>So that no session of the superuser's is left in the database.</summary>
    public async Task DropSuperusersPoolAsync()
    {
        ClearPool();
        await Patience.UntilAsync(
            async () => await AskOnAsync(
                $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{Database.Name}' AND application_name = 'test'",
                Database.Server.SuperuserConnectionString + ";Pooling=false") == "0",
            "the superuser's sessions are gone");
    }

    private void ClearPool()
    {
        using var any = new NpgsqlConnection(SuperusersPool);
        NpgsqlConnection.ClearPool(any);
    }

    private static async Task<string> AskOnAsync(string sql, string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(Cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToString(await command.ExecuteScalarAsync(Cancellation), CultureInfo.InvariantCulture) ?? "";
    }

    /// <summary>Runs it as the holder of the role; answers "ok" or the SQLSTATE.</summary>
    public async Task<string> AsHolderAsync(RoleOrder order, string sql, string? password = null)
    {
        try
        {
            await AskAsync(sql, Database.ConnectionStringFor(order.Role.Value, password ?? Password.Reveal()));
            return "ok";
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }

    /// <summary>A session of the role's holder that stays open.</summary>
    public async Task<NpgsqlConnection> LogInAsync(RoleOrder order, string? password = null)
    {
        var connection = new NpgsqlConnection(Database.ConnectionStringFor(order.Role.Value, password ?? Password.Reveal()) + ";Pooling=false");
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    public static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    /// <summary>Everything that the catalogs could still know of an OID; "0" when it is gone for good.</summary>
    public Task<string> TracesAsync(uint oid) => AskAsync($"""
        SELECT (SELECT count(*) FROM pg_roles WHERE oid = {oid}) + (SELECT count(*) FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = {oid})
             + (SELECT count(*) FROM pg_auth_members WHERE {oid} IN (roleid, member, grantor)) + (SELECT count(*) FROM pg_db_role_setting WHERE setrole = {oid})
             + (SELECT count(*) FROM pg_shdescription WHERE classoid = 'pg_authid'::regclass AND objoid = {oid}) + (SELECT count(*) FROM pg_stat_activity WHERE usesysid = {oid})
        """);

    /// <summary>Locked out, and why it is not gone yet.</summary>
    public async Task<RoleRemoval.LockedOut> LockedOutAsync(RoleOrder order, uint? oid = null)
    {
        var removal = await Administrator.RemoveAsync(ToRemove(order, oid), Cancellation);
        Assert.True(removal is RoleRemoval.LockedOut, $"The role is not locked out: {removal} {(removal as RoleRemoval.NotNow)?.Why.Message}");
        Assert.NotEqual("ok", await AsHolderAsync(order, "SELECT 1"));
        Assert.Equal("0 f", await AskAsync($"SELECT (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) || ' ' || left(r.rolcanlogin::text, 1) FROM pg_roles r WHERE rolname = '{order.Role}'"));
        return (RoleRemoval.LockedOut)removal;
    }

    /// <summary>Does what a blocker says, as a superuser, in the database it names.</summary>
    public async Task MendAsync(string blocker)
    {
        var statement = Regex.Match(blocker, "[Rr]un[^:]*: (.+?);(?: and,.*)?$", RegexOptions.Singleline | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        Assert.True(statement.Success, $"It names no statement: {blocker}");
        await AskAsync($"{statement.Groups[1].Value}; SELECT 1");
    }

    public string EscrowName => RoleName.ForEscrow(Installation).Value;

    public async ValueTask DisposeAsync()
    {
        ClearPool();
        await Ghosts.DisposeAsync();
        await Warm.DisposeAsync();
        await _connections.DisposeAsync();
    }

    /// <summary>The administrator's credentials of a throw-away server, which a test may change.</summary>
    internal sealed class StaticCredentials(PostgresServer server) : IAdminCredentials
    {
        public AdminCredential Current { get; set; } = new(
            PostgresServer.Host, server.Port, PostgresServer.AdministratorName, new Secret(server.AdministratorPassword), "disable", "postgres", []);

        /// <summary>What is read when asked for fresh ones; null: the same.</summary>
        public AdminCredential? Fresh { get; set; }

        public int FreshReads { get; private set; }

        public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken)
        {
            if (fresh)
            {
                FreshReads++;
                Current = Fresh ?? Current;
            }
            return Task.FromResult<Result<AdminCredential>>(Current);
        }
    }
}
