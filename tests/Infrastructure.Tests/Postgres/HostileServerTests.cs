using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Databases whose settings, functions and language are not what one expects. Nothing rests on a message's text or on what a database has put in front.</summary>
public sealed class HostileServerTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("standard_conforming_strings", "off")]
    [InlineData("default_transaction_read_only", "on")]
    [InlineData("default_transaction_isolation", "serializable")]
    [InlineData("statement_timeout", "1")]
    [InlineData("lock_timeout", "1")]
    [InlineData("idle_session_timeout", "1")]
    [InlineData("idle_in_transaction_session_timeout", "1")]
    [InlineData("transaction_timeout", "1")]
    [InlineData("search_path", "public, pg_catalog")]
    [InlineData("role", "orders_owner")]
    [InlineData("quote_all_identifiers", "on")]
    [InlineData("client_min_messages", "debug5")]
    [InlineData("client_encoding", "LATIN1")]
    [InlineData("default_with_surprises.x", "y")]
    [InlineData("pg_stat_statements.max", "100")]
    [InlineData("DateStyle", "German")]
    [InlineData("IntervalStyle", "sql_standard")]
    [InlineData("TimeZone", "Australia/Eucla")]
    [InlineData("bytea_output", "escape")]
    [InlineData("array_nulls", "off")]
    [InlineData("transform_null_equals", "on")]
    [InlineData("extra_float_digits", "-15")]
    [InlineData("row_security", "off")]
    [InlineData("createrole_self_grant", "set, inherit")]
    [InlineData("session_replication_role", "replica")]
    [InlineData("work_mem", "64kB")]
    [InlineData("temp_file_limit", "0")]
    [InlineData("cursor_tuple_fraction", "0")]
    [InlineData("password_encryption", "md5")]
    [InlineData("default_transaction_deferrable", "on")]
    [InlineData("check_function_bodies", "on")]
    public async Task A_setting_of_the_database_changes_nothing(string name, string value)
    {
        if (name == "transaction_timeout") Assert.SkipUnless(postgres.Server.Major >= 17, "PostgreSQL has transaction_timeout from version 17 on.");
        if (name == "createrole_self_grant") Assert.SkipUnless(postgres.Server.Major >= 16, "PostgreSQL has createrole_self_grant from version 16 on.");
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await house.AskAsync($"ALTER DATABASE {house.Database.Name} SET {name} = {(name == "search_path" ? value : $"'{value}'")}; SELECT 1", house.Database.Server.SuperuserConnectionString);

        await LivesAndGoesAsync(house);
    }

    [Fact]
    public async Task Functions_operators_and_tables_that_look_like_the_servers_own_are_not_called()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await house.AskAsync($$"""
            CREATE TABLE public.called (who text);
            GRANT INSERT ON public.called TO PUBLIC;
            DO $do$
            DECLARE f text;
            BEGIN
                FOREACH f IN ARRAY ARRAY['count(bigint) RETURNS bigint', 'pg_terminate_backend(integer) RETURNS boolean', 'pg_has_role(oid, text) RETURNS boolean', 'has_schema_privilege(oid, text) RETURNS boolean',
                    'format(text, text) RETURNS text', 'quote_ident(text) RETURNS text', 'quote_ident(name) RETURNS text', 'set_config(text, text, boolean) RETURNS text', 'current_setting(text) RETURNS text',
                    'pg_get_userbyid(oid) RETURNS name', 'pg_describe_object(oid, oid, integer) RETURNS text', 'left(text, integer) RETURNS text', 'length(text) RETURNS integer', 'acldefault("char", oid) RETURNS aclitem[]',
                    'shobj_description(oid, name) RETURNS text', 'clock_timestamp() RETURNS timestamptz'] LOOP
                    EXECUTE format('CREATE FUNCTION public.%s LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.called VALUES (%L); RETURN NULL; END $f$', f, f);
                END LOOP;
            END
            $do$;
            CREATE FUNCTION public.no(oid, oid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.called VALUES (''=''); RETURN false; END';
            CREATE OPERATOR public.= (FUNCTION = public.no, LEFTARG = oid, RIGHTARG = oid);
            CREATE FUNCTION public.no(name, name) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.called VALUES (''= name''); RETURN false; END';
            CREATE OPERATOR public.= (FUNCTION = public.no, LEFTARG = name, RIGHTARG = name);
            CREATE VIEW public.pg_roles AS SELECT 10::oid AS oid, 'nobody'::name AS rolname;
            CREATE TABLE public.pg_shdepend (refobjid oid);
            ALTER VIEW public.pg_roles OWNER TO orders_owner;
            ALTER TABLE public.pg_shdepend OWNER TO orders_owner;
            ALTER TABLE public.called OWNER TO orders_owner;
            SELECT 1
            """);
        await house.AskAsync($"ALTER DATABASE {house.Database.Name} SET search_path = public, pg_catalog; SELECT 1", house.Database.Server.SuperuserConnectionString);

        await LivesAndGoesAsync(house);

        Assert.Equal("0", await house.AskAsync("SELECT count(*) FROM public.called", house.Database.SuperuserConnectionString + ";Options=-c search_path=pg_catalog"));
    }

    [Fact]
    public async Task A_server_that_speaks_german_is_understood()
    {
        Assert.SkipUnless(postgres.Server.Major == 15 && File.Exists("/usr/share/locale/de/LC_MESSAGES/postgres-15.mo") && File.Exists("/usr/bin/localedef"),
            "Only Debian's package of PostgreSQL 15 brings translations here; the npm packages are built without.");
        var locales = Path.Combine("/tmp", $"dbaccess-locale-{Guid.NewGuid():n}");
        Directory.CreateDirectory(locales);
        try
        {
            using (var compile = System.Diagnostics.Process.Start("/usr/bin/localedef", ["-i", "de_DE", "-f", "UTF-8", Path.Combine(locales, "de_DE.UTF-8")])) await compile.WaitForExitAsync(RoleHouse.Cancellation);
            await using var server = await PostgresServer.StartAsync(new()
            {
                Major = 15,
                Environment = new Dictionary<string, string> { ["LOCPATH"] = locales },
                Settings = new Dictionary<string, string> { ["lc_messages"] = "de_DE.UTF-8" },
            });
            await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
            var spoken = await Assert.ThrowsAsync<PostgresException>(() => house.AskAsync("SELECT 1/0"));
            Assert.Contains("Division durch Null", spoken.MessageText, StringComparison.Ordinal);

            await LivesAndGoesAsync(house);
            await BlockedAndMendedAsync(house);
            await RacedAsync(house);

            // Refused, adopted, gone already, not there, not now: each of them was told by its code.
            Assert.Equal("postgres.no_database", (await house.ImpossibleAsync(house.Order() with { Target = house.Order().Target with { Database = "nirgends" } })).Code);
            house.Credentials.Current = house.Credentials.Current with { Password = new("falsch-und-lang-genug") };
            Assert.Equal("postgres.rejected", Assert.IsType<RoleRemoval.NotNow>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(house.Order()), RoleHouse.Cancellation)).Why.Code);
            await using var log = new FileStream(server.LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(log);
            Assert.Contains("FEHLER", await reader.ReadToEndAsync(RoleHouse.Cancellation), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(locales, recursive: true);
        }
    }

    /// <summary>A whole life: made twice, used, left with a session, a large object, default privileges and a prepared transaction, removed twice.</summary>
    private static async Task LivesAndGoesAsync(RoleHouse house)
    {
        var order = house.Order();
        await house.MakeAsync(order);
        var made = await house.MakeAsync(order);
        var plain = house.Database.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()) + ";Pooling=false;Options=-c standard_conforming_strings=on -c search_path=pg_catalog -c statement_timeout=0 -c role=none -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 -c default_transaction_read_only=off"
            + (house.Database.Server.Major >= 17 ? " -c transaction_timeout=0" : "");
        await using (var session = new NpgsqlConnection(plain))
        {
            await session.OpenAsync(RoleHouse.Cancellation);
            await RoleHouse.ExecuteAsync(session, "SET search_path = pg_catalog; SELECT lo_create(0); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC");
            await RoleHouse.ExecuteAsync(session, "BEGIN; SELECT lo_create(0)");
            await RoleHouse.ExecuteAsync(session, $"PREPARE TRANSACTION 'a\\''; b {made.Oid}'");
            await RoleHouse.ExecuteAsync(session, "SELECT pg_catalog.count(*) FROM public.orders");

            var receipt = await house.RemoveAsync(order, made.Oid);

            Assert.Equal(1, receipt.SessionsEnded);
            Assert.Single(receipt.HandedOver);
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        }
        Assert.False((await house.RemoveAsync(order, made.Oid)).Existed);
        Assert.Equal("0", await house.AskAsync($"SELECT pg_catalog.count(*) FROM pg_catalog.pg_authid WHERE oid = {made.Oid}", house.Database.Server.SuperuserConnectionString));
        Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_prepared_xacts WHERE gid LIKE '%{made.Oid}'", house.Database.Server.SuperuserConnectionString));
    }

    private static async Task BlockedAndMendedAsync(RoleHouse house)
    {
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await house.AskAsync($"CREATE SCHEMA fs; CREATE TABLE fs.t (i int); GRANT SELECT ON fs.t TO {order.Role}; SELECT 1");
        await using (var stranger = new NpgsqlConnection(house.Database.SuperuserConnectionString + ";Pooling=false"))
        {
            await stranger.OpenAsync(RoleHouse.Cancellation);
            await RoleHouse.ExecuteAsync(stranger, $"BEGIN; GRANT SELECT ON internal.payment_tokens TO {order.Role}");
            await house.LockedOutAsync(order, made.Oid);
            await RoleHouse.ExecuteAsync(stranger, "ROLLBACK");
        }
        var locked = await house.LockedOutAsync(order, made.Oid);
        await house.MendAsync(Assert.Single(locked.Blockers));
        await house.RemoveAsync(order, made.Oid);
    }

    private static Task RacedAsync(RoleHouse house) => Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
    {
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await Task.WhenAll(house.RemoveAsync(order, made.Oid), house.RemoveAsync(order, made.Oid));
    }));
}
