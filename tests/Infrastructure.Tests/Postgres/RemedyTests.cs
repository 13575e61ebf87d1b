using DbAccess.Application.Ports;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Doctor;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What is told to mend something is run, and the complaint is gone.</summary>
public sealed class RemedyTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;
    private string _administrator = "";

    private int Major => _house.Database.Server.Major;

    /// <summary>With an administrator of its own, so that others keep theirs.</summary>
    public async ValueTask InitializeAsync()
    {
        _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"remedy-{Guid.NewGuid():N}");
        _administrator = $"adm_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {_administrator} LOGIN CREATEROLE PASSWORD '{RoleHouse.Password.Reveal()}'; SELECT 1");
        _house.Credentials.Current = _house.Credentials.Current with { Username = _administrator, Password = RoleHouse.Password };
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    public async Task What_an_administrator_that_lost_its_rights_cannot_end_is_ended_by_the_statements_that_are_told()
    {
        var order = _house.Order(RoleHouse.Scope([]));
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await _house.AskAsync($"ALTER ROLE {_administrator} NOCREATEROLE; {(Major >= 16 ? $"REVOKE ADMIN OPTION FOR {order.Role} FROM {_administrator};" : "")} SELECT 1");

        var why = Assert.IsType<RoleRemoval.NotNow>(await RemoveAsync()).Why.Message;
        Assert.Contains("can still log in", why, StringComparison.Ordinal);
        Assert.Contains("1 sessions", why, StringComparison.Ordinal);
        await RunAsync(why, "Run as a superuser: ");

        var held = Assert.IsType<RoleRemoval.LockedOut>(await RemoveAsync());
        Assert.Equal(0, held.Receipt.Left!.Sessions);
        var blocker = Assert.Single(held.Blockers);
        Assert.Contains("may not be dropped", blocker, StringComparison.Ordinal);
        await RunAsync(blocker, "Run as a stronger role: ");

        Assert.IsType<RoleRemoval.Gone>(await RemoveAsync());

        Task<RoleRemoval> RemoveAsync() => _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);
    }

    [Fact]
    public async Task Nobody_is_told_to_become_a_member_of_an_owner_that_is_in_rds_iam()
    {
        var owner = await IamOwnerAsync(direct: false);
        await _house.AskAsync($"CREATE SCHEMA iam AUTHORIZATION {owner}; SET ROLE {owner}; CREATE TABLE iam.t (i int); RESET ROLE; SELECT 1");
        var order = _house.Order(RoleHouse.Scope([new(new(ObjectKind.Table, "iam", "t"), [], [Privilege.Select])]));

        var why = (await _house.ImpossibleAsync(order)).Message;

        Assert.DoesNotContain($"GRANT {owner} TO", why, StringComparison.Ordinal);
        await RunAsync(why, "run: ");
        await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM iam.t"));
        Assert.DoesNotContain(await ExamineAsync(), check => check.Name == "administrator.iam");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_administrator_that_became_a_member_of_rds_iam_is_told_with_what_takes_it_out_again(bool direct)
    {
        var owner = await IamOwnerAsync(direct);
        await _house.AskAsync($"GRANT {owner} TO {_administrator}; SELECT 1");

        var check = Assert.Single(await ExamineAsync(), check => check.Name == "administrator.iam");

        Assert.Equal(Health.Fail, check.Health);
        await _house.AskAsync($"{check.Mend} SELECT 1");
        Assert.DoesNotContain(await ExamineAsync(), check => check.Name == "administrator.iam");
        Assert.Equal("False", await _house.AskAsync($"SELECT pg_has_role('{_administrator}', 'rds_iam', 'MEMBER')"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_scope_runs_as_an_owner_that_is_in_rds_iam_until_it_is_taken_out_of_it(bool direct)
    {
        var owner = await IamOwnerAsync(direct);
        if (Major >= 16) await _house.AskAsync($"GRANT {owner} TO {_administrator} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE; SELECT 1");
        var order = _house.Order(RoleHouse.Scope([], runAs: owner));

        var why = await _house.ImpossibleAsync(order);
        Assert.Equal("postgres.run_as_iam", why.Code);
        await RunAsync(why.Message, "run: ");

        await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT 1"));
    }

    /// <summary>What RDS says to a member of rds_iam is 28000, and another thing than a wrong password.</summary>
    [Fact]
    public async Task The_servers_own_code_is_shown_when_it_turns_the_administrator_away()
    {
        await _house.AskAsync($"ALTER ROLE {_administrator} NOLOGIN; SELECT 1");

        for (var again = 0; again < 2; again++)
        {
            var check = Assert.Single(await ExamineAsync());
            Assert.Contains("(SQLSTATE 28000)", check.What, StringComparison.Ordinal);
            Assert.Contains("rds_iam", check.What, StringComparison.Ordinal);
        }
    }

    /// <summary>An owner that cannot log in and is a member of rds_iam, by itself or through another role.</summary>
    private async Task<string> IamOwnerAsync(bool direct)
    {
        var (owner, group) = ($"iam_{Guid.NewGuid():N}"[..20], $"grp_{Guid.NewGuid():N}"[..20]);
        await _house.AskAsync($"""
            DO $do$ BEGIN CREATE ROLE rds_iam; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $do$;
            CREATE ROLE {owner}; CREATE ROLE {group}; GRANT rds_iam TO {(direct ? owner : group)}; GRANT {(direct ? $"pg_monitor TO {group}" : $"{group} TO {owner}")}; SELECT 1
            """);
        return owner;
    }

    /// <summary>Every statement behind these words, as they stand there, by a superuser.</summary>
    private async Task RunAsync(string text, string lead)
    {
        var statements = text.Split(lead)[1..].Select(rest => rest[..(rest.LastIndexOf(';') is >= 0 and var end ? end : rest.Length)]).ToList();
        Assert.NotEmpty(statements);
        await using var superuser = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync(RoleHouse.Cancellation);
        foreach (var statement in statements) await RoleHouse.ExecuteAsync(superuser, statement);
    }

    private async Task<IReadOnlyList<Check>> ExamineAsync() =>
        await new ClusterDoctor(_house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(_house.Order().Target.Cluster, _house.Installation, [], RoleHouse.Cancellation);
}
