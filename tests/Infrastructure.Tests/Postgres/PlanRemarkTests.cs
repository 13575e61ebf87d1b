using DbAccess.Application.Ports;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Doctor;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What is said of row security and of views is what the server does.</summary>
public sealed class PlanRemarkTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task Where_row_security_is_on_the_holder_is_told_which_rows_they_see()
    {
        await _house.Database.RunAsOwnerAsync("""
            CREATE SCHEMA r; CREATE TABLE r.plain (i int); CREATE TABLE r.empty (i int); CREATE TABLE r."S ome" (i int); CREATE TABLE r.others (i int);
            INSERT INTO r.plain VALUES (1); INSERT INTO r.empty VALUES (1); INSERT INTO r."S ome" VALUES (1), (2); INSERT INTO r.others VALUES (1);
            ALTER TABLE r.empty ENABLE ROW LEVEL SECURITY; ALTER TABLE r."S ome" ENABLE ROW LEVEL SECURITY; ALTER TABLE r.others ENABLE ROW LEVEL SECURITY;
            CREATE POLICY small ON r."S ome" FOR SELECT USING (i < 2); CREATE POLICY never ON r.empty AS RESTRICTIVE USING (true); CREATE POLICY mine ON r.others TO CURRENT_USER USING (true)
            """);
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "r", null, Privilege.Select, Privilege.Insert)]));

        var plan = await PlanAsync(order);
        var made = await _house.MakeAsync(order);

        string[] told =
        [
            "Row security is on for r.\"S ome\": they will see only the rows that policy small lets through, and can insert none",
            "Row security is on for r.empty and no policy is for this role: they will see no rows, and can insert none",
            "Row security is on for r.others and no policy is for this role: they will see no rows, and can insert none",
        ];
        Assert.Equal(told, plan.Remarks);
        Assert.Equal(told, made.Plan.Remarks);
        Assert.Contains(told[1] + ".", plan.Print());
        Assert.Equal((plan with { Remarks = [] }).Hash, plan.Hash);
        var holder = _house.Database.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal());
        Assert.Equal("1 0 1 0", await _house.AskAsync("SELECT concat_ws(' ', (SELECT count(*) FROM r.plain), (SELECT count(*) FROM r.empty), (SELECT count(*) FROM r.\"S ome\"), (SELECT count(*) FROM r.others))", holder));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "INSERT INTO r.\"S ome\" VALUES (1)"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "INSERT INTO r.plain VALUES (1)"));
    }

    [Fact]
    [Core]
    public async Task A_view_that_will_fail_for_its_reader_is_told_with_what_it_reads_and_calls()
    {
        var invoker = _house.Database.Server.Major >= 15 ? "WITH (security_invoker = on)" : "";
        await _house.Database.RunAsOwnerAsync($"""
            CREATE SCHEMA hidden; CREATE TABLE hidden.t (a int, b int); CREATE TABLE hidden.open (a int); GRANT SELECT ON hidden.open TO PUBLIC; CREATE SCHEMA v; CREATE TABLE v.here (i int);
            CREATE FUNCTION hidden.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION hidden.f FROM PUBLIC;
            CREATE VIEW v.definer AS SELECT * FROM hidden.t; CREATE VIEW v.calls AS SELECT hidden.f(i) FROM v.here; CREATE VIEW v.public_ones AS SELECT lower('A') FROM hidden.open;
            CREATE VIEW v.invoker {invoker} AS SELECT a FROM hidden.t; CREATE VIEW v.through AS SELECT * FROM v.invoker; CREATE VIEW v.fine {invoker} AS SELECT * FROM v.here, hidden.open
            """);
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "v", null, Privilege.Select)]));

        var plan = await PlanAsync(order);
        await _house.MakeAsync(order);

        string[] told = invoker.Length == 0 ? [] :
        [
            "Reading view v.invoker will fail: it reads hidden.t with the reader's own rights (security_invoker), and the scope does not give that",
            "Reading view v.through will fail: it reads hidden.t with the reader's own rights (security_invoker), and the scope does not give that",
        ];
        Assert.Equal(["Reading view v.calls will fail: it calls hidden.f(integer), which they may not run", .. told], plan.Remarks);
        foreach (var view in (string[])["definer", "calls", "public_ones", "invoker", "through", "fine"])
            Assert.Equal((view, plan.Remarks.Any(remark => remark.Contains($"v.{view} ", StringComparison.Ordinal)) ? "42501" : "ok"), (view, await _house.AsHolderAsync(order, $"SELECT * FROM v.{view}")));

        // Given what it reads and calls, there is nothing to tell.
        var wider = _house.Order(RoleHouse.Scope([
            RoleHouse.On(ObjectKind.Table, "v", null, Privilege.Select), new(new(ObjectKind.Table, "hidden", "t"), ["a"], [Privilege.Select]), RoleHouse.On(ObjectKind.Function, "hidden", "f", Privilege.Execute)]));
        Assert.Empty((await PlanAsync(wider)).Remarks);
        await _house.MakeAsync(wider);
        foreach (var view in (string[])["calls", "invoker", "through"]) Assert.Equal("ok", await _house.AsHolderAsync(wider, $"SELECT * FROM v.{view}"));
    }

    [Fact]
    public async Task Doctor_names_what_holders_will_not_see()
    {
        await _house.Database.RunAsOwnerAsync("ALTER TABLE orders ENABLE ROW LEVEL SECURITY");

        var check = Assert.Single(
            await new ClusterDoctor(_house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(
                _house.Order().Target.Cluster, _house.Installation, [new DatabaseToExamine(_house.Order().Target, [RoleHouse.ReadScope])], RoleHouse.Cancellation),
            check => check.Name == "scope");

        Assert.Equal(Health.Warn, check.Health);
        Assert.Contains("Row security is on for public.orders and no policy is for this role: they will see no rows.", check.What, StringComparison.Ordinal);
    }

    private async Task<PrivilegePlan> PlanAsync(RoleOrder order) =>
        (await new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance)
            .PlanAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Value;
}
