using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests;

/// <summary>A request for less than its scope: what is named, in which schema, and what of the scope is left.</summary>
public sealed class NarrowingTests
{
    private static readonly PrivilegeScope Scope = Some.ReadScope() with
    {
        Privileges =
        [
            new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", null), [], [Privilege.Select]),
            new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", null) { Pattern = "order_*" }, [], [Privilege.Update]),
            new PrivilegeRule(new ObjectSelector(ObjectKind.View, "public", "open_orders"), [], [Privilege.Delete]),
            new PrivilegeRule(new ObjectSelector(ObjectKind.Sequence, "public", null), [], [Privilege.Usage]),
            new PrivilegeRule(new ObjectSelector(ObjectKind.Function, "public", null), [], [Privilege.Execute]),
        ],
    };

    private static readonly PrivilegeScope TwoSchemas = Scope with
    {
        Privileges = [.. Scope.Privileges, new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "billing", "invoices"), [], [Privilege.Select])],
    };

    [Fact]
    public void What_is_left_is_what_the_scope_gives_on_those_tables_and_their_sequences()
    {
        var narrowed = TableMention.Narrow(Scope, [new TableMention(null, "order_items"), new TableMention("public", "open_orders")]).Value;

        Assert.Equal(["public.open_orders", "public.order_items"], narrowed.NarrowedTo);
        Assert.Equal(
            [
                "select on table public.open_orders", "select on table public.order_items", "update on table public.order_items", "delete on view public.open_orders",
                "usage on sequences of table public.open_orders", "usage on sequences of table public.order_items",
            ],
            narrowed.Privileges.Select(rule => rule.ToString()));
        Assert.NotEqual(Scope.Fingerprint("orders"), narrowed.Fingerprint("orders"));
    }

    [Fact]
    public void What_the_scope_limits_to_columns_databases_and_tables_stays_limited()
    {
        var scope = Scope with
        {
            Privileges =
            [
                new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", null), ["id", "status"], [Privilege.Select]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", "orders"), [], [Privilege.Update]) { Database = "billing" },
                new PrivilegeRule(new ObjectSelector(ObjectKind.Sequence, "public", null) { OfTable = "customers" }, [], [Privilege.Usage]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Sequence, "internal", null), [], [Privilege.Usage]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Sequence, "public", "order_number_seq"), [], [Privilege.Usage]),
            ],
        };

        var narrowed = TableMention.Narrow(scope, [new TableMention("public", "orders")]).Value;

        Assert.Equal(
            ["select (id, status) on table public.orders", "update on table public.orders in billing", "usage on sequence public.order_number_seq of table public.orders"],
            narrowed.Privileges.Select(rule => rule.ToString()));
    }

    [Theory]
    [InlineData("invoices", "billing.invoices")]
    [InlineData("orders", "public.orders")]
    [InlineData("nowhere", "public.nowhere")]
    [InlineData("Order Items", "public.\"Order Items\"")]
    public void A_table_without_a_schema_is_asked_back_where_the_scope_has_several(string name, string offered)
    {
        var refusal = TableMention.Narrow(TwoSchemas, [new TableMention("public", "orders"), new TableMention(null, name)]).Refusal!;

        Assert.Equal("scope.which_schema", refusal.Code);
        Assert.Contains(offered, refusal.Message, StringComparison.Ordinal);
        Assert.Null(TableMention.Narrow(TwoSchemas, [new TableMention("public", "orders"), new TableMention("billing", "invoices")]).Refusal);
    }

    [Theory]
    [InlineData("billing", "orders")]
    [InlineData("Public", "orders")]
    public void A_table_on_which_the_scope_gives_nothing_is_refused(string schema, string name) =>
        Assert.Equal("scope.not_in_scope", TableMention.Narrow(Scope, [new TableMention(schema, name)]).Refusal?.Code);

    [Fact]
    public void A_scope_that_acts_as_an_owner_or_has_no_tables_is_not_narrowed()
    {
        var owner = Scope with { RunAs = "orders_owner", Privileges = [] };
        var functions = Scope with { Privileges = [Scope.Privileges[4]] };

        Assert.Equal("scope.not_narrowed", TableMention.Narrow(owner, [new TableMention(null, "orders")]).Refusal?.Code);
        Assert.Equal("scope.not_in_scope", TableMention.Narrow(functions, [new TableMention(null, "orders")]).Refusal?.Code);
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("Orders")]
    [InlineData("we \"ird")]
    [InlineData("a.b")]
    [InlineData("od*")]
    [InlineData("1st")]
    [InlineData("ärger")]
    [InlineData("a,b")]
    [InlineData("a\u00a0b")]
    public void A_name_is_written_so_that_it_is_read_as_itself(string name)
    {
        var (tables, wrong) = TableMention.ReadAll($"{new TableMention(name, name)}, {new TableMention(null, name)}");

        Assert.Null(wrong);
        Assert.Equal([new TableMention(name, name), new TableMention(null, name)], tables);
        Assert.Equal((name, null), SqlNames.Single(SqlNames.Write(name)));
    }

    [Theory]
    [InlineData("ordrs", "orders")]
    [InlineData("ORDERS", "orders")]
    [InlineData("oredrs", "orders")]
    [InlineData("reed", "read")]
    [InlineData("x", null)]
    [InlineData("", null)]
    [InlineData("warehouse", null)]
    public void A_near_miss_is_at_most_two_letters_off_and_fewer_than_half(string typed, string? meant) => Assert.Equal(meant, Show.Nearest(typed, ["orders", "read", "fix-orders"]));
}
