using System.Text.Json.Nodes;
using Npgsql;

namespace DbAccess.EndToEnd.Tests;

/// <summary>A house whose policy has a scope that acts as an owner, one to be narrowed, and an entry that leads to two databases.</summary>
public sealed class ScopeHouse : House
{
    protected override string Policy => """
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read, migrate, some] }
          shop:   { cluster: orders-prod, database: [orders, archive], scopes: [read, refund] }
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
          some:
            description: By pattern and kind
            privileges:
              - { on: "tables public.order*", allow: [select] }
              - { on: "views in schema public", allow: [select] }
              - { on: "sequences of table public.orders", allow: [usage, select] }
          refund:
            description: Read orders there and write them here
            privileges:
              - { on: "tables in schema public", allow: [select], database: orders }
              - { on: "table public.orders", columns: [status], allow: [update], database: archive }
              - { on: "table public.orders", allow: [select], database: archive }
          migrate:
            description: Run a migration as the owner
            run_as: orders_owner
            risk: high
        allow:
          - { id: everything, who: [everyone], databases: ["*"], scopes: ["*"], lifetime: {default: 20s, max: 10m}, approval: none }

        """;

    protected override async Task PrepareAsync(DemoSystem system) => await system.Postgres.CreateSampleOrdersAsync("archive");
}

/// <summary>What the policy can say and people can ask for, proved by logging in with what came.</summary>
public sealed class ScopeTests(ScopeHouse house) : IClassFixture<ScopeHouse>
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Fact]
    public async Task A_migration_runs_as_the_owner_whose_all_of_it_is_and_the_temporary_role_leaves_nothing()
    {
        var filed = await It.SayAsync(SlackUser.Erin, "orders migrate 5m because INC-4711 the migration failed", "is allowed");
        Assert.Contains("High risk. Sessions act as the owner orders_owner", filed, StringComparison.Ordinal);
        var id = Deeds.IdIn(filed);
        var (credential, message) = await It.CredentialAsync(SlackUser.Erin, id);
        Assert.Contains("Your sessions act as the owner", SlackUser.Words(message), StringComparison.Ordinal);

        await using (var session = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await session.OpenAsync(Stop);
            Assert.Equal("orders_owner", await OneAsync(session, "SELECT current_user::text"));
            Assert.Null(await StateOfAsync(session, "ALTER TABLE public.orders ADD COLUMN note text; CREATE TABLE public.made_by_migration (id int PRIMARY KEY); CREATE FUNCTION public.made() RETURNS int LANGUAGE sql AS 'SELECT 1'"));
            // Not even after it steps out of the owner's shoes can it own anything.
            Assert.Equal("42501", await StateOfAsync(session, "RESET ROLE; SET ROLE NONE; CREATE TABLE public.mine (id int)"));
        }

        Assert.Equal(["orders_owner"], await AskOrdersAsync("SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname = 'made_by_migration'"));
        Assert.Equal(["orders_owner"], await AskOrdersAsync("SELECT pg_get_userbyid(proowner)::text FROM pg_proc WHERE proname = 'made'"));
        Assert.Empty(await It.AskServerAsync("SELECT objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid WHERE r.rolname = $1 AND d.deptype = 'o'", credential.User));

        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
        var told = SlackUser.Words(await It.HearAsync(SlackUser.Erin, $"you gave it back ({id})"));
        Assert.DoesNotContain("was kept", told, StringComparison.Ordinal);
        Assert.False(await It.CanLogInAsync(credential));
        Assert.Empty(await It.AskServerAsync("SELECT rolname FROM pg_roles WHERE rolname = $1", credential.User));
        Assert.Equal(["note"], await AskOrdersAsync("SELECT attname FROM pg_attribute WHERE attrelid = 'public.orders'::regclass AND attname = 'note'"));
    }

    [Fact]
    public async Task A_request_for_less_gets_less_and_its_notices_say_so()
    {
        var filed = await It.SayAsync(SlackUser.Sam, "orders read 5m only orders, public.order_items because INC-4711 two tables will do", "is allowed");
        Assert.Contains("read, only public.order_items, public.orders, on orders", filed, StringComparison.Ordinal);
        var id = Deeds.IdIn(filed);
        var (credential, message) = await It.CredentialAsync(SlackUser.Sam, id);
        Assert.Contains("only public.order_items, public.orders", SlackUser.Words(message), StringComparison.Ordinal);

        await using (var session = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await session.OpenAsync(Stop);
            Assert.Null(await StateOfAsync(session, "SELECT count(*) FROM public.orders JOIN public.order_items ON order_id = id"));
            foreach (var table in (string[])["customers", "open_orders"]) Assert.Equal("42501", await StateOfAsync(session, $"SELECT count(*) FROM public.{table}"));
        }

        Assert.Contains("only public.order_items, public.orders", await It.SayAsync(SlackUser.Sam, "mine please", "Your grants"), StringComparison.Ordinal);
        await It.SayAsync(SlackUser.Sam, $"done {id} please", "access ends now");
        Assert.Contains("only public.order_items, public.orders", SlackUser.Words(await It.HearAsync(SlackUser.Sam, $"you gave it back ({id})")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("orders read 30s only internal.payment_tokens because outofscope1", "gives nothing on internal.payment_tokens")]
    [InlineData("orders read 30s only public.no_such_table because outofscope2", "no_such_table")]
    [InlineData("orders migrate 30s only public.orders because outofscope3", "cannot be narrowed")]
    [InlineData("orders read 30s only orders stuck again outofscope4", "one more table or the start of the reason")]
    public async Task What_cannot_be_narrowed_so_gives_nobody_anything(string text, string why)
    {
        await It.SayAsync(SlackUser.Emo, text, why);

        Assert.DoesNotContain("active", await It.AskStoreAsync("SELECT lower(status) FROM grants WHERE document LIKE '%' || $value || '%'", text.Split(' ')[^1]));
    }

    [Fact]
    public async Task The_form_narrows_too_and_shows_beside_its_field_what_it_cannot_read()
    {
        await It.CloseFormsAsync(SlackUser.Erin);
        await It.Users.CommandAsync(SlackUser.Erin, "orders read only public.orders");
        var form = await It.FormAsync(SlackUser.Erin);
        Assert.Equal("public.orders", (string?)Deeds.Field(form, "only")["element"]!["initial_options"]![0]!["value"]);
        var view = (string)form["id"]!;

        // Only what the scope gives something on is found, and what was picked all the same is refused.
        Assert.Equal(["public.customers"], await It.Users.SuggestAsync(view, "only", "customers"));
        Assert.Empty(await It.Users.SuggestAsync(view, "only", "payment"));
        Assert.Contains("list of tables", (string?)(await ForgedAsync(view, "public.my-table"))["errors"]!["only"], StringComparison.Ordinal);
        Assert.Contains("gives nothing on", (string?)(await ForgedAsync(view, "internal.payment_tokens"))["errors"]!["only"], StringComparison.Ordinal);

        var before = await It.NowAsync(SlackUser.Erin);
        await It.Users.SubmitAsync(view, ("database", "orders"), ("scope", "read"), ("only", "public.customers"), ("duration", "20s"), ("reason", "form is narrow"));
        var words = SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before));
        Assert.Contains("read, only public.customers, on orders", words, StringComparison.Ordinal);
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, Deeds.IdIn(words));
        await using (var session = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await session.OpenAsync(Stop);
            Assert.Null(await StateOfAsync(session, "SELECT count(*) FROM public.customers"));
            Assert.Equal("42501", await StateOfAsync(session, "SELECT count(*) FROM public.orders"));
        }

        await It.SayAsync(SlackUser.Erin, $"done {Deeds.IdIn(words)}", "access ends now");
    }

    /// <summary>Sends the form with a table that was never suggested.</summary>
    private async Task<JsonObject> ForgedAsync(string view, string table)
    {
        var picked = new JsonObject
        {
            ["type"] = "multi_external_select",
            ["selected_options"] = new JsonArray(new JsonObject { ["text"] = new JsonObject { ["type"] = "plain_text", ["text"] = table }, ["value"] = table }),
        };
        static JsonObject Value(JsonNode value) => new() { ["value"] = value };
        return await It.Users.PostAsync("submit", new
        {
            view_id = view,
            values = new JsonObject
            {
                ["database"] = Value("orders"), ["scope"] = Value("read"), ["only"] = Value(picked), ["duration"] = Value("20s"), ["reason"] = Value("form is narrow"),
            },
        });
    }

    [Fact]
    public async Task Patterns_views_and_the_sequences_of_a_table_give_what_they_say()
    {
        var id = await It.AskAsync(SlackUser.Sam, "orders some 5m because of patterns");
        var (credential, _) = await It.CredentialAsync(SlackUser.Sam, id);

        await using (var session = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await session.OpenAsync(Stop);
            foreach (var allowed in (string[])["SELECT count(*) FROM public.orders", "SELECT count(*) FROM public.order_items", "SELECT count(*) FROM public.open_orders", "SELECT nextval('public.order_number_seq')"])
                Assert.Null(await StateOfAsync(session, allowed));
            foreach (var refused in (string[])["SELECT count(*) FROM public.customers", "UPDATE public.orders SET status = 'paid'", "SELECT nextval(pg_get_serial_sequence('public.customers', 'id'))"])
                Assert.Equal("42501", await StateOfAsync(session, refused));
        }

        await It.SayAsync(SlackUser.Sam, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task One_grant_leads_to_two_databases_with_the_rules_of_each_and_out_of_both()
    {
        var id = await It.AskAsync(SlackUser.Sam, "shop refund 5m because of two databases");
        var (credential, message) = await It.CredentialAsync(SlackUser.Sam, id);
        Assert.Equal("orders", credential.Database);
        Assert.Contains("Also: `archive`", SlackUser.Words(message), StringComparison.Ordinal);
        var there = credential with { Database = "archive" };

        await using (var orders = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await orders.OpenAsync(Stop);
            Assert.Null(await StateOfAsync(orders, "SELECT count(*) FROM public.customers"));
            Assert.Equal("42501", await StateOfAsync(orders, "UPDATE public.orders SET status = 'paid'"));
        }

        await using (var archive = new NpgsqlConnection(It.ConnectionStringFor(there)))
        {
            await archive.OpenAsync(Stop);
            Assert.Null(await StateOfAsync(archive, "UPDATE public.orders SET status = 'paid' WHERE id = 10001"));
            Assert.Equal("42501", await StateOfAsync(archive, "SELECT count(*) FROM public.customers"));
        }

        await It.SayAsync(SlackUser.Sam, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Sam, $"you gave it back ({id})");
        Assert.False(await It.CanLogInAsync(credential));
        Assert.False(await It.CanLogInAsync(there));
    }

    private async Task<IReadOnlyList<string>> AskOrdersAsync(string sql)
    {
        await using var superuser = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(It.Postgres.SuperuserConnectionString) { Database = "orders", Pooling = false }.ConnectionString);
        await superuser.OpenAsync(Stop);
        await using var command = new NpgsqlCommand(sql, superuser);
        await using var reader = await command.ExecuteReaderAsync(Stop);
        var found = new List<string>();
        while (await reader.ReadAsync(Stop)) found.Add(reader.GetValue(0).ToString()!);
        return found;
    }

    private static async Task<string?> OneAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        return (string?)await command.ExecuteScalarAsync();
    }

    private static async Task<string?> StateOfAsync(NpgsqlConnection session, string sql)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, session);
            await command.ExecuteNonQueryAsync();
            return null;
        }
        catch (PostgresException refused)
        {
            return refused.SqlState;
        }
    }
}
