using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>The mark stands for a full comparison: whatever somebody changes about a scope has to change it, and what does not concern the scope should not.</summary>
[Core]
public sealed class RoleMarkTests(PostgresFixture postgres)
{
    private static readonly PrivilegeScope Wide = RoleHouse.Scope(
    [
        RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select, Privilege.Insert),
        new(new(ObjectKind.Table, "internal", "payment_tokens"), ["token"], [Privilege.Select]),
        RoleHouse.On(ObjectKind.Function, "public", null, Privilege.Execute),
        RoleHouse.On(ObjectKind.Sequence, "public", null, Privilege.Usage),
    ]);

    // {s} is the scope role, {d} the database, {o} its owner; each list runs as the superuser, one transaction a line.
    private static readonly string[] Changes =
    [
        "GRANT UPDATE ON orders TO {s}",
        "REVOKE INSERT ON orders FROM {s}",
        "REVOKE ALL ON orders FROM {s}",
        "REVOKE SELECT ON orders FROM {s}; GRANT SELECT ON orders TO {s}",
        "GRANT SELECT ON orders TO {s} WITH GRANT OPTION",
        "GRANT SELECT (email) ON customers TO {s}",
        "GRANT UPDATE (token) ON internal.payment_tokens TO {s}",
        "REVOKE SELECT (token) ON internal.payment_tokens FROM {s}",
        "GRANT SELECT ON internal.payment_tokens TO {s}",
        "GRANT USAGE ON SCHEMA other TO {s}",
        "REVOKE USAGE ON SCHEMA public FROM {s}",
        "GRANT SELECT ON other.t TO {s}",
        "REVOKE ALL ON orders FROM {s}; GRANT SELECT ON other.t TO {s}",
        "GRANT EXECUTE ON FUNCTION other.f() TO {s}",
        "REVOKE EXECUTE ON FUNCTION public.f() FROM {s}",
        "REVOKE USAGE ON SEQUENCE order_number_seq FROM {s}",
        "GRANT USAGE ON LANGUAGE plpgsql TO {s}",
        "GRANT CREATE ON DATABASE \"{d}\" TO {s}",
        "GRANT CONNECT ON DATABASE postgres TO {s}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO {s}",
        "CREATE TABLE public.made (i int)",
        "CREATE VIEW public.made AS SELECT 1 AS i",
        "CREATE FUNCTION public.g() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE public.spare",
        "DROP TABLE public.spare; CREATE TABLE public.spare (i int)",
        "ALTER TABLE public.spare RENAME TO spared",
        "ALTER TABLE public.spare OWNER TO postgres",
        "ALTER TABLE public.spare SET SCHEMA other",
        "ALTER TABLE other.t SET SCHEMA public",
        "ALTER SCHEMA internal RENAME TO inside",
        "ALTER SCHEMA public OWNER TO postgres; ALTER SCHEMA public OWNER TO {o}",
        "ALTER TABLE internal.payment_tokens RENAME COLUMN token TO ident",
        "ALTER ROLE {s} RENAME TO renamed_{s}",
        "ALTER TABLE public.spare OWNER TO {s}",
    ];

    [Fact]
    public async Task Whatever_is_changed_about_a_scope_changes_its_mark()
    {
        var (house, look, connection) = await InLineAsync();
        await using var _ = house;
        await using var __ = connection;
        List<string> unnoticed = [];

        foreach (var change in Changes)
        {
            var before = await MarkAsync(look, connection);
            await using var transaction = await connection.BeginTransactionAsync(RoleHouse.Cancellation);
            foreach (var statement in change.Split("; ")) await RoleHouse.ExecuteAsync(connection, Filled(statement, house, look));
            if (await MarkAsync(look, connection) == before) unnoticed.Add(change);
            // Undone, so that each is looked at by itself; and then nothing has changed.
            await transaction.RollbackAsync(RoleHouse.Cancellation);
            Assert.Equal(before, await MarkAsync(look, connection));
        }

        Assert.Empty(unnoticed);
    }

    [Fact]
    public async Task The_very_next_making_sees_what_a_transaction_did_that_was_open_while_the_mark_was_read()
    {
        var (house, look, connection) = await InLineAsync();
        await using var _ = house;
        await using var __ = connection;
        await using var old = new NpgsqlConnection(house.Database.SuperuserConnectionString);
        await old.OpenAsync(RoleHouse.Cancellation);
        await using var transaction = await old.BeginTransactionAsync(RoleHouse.Cancellation);
        // It has its number before, and is done only after, newer ones.
        await RoleHouse.ExecuteAsync(old, $"GRANT UPDATE ON orders TO {look.Part.Role}");
        for (var i = 0; i < 3; i++) await RoleHouse.ExecuteAsync(connection, $"COMMENT ON TABLE customers IS '{i}'; ALTER TABLE spare SET (fillfactor = {90 + i})");
        await house.MakeAsync(house.Order(Wide));
        await house.MakeAsync(house.Order(Wide));

        await transaction.CommitAsync(RoleHouse.Cancellation);
        await house.MakeAsync(house.Order(Wide));

        Assert.Equal("False", await house.AskAsync($"SELECT has_table_privilege('{look.Part.Role}', 'orders', 'UPDATE')"));
    }

    [Fact]
    public async Task What_does_not_concern_the_scope_leaves_its_mark_as_it_was()
    {
        var (house, look, connection) = await InLineAsync();
        await using var _ = house;
        await using var __ = connection;
        var before = await MarkAsync(look, connection);

        foreach (var statement in (string[])
        [
            "INSERT INTO customers (name, email) SELECT 'x', 'x' || i FROM generate_series(1, 100) i", "UPDATE orders SET status = status", "DELETE FROM order_items WHERE false",
            "ANALYZE", "VACUUM", "CREATE TEMP TABLE mine (i int)", "CREATE ROLE bystander_{s}; DROP ROLE bystander_{s}", "CREATE TABLE other.u (i int)", "GRANT SELECT ON other.t TO PUBLIC",
            // Ages grow with every transaction of anybody; the mark must not.
            "DO $$ BEGIN FOR i IN 1..500 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$",
            "VACUUM FREEZE pg_class", "VACUUM FREEZE pg_namespace",
        ])
        {
            foreach (var one in statement.StartsWith("DO ", StringComparison.Ordinal) ? [statement] : statement.Split("; ")) await RoleHouse.ExecuteAsync(connection, Filled(one, house, look));
            Assert.True(before == await MarkAsync(look, connection), $"{statement} changed the mark.");
        }
    }

    private async Task<(RoleHouse House, RoleLook Look, NpgsqlConnection Connection)> InLineAsync()
    {
        var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await house.Database.RunAsOwnerAsync("""
            CREATE SCHEMA other; CREATE TABLE other.t (i int); CREATE TABLE public.spare (i int);
            CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION other.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
            REVOKE EXECUTE ON FUNCTION other.f() FROM PUBLIC; REVOKE EXECUTE ON FUNCTION public.f() FROM PUBLIC
            """);
        var order = house.Order(Wide);
        await house.MakeAsync(order);
        await house.MakeAsync(house.Order(Wide));
        var connection = new NpgsqlConnection(house.Database.SuperuserConnectionString);
        await connection.OpenAsync(RoleHouse.Cancellation);
        return (house, new RoleLook(order, ScopePart.Of(order)[0]), connection);
    }

    private static string Filled(string statement, RoleHouse house, RoleLook look) => statement
        .Replace("{s}", look.Part.Role, StringComparison.Ordinal).Replace("{d}", house.Database.Name, StringComparison.Ordinal).Replace("{o}", house.Database.Owner, StringComparison.Ordinal);

    /// <summary>Within the transaction that made the change.</summary>
    private static async Task<string> MarkAsync(RoleLook look, NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(ScopeStatements.Mark, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = look.Part.Role }, new NpgsqlParameter<string[]> { TypedValue = look.Part.Schemas },
                new NpgsqlParameter<bool> { TypedValue = look.Part.HasFunctions }, new NpgsqlParameter<bool> { TypedValue = look.Part.HasColumns },
                new NpgsqlParameter<string[]> { TypedValue = look.Part.SchemaPatterns },
            },
        };
        return (string)(await command.ExecuteScalarAsync(RoleHouse.Cancellation))!;
    }
}
