using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>
/// Everything a role can own, hold or be named in. Access ends at once in every case; what cannot be cleaned names its blocker and the statement that mends it, and once that was run, the next try is
/// enough.
/// </summary>
public sealed class RoleLeftoverTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    private int Major => _house.Database.Server.Major;

    public async ValueTask InitializeAsync()
    {
        _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        // What scopes never give, and what holders have all the same.
        await _house.AskAsync($"CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; GRANT CREATE ON DATABASE \"{_house.Database.Name}\" TO PUBLIC; SELECT 1");
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [InlineData("a table with data, a sequence, an index and a foreign key", "CREATE TABLE workshop.a (i serial PRIMARY KEY, j int REFERENCES workshop.a)", "table workshop.a")]
    [InlineData("a partitioned table", "CREATE TABLE workshop.p (i int) PARTITION BY RANGE (i); CREATE TABLE workshop.p1 PARTITION OF workshop.p FOR VALUES FROM (1) TO (9)", "table workshop.p1")]
    [InlineData("a schema", "CREATE SCHEMA own; CREATE TABLE own.t (i int)", "schema own")]
    [InlineData("a function and a procedure", "CREATE FUNCTION workshop.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE workshop.p() LANGUAGE sql AS 'SELECT 1'", "function workshop.f(integer)")]
    [InlineData("an aggregate", "CREATE AGGREGATE workshop.total(int) (SFUNC = int4pl, STYPE = int)", "function workshop.total(integer)")]
    [InlineData("types", "CREATE TYPE workshop.mood AS ENUM ('ok'); CREATE DOMAIN workshop.positive AS int CHECK (VALUE > 0); CREATE TYPE workshop.pair AS (a int, b int); CREATE TYPE workshop.span AS RANGE (subtype = int)", "type workshop.mood")]
    [InlineData("a view, a materialized view and a rule", "CREATE VIEW workshop.v AS SELECT 1 AS i; CREATE MATERIALIZED VIEW workshop.m AS SELECT 1 AS i; CREATE RULE r AS ON INSERT TO workshop.v DO INSTEAD NOTHING", "view workshop.v")]
    [InlineData("an operator, a cast and a collation", "CREATE TYPE workshop.n AS (i int); CREATE FUNCTION workshop.eq(workshop.n, workshop.n) RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR workshop.=== (FUNCTION = workshop.eq, LEFTARG = workshop.n, RIGHTARG = workshop.n); CREATE FUNCTION workshop.c(workshop.n) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE CAST (workshop.n AS int) WITH FUNCTION workshop.c(workshop.n); CREATE COLLATION workshop.co FROM \"C\"", "operator workshop.===(workshop.n,workshop.n)")]
    [InlineData("text search, statistics and a conversion", "CREATE TEXT SEARCH DICTIONARY workshop.d (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION workshop.c (COPY = simple); CREATE TABLE workshop.s (a int, b int); CREATE STATISTICS workshop.st ON a, b FROM workshop.s; CREATE CONVERSION workshop.cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "statistics object workshop.st")]
    [InlineData("a large object", "SELECT lo_create(0)", "large object")]
    [InlineData("a publication", "CREATE TABLE workshop.t (i int); CREATE PUBLICATION \"my pub\" FOR TABLE workshop.t", "publication")]
    [InlineData("a policy on a table of its own", "CREATE TABLE workshop.t (i int); ALTER TABLE workshop.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON workshop.t TO PUBLIC USING (true)", "table workshop.t")]
    [InlineData("a trigger", "CREATE TABLE workshop.t (i int); CREATE FUNCTION workshop.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON workshop.t FOR EACH ROW EXECUTE FUNCTION workshop.tr()", "function workshop.tr()")]
    [InlineData("names that bite", "CREATE TABLE workshop.\"a\"\"; DROP TABLE public.orders; --\" (\"i'\" int); CREATE VIEW workshop.\"v%I 'x\" AS SELECT 1 AS i; CREATE FUNCTION workshop.\"f\"\"();\"() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "DROP TABLE public.orders")]
    public async Task What_it_owns_is_kept_under_the_escrow_role_and_named(string what, string doing, string named)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, doing));
        var owned = await _house.AskAsync(Owned(made.Oid));
        var schemas = (await _house.AskAsync("SELECT string_agg(oid || ' ' || quote_ident(nspname), chr(10)) FROM pg_namespace")).Split('\n').Select(line => line.Split(' ', 2)).ToList();

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.NotEqual("", what);
        Assert.NotEqual("", owned);
        // All of it is the escrow role's, out of the schema that others use; and where it was is part of the new schema's name.
        var kept = await _house.AskAsync(Owned($"'{_house.EscrowName}'::regrole"));
        foreach (var schema in schemas) kept = kept.Replace($"{order.Role}_{schema[0]}", schema[1], StringComparison.Ordinal);
        Assert.Equal(owned.Split(", ").Order(StringComparer.Ordinal), kept.Split(", ").Where(thing => thing != "schema workshop").Order(StringComparer.Ordinal));
        Assert.Equal("0", await _house.AskAsync("SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'workshop'::regnamespace) + (SELECT count(*) FROM pg_type WHERE typnamespace = 'workshop'::regnamespace) + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'workshop'::regnamespace AND proowner <> 10)"));
        Assert.Contains(receipt.HandedOver, thing => thing.Contains(named, StringComparison.Ordinal));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        Assert.Equal("ok", await _house.AsHolderAsync(await MadeAsync(), "SELECT count(*) FROM public.orders"));
    }

    [Fact]
    public async Task The_escrow_role_takes_over_also_where_only_the_role_itself_could_create_and_can_create_nothing_there_afterwards()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE SCHEMA theirs; GRANT CREATE, USAGE ON SCHEMA theirs TO {order.Role}; REVOKE CREATE ON DATABASE \"{_house.Database.Name}\" FROM PUBLIC; GRANT CREATE ON DATABASE \"{_house.Database.Name}\" TO {order.Role}; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE theirs.t (i int); CREATE SCHEMA own; CREATE PUBLICATION pub FOR TABLE theirs.t"));

        var locked = await _house.LockedOutAsync(order, made.Oid);

        // Handed over; what the superuser gave it is theirs to take back.
        Assert.Equal(_house.EscrowName, await _house.AskAsync("SELECT relowner::regrole::text FROM pg_class WHERE relname = 't' AND relnamespace <> 'theirs'::regnamespace"));
        Assert.Equal("f", await _house.AskAsync($"SELECT left(has_schema_privilege('{_house.EscrowName}', 'theirs', 'CREATE')::text, 1)"));
        foreach (var blocker in locked.Blockers) await _house.MendAsync(blocker);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    private async Task<(RoleOrder Order, uint Oid)> WithKeysAsync()
    {
        await _house.AskAsync($"""
            CREATE SCHEMA app; ALTER SCHEMA app OWNER TO "{_house.Database.Owner}"; CREATE ROLE clerk_{_house.Database.Name};
            CREATE TABLE app.t1 (id int PRIMARY KEY); INSERT INTO app.t1 SELECT generate_series(1, 9); CREATE TABLE app.theirs (id int);
            ALTER TABLE app.t1 OWNER TO "{_house.Database.Owner}"; ALTER TABLE app.theirs OWNER TO "{_house.Database.Owner}";
            GRANT USAGE ON SCHEMA app TO clerk_{_house.Database.Name}; GRANT ALL ON ALL TABLES IN SCHEMA app TO clerk_{_house.Database.Name}; SELECT 1
            """);
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(Domain.Scopes.ObjectKind.Table, "app", "t1", Domain.Scopes.Privilege.Select)]));
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"GRANT CREATE ON SCHEMA app TO {order.Role}; GRANT REFERENCES ON app.t1 TO {order.Role}; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE app.k (id int PRIMARY KEY); INSERT INTO app.k VALUES (1); GRANT ALL ON app.k TO PUBLIC; CREATE TABLE app.child (id int REFERENCES app.t1); INSERT INTO app.child VALUES (1)"));
        await _house.AskAsync("ALTER TABLE app.theirs ADD CONSTRAINT r FOREIGN KEY (id) REFERENCES app.k; REVOKE CREATE ON SCHEMA app FROM PUBLIC; SELECT 1");
        return (order, made.Oid);
    }

    /// <summary>Both ways round: a key of the role's that looks into somebody's table, and one of somebody's that looks into the role's.</summary>
    private async Task KeysWorkAsync(int id)
    {
        Assert.Equal("1", await _house.AskAsync($"WITH d AS (DELETE FROM app.t1 WHERE id = {id} RETURNING 1) SELECT count(*) FROM d"));
        Assert.Equal("1", await _house.AskAsync("WITH i AS (INSERT INTO app.theirs VALUES (1) RETURNING 1) SELECT count(*) FROM i"));
        Assert.Equal("1", await _house.AskAsync($"SET ROLE clerk_{_house.Database.Name}; WITH i AS (INSERT INTO app.theirs VALUES (1) RETURNING 1) SELECT count(*) FROM i"));
        Assert.Equal("1", await _house.AskAsync($"SET ROLE clerk_{_house.Database.Name}; WITH d AS (DELETE FROM app.t1 WHERE id = {id + 1} RETURNING 1) SELECT count(*) FROM d"));
        Assert.Equal("23503", (await Assert.ThrowsAsync<PostgresException>(() => _house.AskAsync("DELETE FROM app.t1 WHERE id = 1"))).SqlState);
        Assert.Equal("23503", (await Assert.ThrowsAsync<PostgresException>(() => _house.AskAsync("INSERT INTO app.theirs VALUES (7)"))).SqlState);
    }

    [Fact]
    [Core]
    public async Task Keys_between_what_it_left_and_what_is_others_are_checked_as_before()
    {
        var (order, oid) = await WithKeysAsync();

        await _house.RemoveAsync(order, oid);

        await KeysWorkAsync(8);
        Assert.Equal("42P01", (await Assert.ThrowsAsync<PostgresException>(() => _house.AskAsync("SELECT * FROM app.k"))).SqlState);
        Assert.Equal("0", await _house.TracesAsync(oid));
    }

    [Fact]
    [Core]
    public async Task Keys_are_checked_while_a_role_is_locked_out_and_something_keeps_it()
    {
        var (order, oid) = await WithKeysAsync();
        await using var stranger = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, "BEGIN; LOCK TABLE app.k, app.child IN ACCESS SHARE MODE");

        await _house.LockedOutAsync(order, oid);

        await KeysWorkAsync(8);
        await RoleHouse.ExecuteAsync(stranger, "ROLLBACK");
        await _house.RemoveAsync(order, oid);
        await KeysWorkAsync(6);
        Assert.Equal("0", await _house.TracesAsync(oid));
    }

    [Fact]
    public async Task More_than_one_try_has_time_for_is_handed_over_in_portions_that_stay_and_nobody_has_access_meanwhile()
    {
        // As many at a time as there is room for: an eighth of the server's locks, a thousand at most.
        var portion = int.Parse(await _house.AskAsync("SELECT greatest(20, least(1000, current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) / 8))"), System.Globalization.CultureInfo.InvariantCulture);
        var many = (2 * portion) + 1;
        using var lease = CancellationTokenSource.CreateLinkedTokenSource(RoleHouse.Cancellation);
        // The worker's time is over after the first portion.
        var seam = StatementSeam.Closed with
        {
            After = async (_, statements, _) =>
            {
                if (statements.Any(statement => statement.Sql == HandOverStatements.HandOverLargeObjects)) await lease.CancelAsync();
            },
        };
        await using var house = new RoleHouse(_house.Database, options: PostgresOptions.Default with { Seam = seam });
        var order = house.Order();
        var made = await house.MakeAsync(order);
        Assert.Equal("ok", await house.AsHolderAsync(order, $"SELECT count(lo_create(0)) FROM generate_series(1, {many})"));
        await using var session = await house.LogInAsync(order);

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), lease.Token));
        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, locked.Receipt.SessionsEnded);
        Assert.Contains("goes on by itself", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        Assert.Equal([$"and {portion - 200} more"], locked.Receipt.HandedOver.Where(line => !line.StartsWith("large object", StringComparison.Ordinal)));
        Assert.Equal([$"and {many - portion - 200} more"], receipt.HandedOver.Where(line => !line.StartsWith("large object", StringComparison.Ordinal)));
        Assert.Equal($"{many}", await _house.AskAsync($"SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner = '{_house.EscrowName}'::regrole"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData("large object 4713", "SELECT lo_create(4713); GRANT SELECT ON LARGE OBJECT 4713 TO PUBLIC", "SELECT lo_get(4713)")]
    [InlineData("table workshop.t", "CREATE TABLE workshop.t AS SELECT name FROM public.customers; GRANT SELECT ON workshop.t TO PUBLIC", "SELECT * FROM {workshop}.t")]
    [InlineData("table workshop.t", "CREATE TABLE workshop.t (i int); GRANT SELECT (i) ON workshop.t TO pg_monitor", "SELECT i FROM {workshop}.t")]
    [InlineData("table workshop.t", "CREATE TABLE workshop.t (i serial); GRANT USAGE ON workshop.t_i_seq TO PUBLIC", "SELECT nextval('{workshop}.t_i_seq')")]
    [InlineData("function workshop.f()", "CREATE FUNCTION workshop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION workshop.f() TO pg_monitor", "SELECT {workshop}.f()")]
    [InlineData("type workshop.mood", "CREATE TYPE workshop.mood AS ENUM ('ok'); GRANT USAGE ON TYPE workshop.mood TO pg_monitor", "SELECT ('ok'::{workshop}.mood)::text")]
    [InlineData("schema own", "CREATE SCHEMA own; GRANT ALL ON SCHEMA own TO PUBLIC; CREATE TABLE own.t (i int); GRANT ALL ON own.t TO PUBLIC", "SELECT i FROM {own}.t")]
    public async Task What_it_gave_others_on_its_own_things_is_over_and_told(string thing, string doing, string use)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var friend = $"friend_{made.Oid}";
        await _house.AskAsync($"CREATE ROLE {friend} LOGIN PASSWORD 'friend'; GRANT pg_monitor TO {friend}; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, doing));
        var own = await _house.AskAsync("SELECT to_regnamespace('own')::oid");
        string In(string workshop, string mine) => use.Replace("{workshop}", workshop, StringComparison.Ordinal).Replace("{own}", mine, StringComparison.Ordinal);
        var before = _house.Database.ConnectionStringFor(friend, "friend");
        await _house.AskAsync(In("workshop", "own"), before);

        var receipt = await _house.RemoveAsync(order, made.Oid);

        var kept = await KeptAsync(order);
        Assert.Contains(receipt.HandedOver, line => line.StartsWith(thing, StringComparison.Ordinal) && line.Contains(", taken from ", StringComparison.Ordinal));
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => _house.AskAsync(In(kept, $"{order.Role}_{own}"), before))).SqlState);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync($"DROP ROLE {friend}; SELECT 1");
    }

    [Fact]
    [Core]
    public async Task Nobody_elses_names_resolve_to_what_it_left()
    {
        // As by default on 14, and on databases that were upgraded from there.
        await _house.AskAsync("GRANT CREATE ON SCHEMA public TO PUBLIC; SELECT 1");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, """
            CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql AS $$SELECT 'mine'$$;
            CREATE FUNCTION public.same(varchar, varchar) RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = varchar, RIGHTARG = varchar);
            CREATE SCHEMA postgres; CREATE TABLE postgres.orders AS SELECT 1 AS i; CREATE DOMAIN public.box AS text
            """));
        Assert.Equal("mine t", await _house.AskAsync("SELECT lower('A'::varchar) || ' ' || left(('a'::varchar = 'b'::varchar)::text, 1)"));

        await _house.RemoveAsync(order, made.Oid);

        await _house.DropSuperusersPoolAsync();
        Assert.Equal("a f", await _house.AskAsync("SELECT lower('A'::varchar) || ' ' || left(('a'::varchar = 'b'::varchar)::text, 1)"));
        Assert.Equal("public", await _house.AskAsync("SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'orders'::regclass"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task What_the_administrator_may_not_move_is_told_with_what_moves_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"REVOKE CREATE ON DATABASE \"{_house.Database.Name}\" FROM PUBLIC; ALTER DATABASE \"{_house.Database.Name}\" OWNER TO postgres; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE workshop.t (i int); CREATE FUNCTION workshop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"));

        var remark = Assert.Single((await _house.RemoveAsync(order, made.Oid)).Remarks, line => line.Contains("stays where others use it", StringComparison.Ordinal));

        await _house.MendAsync(remark);
        Assert.Equal("0", await _house.AskAsync("SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'workshop'::regnamespace) + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'workshop'::regnamespace)"));
        Assert.Equal(_house.EscrowName, await _house.AskAsync($"SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname LIKE '{order.Role}%'"));
    }

    [Fact]
    public async Task Whoever_took_the_name_of_the_schema_for_what_it_left_gets_nothing_of_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var taken = await KeptAsync(order);
        await _house.AskAsync($"CREATE SCHEMA {taken}; GRANT ALL ON SCHEMA {taken} TO PUBLIC; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE workshop.t (i int)"));

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(_house.EscrowName, await _house.AskAsync("SELECT n.nspowner::regrole::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE relname = 't' AND relowner <> 10"));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_class WHERE relnamespace = '{taken}'::regnamespace"));
    }

    [Fact]
    public async Task A_trusted_extension_goes_to_the_escrow_role_or_is_named()
    {
        Assert.SkipUnless(await _house.AskAsync("SELECT count(*) FROM pg_available_extension_versions WHERE name = 'citext' AND trusted") != "0", "This server comes without contrib.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE EXTENSION citext SCHEMA workshop"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains(receipt.HandedOver, thing => thing.StartsWith("extension citext", StringComparison.Ordinal));
        Assert.Equal("1", await _house.AskAsync("SELECT count(*) FROM pg_extension WHERE extname = 'citext'"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_server_of_foreign_data_and_a_user_mapping()
    {
        Assert.SkipUnless(await _house.AskAsync("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'") == "1", "This server comes without contrib.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO PUBLIC; CREATE SERVER theirs FOREIGN DATA WRAPPER postgres_fdw; GRANT USAGE ON FOREIGN SERVER theirs TO PUBLIC; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR CURRENT_USER SERVER theirs OPTIONS (user 'x', password 'hush')"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains(receipt.HandedOver, thing => thing.StartsWith("server mine", StringComparison.Ordinal));
        Assert.Contains(receipt.Dropped, thing => thing.StartsWith("user mapping", StringComparison.Ordinal) && !thing.Contains("hush", StringComparison.Ordinal));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_database_and_the_schema_public()
    {
        var other = await postgres.CreateDatabaseAsync("Db-1 \"x\" ';");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"ALTER SCHEMA public OWNER TO {order.Role}; ALTER DATABASE {Quote(other.Name)} OWNER TO {order.Role}; SELECT 1");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(2, receipt.HandedOver.Count(thing => thing.Contains("schema public", StringComparison.Ordinal) || thing.Contains("database Db-1", StringComparison.Ordinal)));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_subscription_is_switched_off_and_kept()
    {
        Assert.SkipUnless(Major >= 16, "Until PostgreSQL 15 only a superuser may own a subscription.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync("CREATE SUBSCRIPTION \"my sub\" CONNECTION 'host=127.0.0.1 port=1 user=x password=hush' PUBLICATION p WITH (connect = false); SELECT 1");
        await _house.AskAsync($"ALTER SUBSCRIPTION \"my sub\" ENABLE; ALTER SUBSCRIPTION \"my sub\" OWNER TO {order.Role}; SELECT 1");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains(receipt.HandedOver, thing => thing.StartsWith("subscription", StringComparison.Ordinal) && !thing.Contains("hush", StringComparison.Ordinal));
        Assert.Equal("false", await _house.AskAsync("SELECT subenabled::text FROM pg_subscription WHERE subname = 'my sub'"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync("ALTER SUBSCRIPTION \"my sub\" SET (slot_name = NONE); SELECT 1");
        await _house.AskAsync("DROP SUBSCRIPTION \"my sub\"");
    }

    [Fact]
    public async Task An_event_trigger_cannot_be_its_own()
    {
        var order = await MadeAsync();
        await _house.AskAsync("CREATE FUNCTION public.quiet() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER quiet ON ddl_command_end EXECUTE FUNCTION public.quiet(); SELECT 1");

        Assert.Equal("42501", await _house.AsHolderAsync(order, "CREATE EVENT TRIGGER mine ON ddl_command_end EXECUTE FUNCTION public.quiet()"));
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => _house.AskAsync($"ALTER EVENT TRIGGER quiet OWNER TO {order.Role}"))).SqlState);
    }

    [Fact]
    public async Task A_slot_has_no_owner_and_stays_and_the_session_that_reads_it_is_cut()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var slot = $"slot_{made.Oid}";
        await _house.AskAsync($"ALTER ROLE {order.Role} REPLICATION; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"SELECT slot_name::text FROM pg_create_physical_replication_slot('{slot}')"));
        await using var session = await _house.LogInAsync(order);

        // Until 15 the administrator may not change a role with REPLICATION. It may drop it.
        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'"));
        await _house.AskAsync($"SELECT pg_drop_replication_slot('{slot}')");
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task What_it_gave_others_and_what_others_gave_it_within_our_reach_goes_and_is_told()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.Database.RunAsOwnerAsync($"GRANT SELECT ON public.customers TO {order.Role} WITH GRANT OPTION; GRANT UPDATE (status) ON public.orders TO {order.Role}; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {order.Role}");
        Assert.Equal("ok", await _house.AsHolderAsync(order, "GRANT SELECT ON public.customers TO pg_monitor; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains(receipt.Dropped, thing => thing.Contains("what it had given pg_monitor on table", StringComparison.Ordinal) && thing.Contains("customers", StringComparison.Ordinal));
        Assert.Contains(receipt.Dropped, thing => thing.Contains("what it was given on column status", StringComparison.Ordinal));
        Assert.Contains(receipt.Dropped, thing => thing.Contains("default privileges", StringComparison.Ordinal));
        Assert.Equal("f", await _house.AskAsync("SELECT left(has_table_privilege('pg_monitor', 'public.customers', 'SELECT')::text, 1)"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData("GRANT pg_read_all_data TO {role}")]
    [InlineData("GRANT pg_monitor TO {role} WITH ADMIN OPTION")]
    [InlineData("GRANT {role} TO friend_of_none")]
    public async Task A_membership_given_by_hand_by_somebody_else_goes_with_it(string grant)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync("DO $$ BEGIN CREATE ROLE friend_of_none; EXCEPTION WHEN OTHERS THEN NULL; END $$; SELECT 1");
        await _house.AskAsync($"{grant.Replace("{role}", order.Role.Value, StringComparison.Ordinal)}; SELECT 1");

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_membership_that_it_gave_itself_goes_with_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var (group, friend) = ($"group_{made.Oid}", $"friend_{made.Oid}");
        await _house.AskAsync($"CREATE ROLE {group}; CREATE ROLE {friend}; GRANT {group} TO {order.Role} WITH ADMIN OPTION; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"GRANT {group} TO {friend}"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE roleid = '{group}'::regrole AND member = '{friend}'::regrole"));
        Assert.Contains(receipt.Dropped, thing => thing.Contains(friend, StringComparison.Ordinal));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync($"DROP ROLE {group}, {friend}; SELECT 1");
    }

    [Theory]
    [InlineData("table fs.t", "CREATE TABLE fs.t (i int); GRANT SELECT, UPDATE ON fs.t TO {role}")]
    [InlineData("column i of table fs.t", "CREATE TABLE fs.t (i int); GRANT SELECT (i) ON fs.t TO {role}")]
    [InlineData("view fs.v", "CREATE VIEW fs.v AS SELECT 1 AS i; GRANT SELECT ON fs.v TO {role}")]
    [InlineData("sequence fs.s", "CREATE SEQUENCE fs.s; GRANT USAGE ON SEQUENCE fs.s TO {role}")]
    [InlineData("schema fs", "GRANT USAGE ON SCHEMA fs TO {role}")]
    [InlineData("database template0", "GRANT CONNECT ON DATABASE template0 TO {role}")]
    [InlineData("function fs.f(integer,text)", "CREATE FUNCTION fs.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION fs.f(int, text) TO {role}")]
    [InlineData("function fs.p()", "CREATE PROCEDURE fs.p() LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON PROCEDURE fs.p() TO {role}")]
    [InlineData("type fs.mood", "CREATE TYPE fs.mood AS ENUM ('ok'); GRANT USAGE ON TYPE fs.mood TO {role}")]
    [InlineData("language plpgsql", "GRANT USAGE ON LANGUAGE plpgsql TO {role}")]
    [InlineData("tablespace pg_default", "GRANT CREATE ON TABLESPACE pg_default TO {role}")]
    [InlineData("foreign-data wrapper w", "CREATE FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN DATA WRAPPER w TO {role}")]
    [InlineData("server sv", "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER sv FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER sv TO {role}")]
    [InlineData("large object 4711", "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO {role}")]
    [InlineData("parameter log_statement", "GRANT SET ON PARAMETER log_statement TO {role}")]
    [InlineData("table fs.\"T ';%I\"", "CREATE TABLE fs.\"T ';%I\" (i int); GRANT SELECT ON fs.\"T ';%I\" TO {role}")]
    [InlineData("table fs.given", "CREATE TABLE fs.given (i int); GRANT SELECT ON fs.given TO {middle} WITH GRANT OPTION; SET ROLE {middle}; GRANT SELECT ON fs.given TO {role}; RESET ROLE")]
    public async Task A_privilege_given_by_somebody_out_of_reach_is_named_with_the_statement_that_takes_it_back(string thing, string grant)
    {
        if (thing.StartsWith("parameter", StringComparison.Ordinal)) Assert.SkipUnless(Major >= 15, "PostgreSQL has privileges on parameters from version 15 on.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var middle = $"middle_{made.Oid}";
        await _house.AskAsync($"CREATE ROLE {middle}; CREATE SCHEMA fs; GRANT USAGE ON SCHEMA fs TO {middle}; SELECT 1");
        await _house.AskAsync($"{grant.Replace("{role}", order.Role.Value, StringComparison.Ordinal).Replace("{middle}", middle, StringComparison.Ordinal)}; SELECT 1");
        await using var session = await _house.LogInAsync(order);

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.Equal(1, locked.Receipt.SessionsEnded);
        Assert.Null(locked.Receipt.ProvedAt);
        Assert.True(locked.Receipt.Left is { Roles: 1, Sessions: 0, Owned: 0, Privileges: > 0, Memberships: _ });
        var blocker = Assert.Single(locked.Blockers);
        Assert.StartsWith(thing, blocker, StringComparison.Ordinal);
        // Exactly what is in the way is taken back, and by whoever gave it.
        Assert.Contains(": REVOKE ALL", blocker.Replace($"SET ROLE {middle}; ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(thing == "table fs.given" ? middle : "postgres", blocker, StringComparison.Ordinal);

        await _house.MendAsync(blocker);
        Assert.True((await _house.RemoveAsync(order, made.Oid)).Existed);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData("ALLOW_CONNECTIONS false")]
    [InlineData("CONNECTION LIMIT 0")]
    public async Task A_database_that_takes_no_connections_is_named_with_the_statement_that_opens_it(string closing)
    {
        var closed = await postgres.CreateDatabaseAsync("closed");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync("SELECT lo_create(0)", closed.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()));
        await _house.AskAsync($"ALTER DATABASE {closed.Name} {closing}; SELECT 1");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.Contains(closed.Name, Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_target_database_that_takes_no_connections_keeps_nobody_from_being_removed()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await _house.AskAsync($"ALTER DATABASE {_house.Database.Name} CONNECTION LIMIT 0; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'dbaccess%' AND datname = current_database()");

        Assert.Equal(1, (await _house.RemoveAsync(order, made.Oid)).SessionsEnded);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_table_that_somebody_else_holds_is_nobodys_trouble_unless_it_is_the_roles_own()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var owner = _house.Order();
        var madeOwner = await _house.MakeAsync(owner);
        Assert.Equal("ok", await _house.AsHolderAsync(owner, "CREATE TABLE workshop.busy (i int)"));
        await using var stranger = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, "BEGIN; LOCK TABLE public.orders, workshop.busy IN ACCESS EXCLUSIVE MODE");

        await _house.RemoveAsync(order, made.Oid);
        var locked = await _house.LockedOutAsync(owner, madeOwner.Oid);

        var blocker = Assert.Single(locked.Blockers);
        Assert.Contains($"pid {stranger.ProcessID} of postgres", blocker, StringComparison.Ordinal);
        await RoleHouse.ExecuteAsync(stranger, "SELECT 1");
        await _house.MendAsync(blocker);
        await _house.RemoveAsync(owner, madeOwner.Oid);
        Assert.Equal("0", await _house.TracesAsync(madeOwner.Oid));
    }

    [Theory]
    [InlineData("P0001")]
    [InlineData("55P04")]
    public async Task An_event_trigger_that_raises_lets_a_clean_role_go_and_is_named_where_it_does_not(string code)
    {
        var (clean, owner) = (_house.Order(), _house.Order());
        var made = await _house.MakeAsync(clean);
        var madeOwner = await _house.MakeAsync(owner);
        Assert.Equal("ok", await _house.AsHolderAsync(owner, "SELECT lo_create(0); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"));
        await _house.AskAsync($"CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'kein DDL' USING ERRCODE = '{code}'; END $$; CREATE EVENT TRIGGER \"no DDL\" ON ddl_command_start EXECUTE FUNCTION public.no(); SELECT 1");

        await _house.RemoveAsync(clean, made.Oid);
        var locked = await _house.LockedOutAsync(owner, madeOwner.Oid);

        Assert.Contains("\"no DDL\"", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(owner, madeOwner.Oid);
        Assert.Equal("0", await _house.TracesAsync(madeOwner.Oid));
    }

    [Fact]
    public async Task A_trigger_that_turns_logins_away_keeps_nobody_from_being_removed()
    {
        Assert.SkipUnless(Major >= 17, "PostgreSQL has triggers on logins from version 17 on.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await _house.AskAsync("""
            CREATE FUNCTION public.nobody() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF session_user <> 'postgres' THEN RAISE 'not today'; END IF; END $$;
            CREATE EVENT TRIGGER nobody ON login EXECUTE FUNCTION public.nobody(); ALTER EVENT TRIGGER nobody ENABLE ALWAYS;
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'dbaccess%' AND datname = current_database()
            """);

        Assert.Equal(1, (await _house.RemoveAsync(order, made.Oid)).SessionsEnded);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_trigger_that_it_put_on_somebody_elses_table_does_not_run_any_more()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(Domain.Scopes.ObjectKind.Table, "public", "orders", Domain.Scopes.Privilege.Select, Domain.Scopes.Privilege.Trigger)]));
        var made = await _house.MakeAsync(order);
        // Whoever updates the table next gives the holder the rest: the function runs with their rights.
        Assert.Equal("ok", await _house.AsHolderAsync(order, """
            CREATE TABLE workshop.ran (who text); GRANT INSERT ON workshop.ran TO PUBLIC;
            CREATE FUNCTION workshop.trap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO workshop.ran VALUES (current_user); RETURN NEW; END';
            CREATE TRIGGER trap BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION workshop.trap();
            CREATE TRIGGER own BEFORE INSERT ON workshop.ran FOR EACH ROW EXECUTE FUNCTION workshop.trap()
            """));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        await _house.AskAsync("UPDATE public.orders SET status = status; SELECT 1");
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM {await KeptAsync(order)}.ran"));
        Assert.Equal(2, receipt.Remarks.Count(remark => remark.Contains("was switched off", StringComparison.Ordinal)));
        Assert.Equal("2", await _house.AskAsync($"SELECT count(*) FROM pg_trigger WHERE tgfoid = '{await KeptAsync(order)}.trap'::regproc"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_trigger_on_a_partitioned_table_is_dropped_and_its_owner_adds_partitions_as_before()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE TABLE workshop.part (i int) PARTITION BY RANGE (i); CREATE TABLE workshop.p1 PARTITION OF workshop.part FOR VALUES FROM (1) TO (2); CREATE TABLE workshop.theirs (i int) PARTITION BY RANGE (i); GRANT TRIGGER ON workshop.part, workshop.p1, workshop.theirs TO PUBLIC; ALTER TABLE workshop.part OWNER TO \"{_house.Database.Owner}\"; ALTER TABLE workshop.p1 OWNER TO \"{_house.Database.Owner}\"; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, """
            CREATE FUNCTION workshop.evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
            CREATE TRIGGER evil AFTER INSERT ON workshop.part FOR EACH ROW WHEN (new.i > 0) EXECUTE FUNCTION workshop.evil();
            CREATE TRIGGER each AFTER INSERT ON workshop.part EXECUTE FUNCTION workshop.evil();
            CREATE TRIGGER there AFTER INSERT ON workshop.theirs FOR EACH ROW EXECUTE FUNCTION workshop.evil()
            """));

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.EndsWith("DROP TRIGGER there ON workshop.theirs;", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        Assert.Contains(locked.Receipt.Dropped, line => line.StartsWith("trigger evil on table workshop.part", StringComparison.Ordinal) && line.Contains("CREATE TRIGGER evil AFTER INSERT ON workshop.part FOR EACH ROW WHEN ((new.i > 0)) EXECUTE FUNCTION workshop.evil()", StringComparison.Ordinal));
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("each", await _house.AskAsync($"SELECT string_agg(tgname, ',') FROM pg_trigger WHERE tgfoid = '{await KeptAsync(order)}.evil'::regproc"));
        await _house.AskAsync($"GRANT CREATE ON SCHEMA workshop TO \"{_house.Database.Owner}\"; SELECT 1");
        await _house.Database.RunAsOwnerAsync("CREATE TABLE workshop.p2 PARTITION OF workshop.part FOR VALUES FROM (2) TO (3); CREATE TABLE workshop.p3 (i int); ALTER TABLE workshop.part ATTACH PARTITION workshop.p3 FOR VALUES FROM (3) TO (4); INSERT INTO workshop.part VALUES (1), (2), (3)");
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Temporary_tables_of_a_session_that_the_server_lost_are_dropped()
    {
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync("orders"));
        await house.AskAsync($"GRANT TEMP ON DATABASE \"{house.Database.Name}\" TO PUBLIC; SELECT 1");
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await using var session = await house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, "CREATE TEMP TABLE zz (i serial PRIMARY KEY, t text); CREATE TEMP VIEW zv AS SELECT * FROM zz; CREATE TYPE pg_temp.mood AS ENUM ('ok'); CREATE FUNCTION pg_temp.f(zz) RETURNS int LANGUAGE sql AS 'SELECT 1'");
        await server.StopAsync(immediate: true);
        await server.StartAgainAsync();
        // Whoever comes in next has the numbers of those who were there.
        List<NpgsqlConnection> others = [.. Enumerable.Range(0, 12).Select(_ => new NpgsqlConnection($"{house.Database.SuperuserConnectionString};Pooling=false"))];
        foreach (var other in others) await other.OpenAsync(RoleHouse.Cancellation);
        Assert.NotEqual("0", await house.TracesAsync(made.Oid));

        var receipt = await house.RemoveAsync(order, made.Oid);
        foreach (var other in others) await other.DisposeAsync();

        Assert.Empty(receipt.HandedOver);
        Assert.Contains(receipt.Dropped, line => line.StartsWith("temporary table pg_temp_", StringComparison.Ordinal) && line.Contains(".zz (", StringComparison.Ordinal));
        Assert.Equal("0", await house.AskAsync("SELECT count(*) FROM pg_class WHERE relname IN ('zz', 'zv')"));
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_database_whose_own_bound_is_reached_is_named_with_what_raises_it_and_no_idle_connection_of_ours_fills_it()
    {
        var other = await postgres.CreateDatabaseAsync("Db-3 \"x\" ';");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync("SELECT lo_create(0)", other.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()));
        await _house.AskAsync($"ALTER DATABASE {Quote(other.Name)} CONNECTION LIMIT 1; SELECT 1");
        await using var filling = new NpgsqlConnection(other.SuperuserConnectionString + ";Pooling=false");
        await filling.OpenAsync(RoleHouse.Cancellation);

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.Contains("CONNECTION LIMIT of 1 is reached (sessions: 1 of postgres)", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));

        // Our own, in the target database.
        var next = await MadeAsync();
        Assert.Equal("ok", await _house.AsHolderAsync(next, "SELECT lo_create(0)"));
        await _house.AskAsync($"ALTER DATABASE {Quote(_house.Database.Name)} CONNECTION LIMIT 1; SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'dbaccess'");
        await _house.DropSuperusersPoolAsync();
        await _house.RemoveAsync(next);
    }

    [Fact]
    public async Task A_trigger_on_a_table_out_of_our_reach_keeps_it_locked_out_until_somebody_stops_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE TABLE workshop.theirs (i int); GRANT TRIGGER ON workshop.theirs TO PUBLIC; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, """
            CREATE FUNCTION workshop.trap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
            CREATE TRIGGER "my trap" BEFORE INSERT ON workshop.theirs FOR EACH ROW EXECUTE FUNCTION workshop.trap()
            """));

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.StartsWith("trigger \"my trap\" on table workshop.theirs", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        await _house.AskAsync("INSERT INTO workshop.theirs VALUES (1); SELECT 1");
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_trigger_on_a_view_cannot_be_switched_off_and_goes_with_the_view_or_is_named()
    {
        var (own, theirs) = (_house.Order(), _house.Order());
        var (madeOwn, madeTheirs) = (await _house.MakeAsync(own), await _house.MakeAsync(theirs));
        // We could drop that one ourselves, and do not.
        await _house.AskAsync($"CREATE VIEW workshop.others AS SELECT 1 AS i; GRANT TRIGGER ON workshop.others TO PUBLIC; ALTER VIEW workshop.others OWNER TO \"{_house.Database.Owner}\"; SELECT 1");
        const string Trap = "CREATE FUNCTION workshop.{0}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER trap INSTEAD OF INSERT ON workshop.{1} FOR EACH ROW EXECUTE FUNCTION workshop.{0}()";
        Assert.Equal("ok", await _house.AsHolderAsync(own, "CREATE VIEW workshop.mine AS SELECT 1 AS i; GRANT INSERT ON workshop.mine TO PUBLIC; GRANT INSERT (i) ON workshop.mine TO pg_monitor;" + string.Format(null, Trap, "a", "mine")));
        Assert.Equal("ok", await _house.AsHolderAsync(theirs, string.Format(null, Trap, "b", "others")));

        await _house.RemoveAsync(own, madeOwn.Oid);
        var locked = await _house.LockedOutAsync(theirs, madeTheirs.Oid);

        Assert.Equal("f f", await _house.AskAsync($"SELECT concat_ws(' ', left(has_table_privilege('public', '{await KeptAsync(own)}.mine', 'INSERT')::text, 1), left(has_any_column_privilege('pg_monitor', '{await KeptAsync(own)}.mine', 'INSERT')::text, 1))"));
        Assert.StartsWith("trigger trap on view workshop.others", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        Assert.Equal("1", await _house.AskAsync("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'workshop.others'::regclass"));
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(theirs, madeTheirs.Oid);
        Assert.Equal("0", await _house.TracesAsync(madeTheirs.Oid));
    }

    [Fact]
    public async Task A_prepared_transaction_of_somebody_else_that_holds_a_table_is_named_with_what_ends_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE workshop.wanted (i int)"));
        await _house.AskAsync($"BEGIN; LOCK TABLE workshop.wanted IN ACCESS SHARE MODE; PREPARE TRANSACTION 'theirs {made.Oid}'");
        // One that is in nobody's way.
        await _house.AskAsync($"BEGIN; LOCK TABLE public.orders IN ACCESS SHARE MODE; PREPARE TRANSACTION 'another {made.Oid}'");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.Contains("held by a prepared transaction of postgres", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.AskAsync($"ROLLBACK PREPARED 'another {made.Oid}'");
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData("event trigger mine", "CREATE FUNCTION workshop.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION workshop.e()")]
    [InlineData("foreign-data wrapper mine", "CREATE FOREIGN DATA WRAPPER mine")]
    [InlineData("subscription mine", "CREATE SUBSCRIPTION mine CONNECTION 'host=127.0.0.1 port=1 user=x password=hush' PUBLICATION p WITH (connect = false); ALTER SUBSCRIPTION mine ENABLE")]
    public async Task What_only_a_superuser_may_own_is_named_with_what_takes_it_over(string thing, string doing)
    {
        if (thing.StartsWith("subscription", StringComparison.Ordinal)) Assert.SkipUnless(Major < 16, "From PostgreSQL 16 on others may own a subscription.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"ALTER ROLE {order.Role} SUPERUSER; SELECT 1");
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"{doing}; CREATE TABLE workshop.also (i int)"));
        await _house.AskAsync($"ALTER ROLE {order.Role} NOSUPERUSER; SELECT 1");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.StartsWith(thing, Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        // A superuser has it now, and with a superuser's rights it must not run.
        Assert.Equal("0", await _house.AskAsync("SELECT (SELECT count(*) FROM pg_event_trigger WHERE evtenabled <> 'D') + (SELECT count(*) FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND subenabled)"));
    }

    [Fact]
    public async Task A_database_that_the_administrator_may_not_enter_any_more_is_named_with_what_lets_it_in()
    {
        var other = await postgres.CreateSampleOrdersAsync("Db-2 \"x\" ';");
        await using var house = new RoleHouse(other);
        await house.AskAsync("CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; SELECT 1");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using (var session = new NpgsqlConnection(other.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()) + ";Pooling=false"))
        {
            await session.OpenAsync(RoleHouse.Cancellation);
            await RoleHouse.ExecuteAsync(session, "CREATE TABLE workshop.there (i int)");
        }
        await house.AskAsync($"ALTER DATABASE {Quote(other.Name)} OWNER TO postgres; REVOKE CONNECT ON DATABASE {Quote(other.Name)} FROM PUBLIC; REVOKE CONNECT ON DATABASE {Quote(other.Name)} FROM {PostgresServer.AdministratorName}; SELECT 1");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.EndsWith($"Let its owner postgres run: GRANT CONNECT ON DATABASE {Quote(other.Name)} TO {PostgresServer.AdministratorName};", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_prepared_transaction_of_a_role_that_somebody_dropped_by_hand_is_named_with_what_ends_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"BEGIN; LOCK TABLE public.orders IN ACCESS SHARE MODE; PREPARE TRANSACTION 'it''s {made.Oid}'"));
        await _house.AskAsync($"DROP ROLE {order.Role}; SELECT 1");

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Contains("dropped by hand", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.MendAsync(locked.Blockers[0]);
        Assert.NotNull((await _house.RemoveAsync(order, made.Oid)).ProvedAt);
    }

    [Fact]
    public async Task What_it_had_given_on_is_told_wherever_it_was()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var friend = $"friend_{made.Oid}";
        await _house.AskAsync($"""
            CREATE ROLE {friend}; CREATE TABLE workshop.ten (i int, j int); CREATE FUNCTION workshop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE ROLE team_{made.Oid};
            ALTER TABLE workshop.ten OWNER TO "{_house.Database.Owner}"; ALTER FUNCTION workshop.f() OWNER TO "{_house.Database.Owner}"; ALTER SCHEMA workshop OWNER TO "{_house.Database.Owner}";
            GRANT UPDATE (j) ON workshop.ten TO {order.Role} WITH GRANT OPTION; GRANT EXECUTE ON FUNCTION workshop.f() TO {order.Role} WITH GRANT OPTION;
            GRANT CREATE ON SCHEMA workshop TO {order.Role} WITH GRANT OPTION; GRANT team_{made.Oid} TO {order.Role} WITH ADMIN OPTION; SELECT 1
            """);
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"GRANT UPDATE (j) ON workshop.ten TO {friend}; GRANT EXECUTE ON FUNCTION workshop.f() TO {friend}; GRANT CREATE ON SCHEMA workshop TO {friend}; GRANT team_{made.Oid} TO {friend}"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        foreach (var thing in (string[])["column j of table workshop.ten", "function workshop.f()", "schema workshop"])
            Assert.Contains(receipt.Dropped, line => line.StartsWith($"what it had given {friend} on {thing}", StringComparison.Ordinal));
        Assert.Contains($"the membership of {friend} in team_{made.Oid}, which it had given", receipt.Dropped);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task What_runs_when_others_use_something_runs_for_nobody()
    {
        // Something that the escrow role has already, which nothing handed over later may lead to: a view runs with its owner's rights, and the owner is the same.
        var earlier = await MadeAsync();
        Assert.Equal("ok", await _house.AsHolderAsync(earlier, "CREATE TABLE workshop.earlier AS SELECT 'secret' AS s"));
        await _house.RemoveAsync(earlier);
        // Somebody gives away what the escrow role keeps.
        await _house.AskAsync($"GRANT USAGE ON SCHEMA {await KeptAsync(earlier)} TO PUBLIC; GRANT SELECT ON {await KeptAsync(earlier)}.earlier TO PUBLIC; SELECT 1");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"""
            CREATE FUNCTION workshop.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION workshop.f() TO pg_monitor;
            CREATE PROCEDURE workshop.p() LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN NULL; END';
            CREATE FUNCTION workshop.same(int, text) RETURNS bool LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR workshop.= (FUNCTION = workshop.same, LEFTARG = int, RIGHTARG = text);
            CREATE AGGREGATE workshop.total(int) (SFUNC = int4pl, STYPE = int);
            CREATE TABLE workshop.t (i int DEFAULT workshop.f()); GRANT INSERT, SELECT ON workshop.t TO PUBLIC;
            CREATE VIEW workshop.v AS SELECT name FROM public.customers; GRANT SELECT ON workshop.v TO PUBLIC, pg_monitor;
            CREATE VIEW workshop.chain AS SELECT * FROM workshop.v; GRANT SELECT ON workshop.chain TO PUBLIC;
            CREATE VIEW workshop.part AS SELECT name FROM public.customers; GRANT SELECT (name) ON workshop.part TO PUBLIC; CREATE VIEW workshop.into AS SELECT s FROM {await KeptAsync(earlier)}.earlier; GRANT SELECT (s) ON workshop.into TO PUBLIC;
            CREATE MATERIALIZED VIEW workshop.m AS SELECT 1 AS i; GRANT SELECT ON workshop.m TO PUBLIC;
            CREATE VIEW workshop.ruled AS SELECT 1 AS i; CREATE RULE r AS ON UPDATE TO workshop.ruled DO INSTEAD INSERT INTO workshop.t VALUES (1); GRANT UPDATE ON workshop.ruled TO PUBLIC
            """));

        await _house.RemoveAsync(order, made.Oid);

        await _house.AskAsync($"GRANT USAGE ON SCHEMA {await KeptAsync(order)} TO PUBLIC; SELECT 1");
        var other = await MadeAsync();
        foreach (var use in (string[])["SELECT workshop.f()", "CALL workshop.p()", "SELECT 1 OPERATOR(workshop.=) 'x'::text", "SELECT workshop.total(1)", "INSERT INTO workshop.t DEFAULT VALUES", "SELECT * FROM workshop.v", "SELECT * FROM workshop.chain", "SELECT name FROM workshop.part", "SELECT s FROM workshop.into", "SELECT * FROM workshop.m", "UPDATE workshop.ruled SET i = 2"])
            Assert.Equal("42501", await _house.AsHolderAsync(other, use.Replace("workshop", await KeptAsync(order), StringComparison.Ordinal)));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_proc p WHERE pronamespace = '{await KeptAsync(order)}'::regnamespace AND (prosecdef OR has_function_privilege('pg_monitor', oid, 'EXECUTE'))"));
        if (Major >= 15) Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_class WHERE relnamespace = '{await KeptAsync(order)}'::regnamespace AND relkind = 'v' AND NOT coalesce(reloptions::text LIKE '%security_invoker=true%', false)"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData("CREATE TABLE fs.t (i int); CREATE POLICY p ON fs.t TO {role} USING (true)")]
    [InlineData("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER sv FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR {role} SERVER sv")]
    public async Task What_a_stranger_made_for_a_temporary_role_alone_goes_with_it(string doing)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE SCHEMA fs; {doing.Replace("{role}", order.Role.Value, StringComparison.Ordinal)}; SELECT 1");

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_lookalike_of_the_escrow_role_gets_nothing()
    {
        await using var house = new RoleHouse(_house.Database, $"other-{Guid.NewGuid():n}");
        await house.AskAsync($"CREATE ROLE {house.EscrowName} LOGIN PASSWORD 'mine'; SELECT 1");
        var order = house.Order();
        var made = await house.MakeAsync(order);
        Assert.Equal("ok", await house.AsHolderAsync(order, "CREATE FUNCTION workshop.look() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"));

        await house.RemoveAsync(order, made.Oid);

        Assert.Equal(PostgresServer.AdministratorName, await house.AskAsync("SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'look'"));
        Assert.Equal("f f", await house.AskAsync("SELECT concat_ws(' ', left(prosecdef::text, 1), left(has_function_privilege('public', oid, 'EXECUTE')::text, 1)) FROM pg_proc WHERE proname = 'look'"));
        Assert.Equal("0", await house.TracesAsync(made.Oid));
        await house.AskAsync($"DROP ROLE {house.EscrowName}; SELECT 1");
    }

    /// <summary>Where what a role left in a schema of others is kept.</summary>
    private async Task<string> KeptAsync(RoleOrder order, string schema = "workshop") => $"{order.Role}_{await _house.AskAsync($"SELECT '{schema}'::regnamespace::oid")}";

    private async Task<RoleOrder> MadeAsync()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        return order;
    }

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>What a role owns in this database, in one line. The escrow role is every test's; only what lies where this test works counts.</summary>
    private static string Owned(object oid) => $"""
        SELECT string_agg(d.thing, ', ' ORDER BY d.thing)
          FROM (SELECT d.*, CASE WHEN d.classid = 'pg_largeobject'::regclass THEN 'large object' ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END AS thing FROM pg_shdepend d) d
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = {oid} AND d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        """;
}
