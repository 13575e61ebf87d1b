using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>
/// A <c>GRANT</c> of a role that waits while the role is dropped succeeds all the same, and leaves a membership in nothing that no statement takes away. We leave none, and those of others
/// are in nobody's way.
/// </summary>
public sealed class MembershipRaceTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    public async Task We_become_no_member_of_a_role_that_is_just_being_dropped()
    {
        var made = await _house.MakeAsync(_house.Order());
        string[] statements;
        await using var administrator = new NpgsqlConnection(_house.Database.AdministratorConnectionString + ";Pooling=false");
        await administrator.OpenAsync(RoleHouse.Cancellation);
        await using (var ask = new NpgsqlCommand(RemovalStatements.BecomeMember(_house.Database.Server.Major), administrator) { Parameters = { new NpgsqlParameter<string> { TypedValue = $"{made.Oid}" } } })
        {
            await using var row = await ask.ExecuteReaderAsync(RoleHouse.Cancellation);
            await row.ReadAsync(RoleHouse.Cancellation);
            statements = [row.GetString(0), row.GetString(1)];
        }

        var refused = await WhileItIsDroppedAsync(made.Oid, async () =>
        {
            await using var batch = new NpgsqlBatch(administrator);
            foreach (var statement in statements) batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            await batch.ExecuteNonQueryAsync(RoleHouse.Cancellation);
        });

        Assert.Equal("42704", Assert.IsType<PostgresException>(refused).SqlState);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_membership_that_somebody_gave_while_the_role_was_dropped_is_told_of_and_not_waited_for()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE ROLE late_{made.Oid}; SELECT 1");
        Assert.Null(await WhileItIsDroppedAsync(made.Oid, () => OnceMoreAsync($"GRANT {order.Role} TO late_{made.Oid}")));
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE roleid = {made.Oid}"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.NotNull(receipt.ProvedAt);
        var told = Assert.Single(receipt.Remarks, remark => remark.Contains("keeps 1 memberships in nothing", StringComparison.Ordinal));
        // The statement that is told: it is run, and nothing is left to tell.
        await _house.AskAsync(told[told.IndexOf("DELETE FROM", StringComparison.Ordinal)..]);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE roleid = {made.Oid}"));
        Assert.Empty((await _house.RemoveAsync(order, made.Oid)).Remarks);
        await _house.AskAsync($"DROP ROLE late_{made.Oid}; SELECT 1");
    }

    [Fact]
    public async Task A_role_with_a_membership_in_nothing_is_removed_like_any_other()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE ROLE other_{made.Oid}; SELECT 1");
        var other = await _house.AskAsync($"SELECT oid FROM pg_roles WHERE rolname = 'other_{made.Oid}'");
        Assert.Null(await WhileItIsDroppedAsync(uint.Parse(other, null), () => OnceMoreAsync($"GRANT other_{made.Oid} TO {order.Role}")));
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE member = {made.Oid} AND roleid = {other}"));
        // So that it has to be shut out first.
        await using var session = await _house.LogInAsync(order);

        Assert.Equal(1, (await _house.RemoveAsync(order, made.Oid)).SessionsEnded);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_scope_role_that_is_put_aside_and_made_again_while_it_is_given_is_given_anew(bool behindTheGift)
    {
        await using var other = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await other.OpenAsync(RoleHouse.Cancellation);
        var scopeRole = "";
        Task? putAside = null;
        var seam = StatementSeam.Closed with
        {
            Before = async (connection, statements, _) =>
            {
                if (scopeRole.Length == 0 || putAside is not null || !statements.Any(statement => statement.Sql.StartsWith("CREATE ROLE", StringComparison.Ordinal))) return;
                // It is read by the reading back, and by nothing else that goes with it.
                await RoleHouse.ExecuteAsync(other, $"BEGIN; {(behindTheGift ? "LOCK TABLE pg_database" : "")}");
                putAside = PutAsideAsync(connection.ProcessID);
                if (!behindTheGift) await putAside;
            },
        };
        await using var house = new RoleHouse(_house.Database, _house.Installation, PostgresOptions.Default with { Seam = seam });
        var first = await house.MakeAsync(house.Order());
        scopeRole = await _house.AskAsync($"SELECT roleid::regrole::text FROM pg_auth_members WHERE member = {first.Oid}");
        var order = house.Order();

        var made = Assert.IsType<RoleMaking.Made>(await house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation));

        Assert.NotNull(putAside);
        await putAside;
        Assert.Equal(scopeRole, await _house.AskAsync($"SELECT string_agg(roleid::regrole::text, ' ') FROM pg_auth_members WHERE member = {made.Oid}"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));

        // As one who drops it as unused does, and one who then asks for the same and has not got far.
        async Task PutAsideAsync(int making)
        {
            if (behindTheGift) await Patience.UntilAsync(async () =>
            {
                await using var waiting = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = {making} AND relation = 'pg_database'::regclass)", other);
                return await waiting.ExecuteScalarAsync(RoleHouse.Cancellation) is true;
            }, "the reading back waits");
            await RoleHouse.ExecuteAsync(other, $"""
                ALTER ROLE {scopeRole} RENAME TO {RoleName.Aside(scopeRole)};
                SET LOCAL ROLE dbaccess_admin;
                CREATE ROLE {scopeRole};
                DO $$ BEGIN EXECUTE format('COMMENT ON ROLE {scopeRole} IS %L', shobj_description('{RoleName.Aside(scopeRole)}'::regrole, 'pg_authid')); END $$;
                COMMIT
                """);
        }
    }

    [Fact]
    public async Task Whoever_is_given_a_scope_that_is_just_being_dropped_as_unused_has_it_all_the_same()
    {
        // As the requests of two people for the same tables, one of which ends when the other begins.
        var scope = RoleHouse.ReadScope.NarrowTo([new TableName("public", "orders")]).Value;
        var inventory = new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);
        // So long, and until it came to that once, however little a busy machine gets done.
        using var least = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        using var most = new CancellationTokenSource(Patience.Limit);
        ConcurrentQueue<string> wrong = [];
        var dropped = 0;

        await Task.WhenAll(DropAsync(), LiveAsync(), LiveAsync());

        Assert.True(wrong.IsEmpty, string.Join("\n", wrong));
        Assert.True(dropped > 0, "It was never dropped.");
        Assert.Equal("0", await _house.AskAsync("SELECT count(*) FROM pg_auth_members m WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = m.roleid)"));

        bool Goes() => !least.IsCancellationRequested || (Volatile.Read(ref dropped) == 0 && !most.IsCancellationRequested);

        async Task DropAsync()
        {
            var order = _house.Order(scope);
            while (Goes())
            {
                var answer = await inventory.DropUnusedAsync(_house.Installation, order.Target, scope, RoleHouse.Cancellation);
                if (answer.Refusal is null) dropped++;
                else if (answer.Refusal.Code is not ("postgres.in_use" or "postgres.gone")) wrong.Enqueue($"drop: {answer.Refusal.Code} {answer.Refusal.Message}");
                await Task.Delay(Random.Shared.Next(1, 8), RoleHouse.Cancellation);
            }
        }

        async Task LiveAsync()
        {
            while (Goes())
            {
                var order = _house.Order(scope);
                var making = await _house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation);
                if (making is not RoleMaking.Made made)
                {
                    wrong.Enqueue($"make: {making} {(making as RoleMaking.Impossible)?.Why.Message}");
                    continue;
                }
                // What it is to have comes back where it was taken in between: within moments, and on a busy machine within more of them.
                await Patience.UntilAsync(
                    async () => await _house.AsHolderAsync(order, "SELECT count(*) FROM orders") is "ok", "the holder has what was taken");
                var removal = await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);
                if (removal is not RoleRemoval.Gone) wrong.Enqueue($"remove: {removal}");
            }
        }
    }

    /// <summary>Does something that waits for the drop of a role which is committed a moment later. Answers how it failed, or null.</summary>
    private async Task<Exception?> WhileItIsDroppedAsync(uint oid, Func<Task> doing)
    {
        await using var dropper = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await dropper.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(dropper, $"BEGIN; DROP ROLE {await _house.AskAsync($"SELECT rolname FROM pg_roles WHERE oid = {oid}")}");
        var done = doing();
        // Until 15 a GRANT does not wait for its turn, and is done before the drop is committed.
        while (!done.IsCompleted && await _house.AskAsync($"SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'object' AND classid = 'pg_authid'::regclass AND objid = {oid}") == "0")
            await Task.Delay(5, RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(dropper, "COMMIT");
        return await Record.ExceptionAsync(() => done);
    }

    private async Task OnceMoreAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await connection.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(connection, sql);
    }
}
