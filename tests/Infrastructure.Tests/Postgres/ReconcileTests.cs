using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Postgres;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Reconciliation on a real server: what was changed behind our back is found, and nothing else is touched.</summary>
public sealed class ReconcileTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly OffsetClock _clock = new();
    private RoleHouse _house = null!;
    private InMemoryGrantStore _store = new();

    private int Major => _house.Database.Server.Major;

    private string ScopeRole => RoleName.ForScope(_house.Installation, "read", RoleHouse.ReadScope.Fingerprint(_house.Database.Name)).Value;

    // Roles belong to the whole server, which other tests share: an installation of its own for each.
    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"reconcile-{Guid.NewGuid():N}");

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task An_orphan_goes_and_the_live_the_foreign_and_the_look_alike_stay()
    {
        var (live, orphan) = (_house.Order(), _house.Order());
        var (liveOid, orphanOid) = (await GrantAsync(live), await GrantAsync(orphan));
        await EndOnRecordAsync(orphan.Grant);
        var lookAlike = RoleName.ForGrant(_house.Installation, GrantId.New(), "x").Value;
        await using var other = new RoleHouse(_house.Database, $"other-{Guid.NewGuid():N}");
        var foreign = other.Order(lifetime: TimeSpan.FromHours(-1));
        var foreignOid = (await other.MakeAsync(foreign)).Oid;
        await _house.AskAsync($"CREATE ROLE {lookAlike} LOGIN");

        _clock.Offset = Reconciliation(11);
        var report = await RunAsync();

        Assert.Equal([FindingKind.Orphan, FindingKind.LookAlike], report.Lines.Select(line => line.Kind).Order());
        Assert.Equal("0", await _house.TracesAsync(orphanOid));
        Assert.Equal("ok", await _house.AsHolderAsync(live, "SELECT count(*) FROM orders"));
        Assert.Equal("3", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE oid IN ({liveOid}, {foreignOid}) OR rolname = '{lookAlike}'"));
        Assert.Equal("t t", await _house.AskAsync($"SELECT string_agg(CASE WHEN rolcanlogin THEN 't' ELSE 'f' END, ' ') FROM pg_roles WHERE oid = {foreignOid} OR rolname = '{lookAlike}'"));
    }

    [Fact]
    public async Task With_an_emptied_store_nothing_live_is_destroyed_until_somebody_confirms_and_what_is_past_its_end_goes()
    {
        var (live, past) = (_house.Order(), _house.Order(lifetime: TimeSpan.FromHours(-1)));
        var liveOid = await GrantAsync(live);
        var pastOid = (await _house.MakeAsync(past)).Oid;
        _store = new InMemoryGrantStore();

        var report = await RunAsync();

        Assert.Equal([FindingOutcome.Reported, FindingOutcome.Mended], report.Lines.Where(line => line.Kind is FindingKind.UnknownGrant).Select(line => line.Outcome).Order());
        Assert.Equal("0", await _house.TracesAsync(pastOid));
        Assert.Equal("ok", await _house.AsHolderAsync(live, "SELECT count(*) FROM orders"));

        await RunAsync(confirm: true);
        Assert.Equal("0", await _house.TracesAsync(liveOid));
    }

    [Fact]
    [Core]
    public async Task What_a_live_holder_gives_in_the_name_of_the_scope_role_is_taken_back_and_the_scope_stays_open()
    {
        var order = _house.Order();
        await GrantAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"ALTER DEFAULT PRIVILEGES FOR ROLE {ScopeRole} GRANT ALL ON TABLES TO PUBLIC"));

        Assert.Contains((await RunAsync(dryRun: true)).Lines, found => found is { Kind: FindingKind.TooMuch, Outcome: FindingOutcome.WouldMend });
        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.TooMuch, FindingOutcome.Mended), (line.Kind, line.Outcome));
        Assert.Contains("default privileges", line.Words, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_default_acl WHERE defaclrole = '{ScopeRole}'::regrole"));
        Assert.Empty((await RunAsync()).Lines);
        await _house.MakeAsync(_house.Order());
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        var past = _house.Order(lifetime: TimeSpan.FromHours(-1));
        var oid = (await _house.MakeAsync(past)).Oid;
        await _house.AskAsync($"ALTER ROLE {ScopeRole} LOGIN");

        var report = await RunAsync(dryRun: true);

        Assert.Equal(2, report.Count(FindingOutcome.WouldMend));
        Assert.Equal("2", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE (oid = {oid} OR rolname = '{ScopeRole}') AND rolcanlogin"));
    }

    [Fact]
    public async Task A_renamed_role_is_known_by_its_oid_and_a_re_made_one_is_not_taken_for_it()
    {
        var (renamed, remade) = (_house.Order(), _house.Order());
        await GrantAsync(renamed);
        var oid = await GrantAsync(remade);
        await _house.AskAsync($"ALTER ROLE {renamed.Role} RENAME TO kept_{renamed.Grant.Compact}");
        var tag = await _house.AskAsync($"SELECT shobj_description({oid}, 'pg_authid')");
        await _house.AskAsync($"DROP ROLE {remade.Role}; CREATE ROLE {remade.Role} LOGIN; COMMENT ON ROLE {remade.Role} IS '{tag}'");

        var report = await RunAsync();

        Assert.Equal([(FindingKind.Remade, FindingOutcome.Reported), (FindingKind.Renamed, FindingOutcome.Reported), (FindingKind.Vanished, FindingOutcome.Mended)], report.Lines.Select(line => (line.Kind, line.Outcome)).Order());
        Assert.Equal("2", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname IN ('{remade.Role}', 'kept_{renamed.Grant.Compact}')"));
    }

    [Fact]
    public async Task A_live_grant_whose_role_was_dropped_by_hand_is_ended()
    {
        var order = _house.Order();
        await GrantAsync(order);
        await _house.AskAsync($"DROP ROLE {order.Role}");

        Assert.Equal(FindingKind.Vanished, Assert.Single((await RunAsync()).Lines).Kind);

        var grant = (await _store.FindAsync(order.Grant, RoleHouse.Cancellation))!;
        Assert.Equal(EndReason.Superseded, grant.State.EndReason);
        Assert.False((await _house.RemoveAsync(order, grant.State.RoleOid)).Existed);
    }

    [Fact]
    public async Task A_role_whose_comment_was_taken_away_is_told_and_not_taken_for_dead()
    {
        var order = _house.Order();
        await GrantAsync(order);
        await _house.AskAsync($"COMMENT ON ROLE {order.Role} IS NULL; ALTER ROLE {order.Role} RENAME TO kept_{order.Grant.Compact}");

        Assert.Equal(FindingKind.Renamed, Assert.Single((await RunAsync()).Lines).Kind);
        Assert.Equal(GrantStatus.Active, (await _store.FindAsync(order.Grant, RoleHouse.Cancellation))!.Status);
        // It is a member of its scope role still, and nobody else's by its comment.
        Assert.Equal("0", await RemovedAsync(order));
    }

    [Fact]
    public async Task A_role_that_lost_its_name_its_comment_and_its_scope_role_is_not_called_gone_and_not_removed_before_a_person_says_whose_it_is()
    {
        var (ours, theirs) = (_house.Order(), _house.Order());
        foreach (var order in (RoleOrder[])[ours, theirs])
        {
            await GrantAsync(order);
            await _house.AskAsync($"COMMENT ON ROLE {order.Role} IS NULL; ALTER ROLE {order.Role} RENAME TO kept_{order.Grant.Compact}; SELECT 1");
            await _house.AskAsync($"REVOKE {ScopeRole} FROM kept_{order.Grant.Compact}", _house.Database.AdministratorConnectionString);
        }
        var oid = uint.Parse(await _house.AskAsync($"SELECT oid FROM pg_roles WHERE rolname = 'kept_{theirs.Grant.Compact}'"), System.Globalization.CultureInfo.InvariantCulture);

        foreach (var order in (RoleOrder[])[ours, theirs])
        {
            var grant = (await _store.FindAsync(order.Grant, RoleHouse.Cancellation))!.State;
            var why = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleToRemove.Of(grant, order.Role), RoleHouse.Cancellation)).Why;
            Assert.Equal("postgres.renamed", why.Code);
            var statements = System.Text.RegularExpressions.Regex.Matches(why.Message, "run: (.+?;) and", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));
            await _house.AskAsync($"{statements[order == ours ? 0 : 1].Groups[1].Value} SELECT 1");
        }

        Assert.Equal("0", await RemovedAsync(ours));
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE oid = {oid} AND rolcanlogin"));
        var left = Assert.IsType<RoleRemoval.Gone>(await _house.Administrator.RemoveAsync(RoleToRemove.Of((await _store.FindAsync(theirs.Grant, RoleHouse.Cancellation))!.State, theirs.Role), RoleHouse.Cancellation));
        Assert.Contains(left.Receipt.Remarks, remark => remark.Contains($"kept_{theirs.Grant.Compact}, which was left alone", StringComparison.Ordinal));
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE oid = {oid}"));
    }

    [Fact]
    public async Task What_keeps_a_scope_role_from_being_dropped_is_named()
    {
        var order = _house.Order();
        await GrantAsync(order);
        await EndOnRecordAsync(order.Grant);
        await _house.RemoveAsync(order);
        await _house.AskAsync($"CREATE FOREIGN DATA WRAPPER kept_wrapper; GRANT USAGE ON FOREIGN DATA WRAPPER kept_wrapper TO {ScopeRole}; SELECT 1");

        var dropped = await new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance)
            .DropUnusedAsync(_house.Installation, order.Target, order.Scope, RoleHouse.Cancellation);

        Assert.Equal("postgres.not_dropped", dropped.Refusal?.Code);
        Assert.Contains("foreign-data wrapper kept_wrapper", dropped.Refusal!.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_class c, aclexplode(c.relacl) e WHERE e.grantee = '{ScopeRole}'::regrole"));
        // Needed again, it has everything again.
        Assert.Equal("ok", await _house.AsHolderAsync(await MadeAgainAsync(), "SELECT count(*) FROM orders"));

        async Task<RoleOrder> MadeAgainAsync()
        {
            await _house.AskAsync($"REVOKE USAGE ON FOREIGN DATA WRAPPER kept_wrapper FROM {ScopeRole}; SELECT 1");
            var again = _house.Order();
            await _house.MakeAsync(again);
            return again;
        }
    }

    [Fact]
    [Core]
    public async Task A_scope_role_that_got_a_login_a_password_and_a_member_by_hand_loses_them()
    {
        var order = _house.Order();
        await GrantAsync(order);
        var stranger = $"reader_{order.Grant.Compact}";
        await _house.AskAsync($"CREATE ROLE {stranger}; ALTER ROLE {ScopeRole} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'");
        await _house.AskAsync($"GRANT {ScopeRole} TO {stranger}", _house.Database.AdministratorConnectionString);
        await _house.AskAsync("SELECT 1", _house.Database.ConnectionStringFor(ScopeRole, RoleHouse.Password.Reveal()));

        var report = await RunAsync();

        Assert.Equal([(FindingKind.CanLogIn, FindingOutcome.Mended), (FindingKind.StrayMember, FindingOutcome.Mended)], report.Lines.Select(line => (line.Kind, line.Outcome)).Order());
        Assert.Contains(report.Lines, line => line.Words.Contains($"{stranger} by {PostgresServer.AdministratorName}", StringComparison.Ordinal));
        Assert.Equal("f t 0", await _house.AskAsync($"SELECT concat_ws(' ', rolcanlogin, rolpassword IS NULL, (SELECT count(*) FROM pg_auth_members WHERE roleid = a.oid AND member = '{stranger}'::regrole)) FROM pg_authid a WHERE rolname = '{ScopeRole}'"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Empty((await RunAsync()).Lines);
    }

    [Fact]
    public async Task Whoever_is_logged_in_as_a_scope_role_is_cut_off_with_its_login()
    {
        await GrantAsync(_house.Order());
        await _house.AskAsync($"ALTER ROLE {ScopeRole} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'");
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(ScopeRole, RoleHouse.Password.Reveal()) + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM orders");

        Assert.Equal((FindingKind.CanLogIn, FindingOutcome.Mended), Assert.Single((await RunAsync()).Lines.Select(line => (line.Kind, line.Outcome))));

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM orders"));
    }

    [Theory]
    [InlineData("CREATEDB")]
    [InlineData("CREATEROLE")]
    [InlineData("REPLICATION")]
    [InlineData("BYPASSRLS")]
    public async Task A_power_that_a_live_role_or_its_scope_role_was_given_is_told_and_the_statements_mend_it(string power)
    {
        var order = _house.Order();
        await GrantAsync(order);
        await _house.AskAsync($"ALTER ROLE {order.Role} {power}; ALTER ROLE {ScopeRole} {power}");

        var lines = (await RunAsync()).Lines.Where(line => line.Kind is not FindingKind.Drifted).ToList();

        Assert.Equal([(FindingKind.Changed, order.Role.Value), (FindingKind.TooMuch, ScopeRole)], lines.Select(line => (line.Kind, line.Role)).Order());
        foreach (var line in lines) await _house.AskAsync(line.Words[(line.Words.IndexOf("run: ", StringComparison.Ordinal) + 5)..].TrimEnd('.'));
        Assert.Empty((await RunAsync()).Lines);
    }

    [Theory]
    [InlineData("ALTER ROLE {r} VALID UNTIL 'infinity'", "may log in for ever and ")]
    [InlineData("ALTER ROLE {r} VALID UNTIL '2099-01-01 00:00+00'", "may log in until 2099-01-01 00:00 UTC and ")]
    [InlineData("ALTER ROLE {r} CONNECTION LIMIT -1", "and any number of times at once")]
    [InlineData("ALTER ROLE {r} CONNECTION LIMIT 99", "and 99 times at once")]
    public async Task Limits_that_a_live_role_was_given_are_told_and_the_statement_mends_it(string given, string words)
    {
        var order = _house.Order();
        await GrantAsync(order);
        Assert.Empty((await RunAsync()).Lines);
        await _house.AskAsync($"{given.Replace("{r}", order.Role.Value, StringComparison.Ordinal)}; SELECT 1");

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Changed, FindingOutcome.Reported, order.Role.Value), (line.Kind, line.Outcome, line.Role));
        Assert.Contains(words, line.Words, StringComparison.Ordinal);
        await _house.AskAsync($"{line.Words[(line.Words.IndexOf("Run: ", StringComparison.Ordinal) + 5)..].TrimEnd('.')}; SELECT 1");
        Assert.Empty((await RunAsync()).Lines);
    }

    [Theory]
    [InlineData("GRANT DELETE ON public.orders TO {r}", "database ")]
    [InlineData("GRANT CREATE ON TABLESPACE pg_default TO {r}", "the whole cluster")]
    public async Task Privileges_that_a_live_role_was_given_for_itself_are_told_and_gone_with_it(string given, string where)
    {
        var order = _house.Order();
        await GrantAsync(order);
        await _house.AskAsync($"{given.Replace("{r}", order.Role.Value, StringComparison.Ordinal)}; SELECT 1");

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Changed, FindingOutcome.Reported), (line.Kind, line.Outcome));
        Assert.Contains($"was given privileges of its own in {where}", line.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Memberships_that_somebody_else_gave_are_told_with_statements_that_take_them_back_whoever_runs_them()
    {
        var order = _house.Order();
        await GrantAsync(order);
        var (boss, carl, friend) = ($"boss_{order.Grant.Compact}", $"Carl {order.Grant.Compact}", $"friend_{order.Grant.Compact}");
        // From 16 on a REVOKE takes back what the one who runs it gave, and of what another gave it only warns.
        await _house.AskAsync($"""
            CREATE ROLE {boss}; CREATE ROLE {friend}; CREATE ROLE "{carl}" CREATEROLE; GRANT {boss}, {order.Role}, {ScopeRole} TO "{carl}" WITH ADMIN OPTION;
            SET ROLE "{carl}"; GRANT {boss} TO {order.Role}, {ScopeRole}; GRANT {order.Role}, {ScopeRole} TO {friend}; RESET ROLE
            """);

        for (var pass = 0; pass < 4; pass++)
        {
            foreach (var line in (await RunAsync()).Lines.Where(line => line.Outcome is not FindingOutcome.Mended))
            {
                var statement = System.Text.RegularExpressions.Regex.Match(line.Words, "[Rr]un: (REVOKE [^;.]+)", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));
                if (statement.Success) await _house.AskAsync(statement.Groups[1].Value);
            }
        }

        Assert.Equal("", await _house.AskAsync($"SELECT string_agg(pg_get_userbyid(roleid) || ' to ' || pg_get_userbyid(member) || ' by ' || pg_get_userbyid(grantor), ', ') FROM pg_auth_members WHERE roleid = '{boss}'::regrole AND member <> '\"{carl}\"'::regrole OR member = '{friend}'::regrole"));
        Assert.DoesNotContain((await RunAsync()).Lines, line => line.Words.Contains(boss, StringComparison.Ordinal) || line.Words.Contains(friend, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_membership_given_by_somebody_stronger_is_told_with_the_statement_where_it_cannot_be_taken_back()
    {
        var order = _house.Order();
        await GrantAsync(order);
        var stranger = $"reader_{order.Grant.Compact}";
        await _house.AskAsync($"CREATE ROLE {stranger}; GRANT {ScopeRole} TO {stranger}");

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.StrayMember, Major >= 16 ? FindingOutcome.Failed : FindingOutcome.Mended), (line.Kind, line.Outcome));
        if (Major >= 16) Assert.Contains($"REVOKE \"{ScopeRole}\" FROM \"{stranger}\" GRANTED BY \"postgres\" CASCADE;", line.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_role_that_owns_something_or_is_a_member_of_something_is_told_and_kept()
    {
        await _house.MakeAsync(_house.Order(lifetime: TimeSpan.FromHours(-1)));
        await _house.AskAsync($"CREATE TABLE public.gift (i int); ALTER TABLE public.gift OWNER TO {ScopeRole}; GRANT pg_read_all_stats TO {ScopeRole}");

        var report = await RunAsync(confirm: true, scopes: []);

        Assert.Equal(2, report.Count(FindingKind.TooMuch));
        Assert.Contains(report.Lines, line => line.Words.Contains($"owns something in database {_house.Database.Name}", StringComparison.Ordinal));
        Assert.Contains(report.Lines, line => line.Words.Contains("pg_read_all_stats", StringComparison.Ordinal));
        // Until 15 it might be what the holder made as the scope role, and went to the escrow role with the grant that ended in this pass. It is there in any case.
        Assert.Equal(_house.Database.Server.Major < 16 ? _house.EscrowName : ScopeRole, await _house.AskAsync("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'gift'"));
    }

    [Fact]
    public async Task A_scope_role_that_nobody_needs_goes_with_all_it_was_given_and_no_more()
    {
        var order = _house.Order();
        await GrantAsync(order);
        var oid = uint.Parse(await _house.AskAsync($"SELECT oid FROM pg_roles WHERE rolname = '{ScopeRole}'"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Empty((await RunAsync(confirm: true, scopes: [])).Lines);
        await _house.RemoveAsync(order);
        await EndOnRecordAsync(order.Grant);

        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync(scopes: [])).Lines).Outcome);
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE oid = {oid}"));
        var line = Assert.Single((await RunAsync(confirm: true, scopes: [])).Lines);

        Assert.True(line is { Kind: FindingKind.Unneeded, Outcome: FindingOutcome.Mended }, line.Words);
        Assert.Equal("0", await _house.TracesAsync(oid));
        Assert.Equal("3", await _house.AskAsync("SELECT count(*) FROM pg_class WHERE relname IN ('orders', 'customers', 'order_items')"));
    }

    [Fact]
    [Core]
    public async Task A_scope_role_in_others_hands_loses_what_it_was_given_when_nobody_of_ours_needs_it_and_goes_when_they_are_gone()
    {
        var mallory = $"mallory_{Guid.NewGuid():N}"[..20];
        var order = _house.Order();
        await GrantAsync(order);
        // By a superuser, whose memberships are not ours to take back (16 and later).
        await _house.AskAsync($"CREATE ROLE {mallory} LOGIN; GRANT {ScopeRole} TO {mallory}; SELECT 1");
        var reads = $"SELECT has_table_privilege('{mallory}', 'public.orders', 'SELECT')::text || has_database_privilege('{mallory}', current_database(), 'CONNECT')::text";
        await _house.AskAsync($"REVOKE CONNECT ON DATABASE \"{_house.Database.Name}\" FROM PUBLIC; SELECT 1", _house.Database.SuperuserConnectionString);
        if (Major < 16)
        {
            // There it is taken back.
            await RunAsync();
            Assert.Equal("falsefalse", await _house.AskAsync(reads, _house.Database.SuperuserConnectionString));
            return;
        }

        await RunAsync(confirm: true);
        Assert.Equal("truetrue", await _house.AskAsync(reads, _house.Database.SuperuserConnectionString));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));

        await _house.RemoveAsync(order);
        await EndOnRecordAsync(order.Grant);
        var line = Assert.Single((await RunAsync(confirm: true)).Lines, line => line.Kind is FindingKind.PutAside);
        Assert.True(line.Outcome is FindingOutcome.Mended, line.Words);
        Assert.Equal("falsefalse", await _house.AskAsync(reads, _house.Database.SuperuserConnectionString));
        // Twice: nothing is left to be done.
        Assert.DoesNotContain((await RunAsync(confirm: true)).Lines, line => line.Kind is FindingKind.PutAside);

        // Whoever asks meanwhile gets another, and that one goes when the first can be used again and has come to use.
        var second = _house.Order();
        await GrantAsync(second);
        Assert.Equal("ok", await _house.AsHolderAsync(second, "SELECT count(*) FROM orders"));
        await _house.RemoveAsync(second);
        await EndOnRecordAsync(second.Grant);
        await _house.AskAsync($"REVOKE {ScopeRole} FROM {mallory}; SELECT 1");
        var spare = Assert.Single((await RunAsync(confirm: true)).Lines);
        Assert.True(spare is { Kind: FindingKind.PutAside, Outcome: FindingOutcome.Mended } && spare.Role != ScopeRole, spare.Words);
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE starts_with(rolname::text, '{ScopeRole}')"));
        await using var house = new RoleHouse(_house.Database, _house.Installation);
        var third = house.Order();
        await house.MakeAsync(third);
        Assert.Equal("ok", await house.AsHolderAsync(third, "SELECT count(*) FROM orders"));
        await house.RemoveAsync(third);
    }

    [Fact]
    public async Task A_scope_role_whose_database_was_dropped_goes_all_the_same()
    {
        var target = _house.Order().Target;
        await using (var gone = new RoleHouse(await postgres.CreateSampleOrdersAsync(), _house.Installation))
        {
            var order = gone.Order();
            await gone.MakeAsync(order);
            await gone.RemoveAsync(order);
            await _house.Database.Server.DropDatabaseAsync(gone.Database);
        }
        var inventory = new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);
        var scope = Assert.Single((await inventory.ListAsync(target.Cluster, _house.Installation, [], RoleHouse.Cancellation)).Value.Roles, role => role.Mark is RoleMark.Scope);

        Assert.Null((await inventory.DropScopeAsync(target.Cluster, _house.Installation, scope, RoleHouse.Cancellation)).Refusal);

        Assert.Equal("0", await _house.TracesAsync(scope.Oid));
    }

    [Fact]
    public async Task A_scope_role_whose_comment_was_changed_between_seeing_and_mending_is_left_alone()
    {
        await GrantAsync(_house.Order());
        var stranger = $"reader_{Guid.NewGuid():N}";
        await _house.AskAsync($"CREATE ROLE {stranger}; ALTER ROLE {ScopeRole} LOGIN");
        await _house.AskAsync($"GRANT {ScopeRole} TO {stranger}", _house.Database.AdministratorConnectionString);
        var (cluster, inventory) = (_house.Order().Target.Cluster, new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance));
        var scope = Assert.Single((await inventory.ListAsync(cluster, _house.Installation, [], RoleHouse.Cancellation)).Value.Roles, role => role.Mark is RoleMark.Scope);
        await _house.AskAsync($"COMMENT ON ROLE {ScopeRole} IS 'mine'");

        foreach (var mended in (Result[])
        [
            await inventory.LockAsync(cluster, _house.Installation, scope, RoleHouse.Cancellation),
            await inventory.RevokeMembershipAsync(cluster, _house.Installation, scope, scope.Members.Single(link => link.Role == stranger), RoleHouse.Cancellation),
            await inventory.DropScopeAsync(cluster, _house.Installation, scope, RoleHouse.Cancellation),
        ])
            Assert.Equal("postgres.gone", mended.Refusal?.Code);

        Assert.Equal("1 t", await _house.AskAsync($"SELECT (SELECT count(*) FROM pg_auth_members WHERE roleid = r.oid AND member = '{stranger}'::regrole) || ' ' || left(r.rolcanlogin::text, 1) FROM pg_roles r WHERE rolname = '{ScopeRole}'"));
    }

    [Fact]
    public async Task An_instance_that_only_reads_is_not_believed()
    {
        await using var writer = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var reader = await writer.StartStandbyAsync();
        await using var house = new RoleHouse(await writer.CreateSampleOrdersAsync(), _house.Installation);
        var order = house.Order();
        await house.MakeAsync(order);
        await house.Database.RunAsOwnerAsync($"REVOKE SELECT ON orders FROM {ScopeRoles.NamesFor(order)[0]}");
        await reader.CaughtUpAsync(writer);
        house.Credentials.Current = house.Credentials.Current with { Port = reader.Port };
        await using var there = new RoleHouse(house.Database, _house.Installation);
        there.Credentials.Current = house.Credentials.Current;
        var inventory = new RoleInventory(there.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), there.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);

        Assert.Equal("postgres.read_only", (await inventory.ListAsync(order.Target.Cluster, _house.Installation, [], RoleHouse.Cancellation)).Refusal?.Code);
        var upkeep = await inventory.KeepInLineAsync(_house.Installation, order.Target, order.Scope, dryRun: false, RoleHouse.Cancellation);
        Assert.Equal((0, null), (upkeep.Differences.Count, upkeep.Refusal));
    }

    [Fact]
    public async Task Names_and_comments_from_a_database_of_another_encoding_hide_nothing()
    {
        var latin = $"latin_{_house.Database.Name}";
        await _house.AskAsync($"CREATE DATABASE \"{latin}\" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
        var order = _house.Order();
        await GrantAsync(order);
        var there = _house.Database.Server.ConnectionString(PostgresServer.SuperuserName, _house.Database.Server.SuperuserPassword, latin);
        await _house.AskAsync($"CREATE ROLE \"caf\u00e9{_house.Database.Name}\"; COMMENT ON ROLE \"caf\u00e9{_house.Database.Name}\" IS 'caf\u00e9'; CREATE ROLE plain_{_house.Database.Name}; COMMENT ON ROLE plain_{_house.Database.Name} IS '\u00e9'; SELECT 1", there);

        try
        {
            Assert.Empty((await RunAsync(confirm: true)).Lines);
            Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        }
        finally
        {
            await _house.AskAsync($"DROP ROLE \"caf\u00e9{_house.Database.Name}\"; DROP ROLE plain_{_house.Database.Name}; SELECT 1", there);
            await _house.AskAsync($"DROP DATABASE \"{latin}\"");
        }
    }

    [Fact]
    public async Task A_drop_of_a_scope_role_that_was_cut_off_is_finished_and_whoever_became_its_member_has_their_scope()
    {
        var order = _house.Order();
        await GrantAsync(order);
        var oid = uint.Parse(await _house.AskAsync($"SELECT oid FROM pg_roles WHERE rolname = '{ScopeRole}'"), System.Globalization.CultureInfo.InvariantCulture);
        await _house.AskAsync($"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ScopeRole}; REVOKE ALL ON SCHEMA public FROM {ScopeRole}; ALTER ROLE {ScopeRole} RENAME TO {RoleName.Aside(ScopeRole)}; SELECT 1");
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));

        var line = Assert.Single((await RunAsync(confirm: true)).Lines, line => line.Kind == FindingKind.Unneeded);
        Assert.Contains($"is what is left of {ScopeRole}", line.Words, StringComparison.Ordinal);
        await RunAsync(confirm: true);

        Assert.Equal("0", await _house.TracesAsync(oid));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Empty((await RunAsync()).Lines);
    }

    [Fact]
    public async Task A_cluster_that_does_not_answer_ends_nothing()
    {
        var order = _house.Order();
        await GrantAsync(order);
        _house.Credentials.Current = _house.Credentials.Current with { Port = 1 };

        Assert.Equal(FindingKind.Unlisted, Assert.Single((await RunAsync()).Lines).Kind);
        Assert.Equal(GrantStatus.Active, (await _store.FindAsync(order.Grant, RoleHouse.Cancellation))!.Status);
    }

    [Theory]
    [InlineData(null, typeof(RoleMark.None))]
    [InlineData("the owner of everything", typeof(RoleMark.None))]
    [InlineData("{\"dbaccess\":", typeof(RoleMark.Unreadable))]
    [InlineData("{\"dbaccess\":1,\"i\":7}", typeof(RoleMark.Unreadable))]
    [InlineData("{\"dbaccess\":1,\"i\":\"theirs\",\"kind\":\"login\"}", typeof(RoleMark.Foreign))]
    [InlineData("{\"dbaccess\":1,\"i\":\"mine\",\"kind\":\"king\"}", typeof(RoleMark.Unreadable))]
    [InlineData("{\"dbaccess\":1,\"kind\":\"login\",\"i\":\"mine\",\"g\":\"ACDE-FG\",\"db\":\"x\",\"e\":\"2026-01-01T00:00:00Z\"}", typeof(RoleMark.Unreadable))]
    [InlineData("{\"dbaccess\":1,\"i\":\"mine\",\"kind\":\"login\",\"g\":\"ACDE-FG\",\"db\":\"x\",\"e\":\"2026-01-01T00:00:00Z\"}", typeof(RoleMark.Login))]
    [InlineData("{\"dbaccess\":1,\"i\":\"mine\",\"kind\":\"escrow\"}", typeof(RoleMark.Escrow))]
    public void Comments_of_strangers_are_read_without_believing_them(string? comment, Type mark) => Assert.IsType(mark, RoleTagReader.Read(comment, "mine"));

    private static TimeSpan Reconciliation(int minutes) => TimeSpan.FromMinutes(minutes);

    /// <summary>Makes the role and puts its grant on record as active.</summary>
    private async Task<uint> GrantAsync(RoleOrder order)
    {
        var oid = (await _house.MakeAsync(order)).Oid;
        var now = DateTimeOffset.UtcNow;
        var grant = Grant.RequestAllowed(order.Grant, order.Installation, Some.Request(target: order.Target, scope: order.Scope), now);
        grant.BeginProvisioning(order.Role, now, TimeSpan.FromMinutes(1));
        grant.RoleMade(oid, Some.Plan, now);
        grant.Activate(new MessageRef("D0ENGDM01", "1.2"), now);
        await _store.AddAsync(grant, RoleHouse.Cancellation);
        return oid;
    }

    /// <summary>How many traces its removal leaves.</summary>
    private async Task<string> RemovedAsync(RoleOrder order)
    {
        var grant = (await _store.FindAsync(order.Grant, RoleHouse.Cancellation))!.State;
        Assert.IsType<RoleRemoval.Gone>(await _house.Administrator.RemoveAsync(RoleToRemove.Of(grant, order.Role), RoleHouse.Cancellation));
        return await _house.TracesAsync(grant.RoleOid!.Value);
    }

    private async Task EndOnRecordAsync(GrantId id)
    {
        var grant = (await _store.FindAsync(id, RoleHouse.Cancellation))!;
        var now = DateTimeOffset.UtcNow;
        grant.Return(grant.State.Requester, now);
        grant.BeginRemoval(now, TimeSpan.FromMinutes(1));
        grant.End(new RemovalReceipt(now, 0, now, now, Existed: true, []), now);
        await _store.SaveAsync(grant, RoleHouse.Cancellation);
    }

    private async Task<ReconcileReport> RunAsync(bool dryRun = false, bool confirm = false, IReadOnlyList<PrivilegeScope>? scopes = null)
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddApplication(new Installation(_house.Installation)).AddWarrants()
            .AddSingleton<TimeProvider>(_clock)
            .AddSingleton<IGrantStore>(_store)
            .AddSingleton<IRoleInventory>(new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance))
            .AddSingleton(_house.Administrator)
            .AddFakeEvidence()
            .AddSingleton<IGrantDispatcher>(new Deaf())
            .AddSingleton<IPolicySource>(new Policy(_house.Order().Target, scopes ?? [RoleHouse.ReadScope]))
            .BuildServiceProvider();
        return (await services.GetRequiredService<IMediator>().Send(new ReconcileRoles(dryRun, confirm, ReconcileReach.All), RoleHouse.Cancellation)).Value;
    }

    private sealed class Deaf : IGrantDispatcher
    {
        public void Dispatch(GrantId id)
        {
        }
    }

    private sealed class Policy(DatabaseTarget target, IReadOnlyList<PrivilegeScope> scopes) : IPolicySource
    {
        public AccessPolicy Current { get; } = new(
            "hash",
            new Dictionary<DatabaseName, PolicyDatabase> { [target.Name] = new(target, new Dictionary<string, string>(), [.. scopes.Select(scope => scope.Name)]) },
            scopes.ToDictionary(scope => scope.Name),
            new Dictionary<string, PolicyGroup>(),
            [],
            []);
    }
}
