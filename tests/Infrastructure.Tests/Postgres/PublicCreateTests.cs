using DbAccess.Application.Ports;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Doctor;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Where everybody may create things in a schema, and what others make there.</summary>
public sealed class PublicCreateTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync()
    {
        _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"create-{Guid.NewGuid():N}") { AllowPublicCreate = false };
        await _house.Database.RunAsOwnerAsync("GRANT CREATE ON SCHEMA public TO PUBLIC; CREATE SCHEMA \"Open House\"; GRANT CREATE ON SCHEMA \"Open House\" TO PUBLIC");
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task Nobody_is_given_access_where_everybody_may_create_until_the_statement_was_run()
    {
        var why = await _house.ImpossibleAsync(_house.Order());

        Assert.Equal("postgres.public_create", why.Code);
        Assert.Contains("\"Open House\", public", why.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE starts_with(rolname, '{Domain.Grants.RoleName.Prefix(_house.Installation)}')"));
        var checks = await new ClusterDoctor(_house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(
            _house.Order().Target.Cluster, _house.Installation, [new DatabaseToExamine(_house.Order().Target, [])], RoleHouse.Cancellation);
        Assert.Equal(Health.Fail, Assert.Single(checks, check => check.Name == "public.create").Health);
        await _house.MendAsync(why.Message);
        await _house.MakeAsync(_house.Order());
    }

    [Fact]
    public async Task The_policys_word_allows_it_and_then_a_strangers_table_is_no_part_of_the_scope_and_keeps_nobody_out()
    {
        var stranger = $"stranger_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {stranger}; SET ROLE {stranger}; CREATE TABLE public.theirs (i int); CREATE FUNCTION public.theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'; RESET ROLE; SELECT 1");
        var order = _house.Order();
        order = order with { Target = order.Target with { AllowPublicCreate = true } };

        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT * FROM public.theirs"));
        // Who names it asks for it, and is told whose it is.
        var named = order with { Scope = RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "theirs", Privilege.Select)]) };
        var why = await _house.ImpossibleAsync(named with { Role = Domain.Grants.RoleName.ForGrant(_house.Installation, named.Grant, "erin") });
        Assert.Contains($"public.theirs (owner {stranger})", why.Message, StringComparison.Ordinal);
    }
}
