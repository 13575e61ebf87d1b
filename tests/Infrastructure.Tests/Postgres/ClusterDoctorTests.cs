using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Doctor;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Each fault is made on a real server, found by name, and, where a statement is told, gone after it.</summary>
public sealed class ClusterDoctorTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"doctor-{Guid.NewGuid():N}");

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task A_healthy_cluster_has_no_failed_check_and_every_kind_of_check()
    {
        await _house.MakeAsync(_house.Order(lifetime: TimeSpan.FromHours(-1)));

        var checks = await ExamineAsync();

        Assert.DoesNotContain(checks, check => check.Health is Health.Fail);
        foreach (var name in (string[])["reachable", "tls", "version", "writer", "administrator.superuser", "administrator.createrole", "administrator.signal", "administrator.probe", "roles", "clock", "database", "scope", "triggers", "acl"])
            Assert.Equal(Health.Ok, Assert.Single(checks, check => check.Name == name).Health);
        if (_house.Database.Server.Major >= 16) Assert.Equal(Health.Ok, Assert.Single(checks, check => check.Name == "administrator.scopes").Health);
    }

    [Fact]
    public async Task An_administrator_without_its_rights_is_told_what_it_lacks_and_the_statements_mend_it()
    {
        await AsAdministratorAsync("LOGIN");

        var checks = await ExamineAsync();
        foreach (var name in (string[])["administrator.createrole", "administrator.signal"])
        {
            var check = Assert.Single(checks, check => check.Name == name);
            Assert.Equal(Health.Fail, check.Health);
            await _house.AskAsync(check.Mend!);
        }

        Assert.DoesNotContain(await ExamineAsync(scopes: []), check => check.Health is Health.Fail);
    }

    [Fact]
    public async Task A_superuser_as_administrator_is_warned_of()
    {
        await AsAdministratorAsync("LOGIN SUPERUSER");

        Assert.Equal(Health.Warn, Assert.Single(await ExamineAsync(), check => check.Name == "administrator.superuser").Health);
    }

    [Fact]
    public async Task Passwords_reserved_to_rds_password_are_told_with_the_grant_to_run()
    {
        await _house.AskAsync($"ALTER DATABASE \"{_house.Database.Name}\" SET rds.restrict_password_commands = 'on'");
        _house.Credentials.Current = _house.Credentials.Current with { Database = _house.Database.Name };

        var check = Assert.Single(await ExamineAsync(), check => check.Name == "administrator.password");

        Assert.Equal((Health.Fail, $"GRANT rds_password TO {PostgresServer.AdministratorName};"), (check.Health, check.Mend));
    }

    [Theory]
    [InlineData("nobody_there", "has no role")]
    [InlineData("rds_superuser", "No scope may lend that")]
    public async Task An_owner_that_no_session_can_act_as_is_told(string owner, string words)
    {
        var check = Assert.Single(await ExamineAsync([RoleHouse.Scope([], runAs: owner)]), check => check.Name == "scope");

        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains(words, check.What, StringComparison.Ordinal);
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync([RoleHouse.Scope([], runAs: _house.Database.Owner)]), check => check.Name == "scope").Health);
    }

    [Fact]
    public async Task What_this_version_does_not_have_is_told()
    {
        var scope = RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Execute)]);

        var check = Assert.Single(await ExamineAsync([scope]), check => check.Name == "scope");

        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("execute on tables in schema public", check.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_database_of_an_entry_is_examined()
    {
        var other = await postgres.CreateSampleOrdersAsync();
        await _house.AskAsync("CREATE TABLE public.out_of_reach (i int); SELECT 1", other.SuperuserConnectionString);
        var target = _house.Order().Target with { Also = [other.Name] };

        var checks = await new ClusterDoctor(_house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(
            target.Cluster, _house.Installation, [new DatabaseToExamine(target, [RoleHouse.ReadScope])], RoleHouse.Cancellation);

        var scopes = checks.Where(check => check.Name == "scope").ToList();
        Assert.Equal([Health.Ok, Health.Fail], scopes.Select(check => check.Health));
        Assert.Contains($"orders ({other.Name})", scopes[1].What, StringComparison.Ordinal);
        Assert.Contains("out_of_reach", scopes[1].What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scope_roles_of_another_administrator_are_told_from_16_on()
    {
        Assert.SkipUnless(_house.Database.Server.Major >= 16, "Until 15 every CREATEROLE may hand on any role.");
        await _house.MakeAsync(_house.Order(lifetime: TimeSpan.FromHours(-1)));
        await AsAdministratorAsync("LOGIN CREATEROLE");

        var check = Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "administrator.scopes");

        // Nobody is kept out for it: others are made in their place.
        Assert.Equal(Health.Warn, check.Health);
        Assert.Contains(RoleName.ForScope(_house.Installation, "read", RoleHouse.ReadScope.Fingerprint(_house.Database.Name)).Value, check.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_is_made_and_dropped_and_what_would_be_in_its_way_is_told()
    {
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "administrator.probe").Health);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE starts_with(rolname, '{RoleName.Prefix(_house.Installation)}doctor')"));

        var refused = new Npgsql.PostgresException("password must be given in plain text", "ERROR", "ERROR", "0A000");
        await using var hooked = new RoleHouse(_house.Database, _house.Installation, PostgresOptions.Default with
        {
            Seam = StatementSeam.Closed with { Before = (_, statements, _) => statements[0].Sql.StartsWith("CREATE ROLE", StringComparison.Ordinal) ? throw refused : ValueTask.CompletedTask },
        });
        var check = Assert.Single(await new ClusterDoctor(hooked.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(
            hooked.Order().Target.Cluster, hooked.Installation, [], RoleHouse.Cancellation), check => check.Name == "administrator.probe");
        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("password must be given in plain text (SQLSTATE 0A000)", check.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Event_triggers_are_named()
    {
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "triggers").Health);
        await _house.AskAsync("CREATE FUNCTION public.audit_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.audit_ddl(); CREATE EVENT TRIGGER rests ON sql_drop EXECUTE FUNCTION public.audit_ddl(); ALTER EVENT TRIGGER rests DISABLE; SELECT 1");

        var check = Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "triggers");

        Assert.Equal(Health.Warn, check.Health);
        Assert.Contains("event trigger watch (function public.audit_ddl(), on ddl_command_end)", check.What, StringComparison.Ordinal);
        Assert.DoesNotContain("rests", check.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_of_another_owner_is_told_with_its_owner_and_the_statement()
    {
        await _house.AskAsync("CREATE TABLE public.secrets (i int)");

        var check = Assert.Single(await ExamineAsync(), check => check.Name == "scope");

        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("public.secrets (owner postgres)", check.What, StringComparison.Ordinal);
        // Not membership in the owner: that would make the administrator a superuser.
        await _house.AskAsync($"{check.Mend} SELECT 1");
        Assert.Equal("f", await _house.AskAsync($"SELECT left(pg_has_role('{PostgresServer.AdministratorName}', 'postgres', 'MEMBER')::text, 1)"));
        check = Assert.Single(await ExamineAsync(), check => check.Name == "scope");
        Assert.NotEqual(Health.Fail, check.Health);
    }

    [Fact]
    public async Task Who_makes_tables_that_no_holder_would_see_is_told()
    {
        var other = $"maker_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {other}; CREATE TABLE public.made (i int); ALTER TABLE public.made OWNER TO {other}; SET ROLE {other}; GRANT SELECT ON public.made TO {PostgresServer.AdministratorName} WITH GRANT OPTION; SELECT 1");

        var check = Assert.Single(await ExamineAsync(), check => check.Name == "scope");

        Assert.Equal(Health.Warn, check.Health);
        Assert.Contains(other, check.What, StringComparison.Ordinal);
        var plan = await new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance).PlanAsync(_house.Installation, _house.Order().Target, RoleHouse.ReadScope, RoleHouse.Cancellation);
        Assert.Contains(plan.Value.Print(), line => line.Contains($"nothing on tables that {other} makes later in schema public", StringComparison.Ordinal));
        await _house.AskAsync($"GRANT {other} TO {PostgresServer.AdministratorName}; SELECT 1");
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync(), check => check.Name == "scope").Health);
    }

    [Fact]
    public async Task An_escrow_role_of_another_administrator_is_told_from_16_on_and_left_things_go_to_the_administrator()
    {
        Assert.SkipUnless(_house.Database.Server.Major >= 16, "Until 15 every CREATEROLE may use any role.");
        var escrow = RoleName.ForEscrow(_house.Installation).Value;
        await _house.AskAsync($"CREATE ROLE {escrow} NOLOGIN; COMMENT ON ROLE {escrow} IS '{RoleTag.Escrow(_house.Installation)}'; CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; SELECT 1");

        Assert.Contains(escrow, Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "administrator.scopes").What, StringComparison.Ordinal);
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE workshop.left_over (i int)"));
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal(PostgresServer.AdministratorName, await _house.AskAsync("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'left_over'"));
    }

    [Fact]
    public async Task A_scope_role_that_was_changed_by_hand_is_told()
    {
        await _house.MakeAsync(_house.Order(lifetime: TimeSpan.FromHours(-1)));
        await _house.AskAsync($"ALTER ROLE {RoleName.ForScope(_house.Installation, "read", RoleHouse.ReadScope.Fingerprint(_house.Database.Name))} LOGIN");

        var check = Assert.Single(await ExamineAsync(), check => check.Name == "scope");
        // Another takes its place.
        Assert.Equal(Health.Warn, check.Health);
        await _house.AskAsync(check.Mend!);
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync(), check => check.Name == "scope").Health);
    }

    [Fact]
    public async Task What_PUBLIC_has_is_warned_of_and_gone_after_the_statements()
    {
        await _house.AskAsync("CREATE FUNCTION public.peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC");

        var leaks = (await ExamineAsync()).Where(check => check.Name.StartsWith("public", StringComparison.Ordinal)).ToList();

        Assert.Equal(["public.connect", "public.create", "public.definer", "public.temp"], leaks.Select(check => check.Name).Order(StringComparer.Ordinal));
        Assert.All(leaks, check => Assert.Equal(Health.Warn, check.Health));
        Assert.Contains(leaks, check => check.What.Contains("public.peek()", StringComparison.Ordinal));
        foreach (var check in leaks) await _house.AskAsync(check.Mend![(check.Mend!.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
        // Nobody but its owner's members may connect any more, which the administrator of the tests is.
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync(scopes: []), check => check.Name.StartsWith("public", StringComparison.Ordinal)).Health);
    }

    [Fact]
    public async Task What_PUBLIC_could_do_where_a_scope_lets_somebody_in_and_with_the_systems_own_is_warned_of()
    {
        await _house.AskAsync("CREATE SCHEMA kept; CREATE FUNCTION kept.peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'");
        await _house.AskAsync("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC; GRANT SELECT ON pg_authid TO PUBLIC");

        var leaks = (await ExamineAsync()).Where(check => check.Name.StartsWith("public", StringComparison.Ordinal)).ToDictionary(check => check.Name);

        Assert.Contains("kept.peek()", leaks["public.definer"].What, StringComparison.Ordinal);
        Assert.Contains("on pg_authid, pg_read_file(text)", leaks["public.system"].What, StringComparison.Ordinal);
        Assert.EndsWith("REVOKE SELECT ON TABLE pg_authid FROM PUBLIC; REVOKE EXECUTE ON ROUTINE pg_read_file(text) FROM PUBLIC;", leaks["public.system"].Mend, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, Health.Ok)]
    [InlineData(5, Health.Warn)]
    [InlineData(-5, Health.Warn)]
    [InlineData(60, Health.Fail)]
    public async Task A_clock_that_differs_from_the_servers_is_told(int seconds, Health health) =>
        Assert.Equal(health, Assert.Single(await ExamineAsync(clock: new OffsetClock { Offset = TimeSpan.FromSeconds(seconds) }), check => check.Name == "clock").Health);

    [Fact]
    public async Task Long_lists_of_privileges_and_many_roles_are_warned_of()
    {
        await _house.MakeAsync(_house.Order(lifetime: TimeSpan.FromHours(-1)));

        var checks = await ExamineAsync(limits: DoctorLimits.Default with { AclEntries = 1, LiveRoles = 0 });

        Assert.Equal(Health.Warn, Assert.Single(checks, check => check.Name == "acl").Health);
        Assert.Equal(_house.Database.Server.Major >= 16 ? Health.Warn : Health.Ok, Assert.Single(checks, check => check.Name == "roles").Health);
    }

    [Fact]
    public async Task A_cluster_that_does_not_answer_is_one_failed_check()
    {
        _house.Credentials.Current = _house.Credentials.Current with { Port = 1 };

        Assert.Equal(("reachable", Health.Fail), Assert.Single(await ExamineAsync()) is var check ? (check.Name, check.Health) : default);
    }

    [Fact]
    public async Task A_wrong_password_is_told_and_not_shown()
    {
        _house.Credentials.Current = _house.Credentials.Current with { Password = new Secret("a-wrong-Password-indeed") };

        var check = Assert.Single(await ExamineAsync());

        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("28P01", check.What, StringComparison.Ordinal);
        Assert.DoesNotContain("a-wrong-Password", check.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_is_not_there_and_one_that_lets_nobody_in_are_told_and_the_others_are_examined()
    {
        var closed = await postgres.CreateDatabaseAsync("closed");
        await AsAdministratorAsync("LOGIN CREATEROLE");
        await _house.AskAsync($"REVOKE CONNECT ON DATABASE \"{closed.Name}\" FROM PUBLIC");

        var checks = await ExamineAsync(scopes: [], databases: ["no_such_database", closed.Name, _house.Database.Name]);

        Assert.Equal([Health.Fail, Health.Fail, Health.Ok], checks.Where(check => check.Name == "database").Select(check => check.Health));
        Assert.Contains(checks, check => check.Mend?.Contains($"GRANT CONNECT ON DATABASE \"{closed.Name}\"", StringComparison.Ordinal) is true);
    }

    [Fact]
    public async Task Readers_are_asked_one_by_one()
    {
        _house.Credentials.Current = _house.Credentials.Current with { Readers = ["127.0.0.1:1", $"127.0.0.1:{_house.Database.Server.Port}"] };

        var readers = (await ExamineAsync()).Where(check => check.Name == "reader").ToList();

        Assert.Equal(Health.Fail, readers[0].Health);
        Assert.Contains("answers and is no reader", readers[1].What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_where_no_session_can_be_ended_is_told_with_the_grant_to_run()
    {
        await AsAdministratorAsync("LOGIN CREATEROLE");
        _house.Credentials.Current = _house.Credentials.Current with { Readers = [$"127.0.0.1:{_house.Database.Server.Port}"] };

        var check = Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "reader");
        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("may not end sessions there", check.What, StringComparison.Ordinal);
        await _house.AskAsync(check.Mend![(check.Mend!.IndexOf(": ", StringComparison.Ordinal) + 2)..]);

        Assert.NotEqual(Health.Fail, Assert.Single(await ExamineAsync(scopes: []), check => check.Name == "reader").Health);
    }

    [Fact]
    public async Task An_instance_that_only_reads_is_no_writer_and_a_good_reader()
    {
        await using var writer = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var reader = await writer.StartStandbyAsync();
        await using var house = new RoleHouse(await writer.CreateDatabaseAsync("followed"), _house.Installation);
        house.Credentials.Current = house.Credentials.Current with { Port = reader.Port, Readers = [$"127.0.0.1:{reader.Port}"] };

        var checks = await new ClusterDoctor(house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(house.Order().Target.Cluster, house.Installation, [], RoleHouse.Cancellation);

        Assert.Equal(Health.Fail, Assert.Single(checks, check => check.Name == "writer").Health);
        Assert.Equal(Health.Ok, Assert.Single(checks, check => check.Name == "reader").Health);
    }

    [Fact]
    public async Task A_connection_in_clear_on_this_machine_is_fine_and_an_unverified_certificate_is_not()
    {
        Assert.Equal(Health.Ok, Assert.Single(await ExamineAsync(), check => check.Name == "tls").Health);

        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, Tls = true });
        await using var house = new RoleHouse(await server.CreateDatabaseAsync("secure"), _house.Installation);
        house.Credentials.Current = house.Credentials.Current with { SslMode = "require" };
        var check = Assert.Single(await new ClusterDoctor(house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(house.Order().Target.Cluster, house.Installation, [], RoleHouse.Cancellation), check => check.Name == "tls");

        Assert.Equal(Health.Warn, check.Health);
        Assert.Contains("verify-full", check.Mend, StringComparison.Ordinal);
    }

    private async Task<IReadOnlyList<Check>> ExamineAsync(IReadOnlyList<PrivilegeScope>? scopes = null, string[]? databases = null, TimeProvider? clock = null, DoctorLimits? limits = null)
    {
        var target = _house.Order().Target;
        return await new ClusterDoctor(_house.Connections, clock ?? TimeProvider.System, NullLogger<ClusterDoctor>.Instance, limits ?? DoctorLimits.Default).ExamineAsync(
            target.Cluster, _house.Installation,
            [.. (databases ?? [_house.Database.Name]).Select(name => new DatabaseToExamine(target with { Database = name }, scopes ?? [RoleHouse.ReadScope]))],
            RoleHouse.Cancellation);
    }

    /// <summary>Examines as an administrator of this test's own, so that others keep theirs.</summary>
    private async Task AsAdministratorAsync(string options)
    {
        var name = $"weak_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {name} {options} PASSWORD '{RoleHouse.Password.Reveal()}'");
        _house.Credentials.Current = _house.Credentials.Current with { Username = name, Password = RoleHouse.Password };
    }

}
