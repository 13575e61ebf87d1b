using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Tests;

/// <summary>Whoever agreed to a plan agreed to its hash: whatever gives more or less has another one, and what changes by itself has not.</summary>
public sealed class PrivilegePlanTests
{
    private static readonly PlannedObject Orders = new("orders", "table", "public.orders", "orders_owner", ["select"], new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["update"] = ["status"] }, 200, 8192);
    private static readonly PlannedLater Later = new("orders", "orders_owner", "public", "tables", ["select"]);
    private static readonly PrivilegePlan Plan = new(ScopeName.Parse("read")!, [Orders], [Later], [], RunAs: null);

    public static TheoryData<string> Differences() => [.. Changes.Keys];

    private static readonly Dictionary<string, PrivilegePlan> Changes = new(StringComparer.Ordinal)
    {
        ["the scope"] = Plan with { Scope = ScopeName.Parse("other")! },
        ["the owner it acts as"] = Plan with { RunAs = "orders_owner" },
        ["one table more"] = Plan with { Objects = [Orders, Orders with { Name = "public.customers" }] },
        ["another table"] = Plan with { Objects = [Orders with { Name = "public.customers" }] },
        ["another kind"] = Plan with { Objects = [Orders with { Kind = "view" }] },
        ["another database"] = Plan with { Objects = [Orders with { Database = "billing" }], Later = [Later with { Database = "billing" }] },
        ["one privilege more"] = Plan with { Objects = [Orders with { Privileges = ["delete", "select"] }] },
        ["one column more"] = Plan with { Objects = [Orders with { Columns = Columns("update", "status", "total") }] },
        ["another column"] = Plan with { Objects = [Orders with { Columns = Columns("update", "total") }] },
        ["another privilege by column"] = Plan with { Objects = [Orders with { Columns = Columns("insert", "status") }] },
        ["the whole table instead of a column"] = Plan with { Objects = [Orders with { Privileges = ["select", "update"], Columns = Columns() }] },
        ["nothing later"] = Plan with { Later = [] },
        ["later things of another owner"] = Plan with { Later = [Later with { Owner = "carl" }] },
        ["later things in another schema"] = Plan with { Later = [Later with { Schema = "internal" }] },
        ["later things of another kind"] = Plan with { Later = [Later with { Kind = "sequences" }] },
        ["one privilege more later"] = Plan with { Later = [Later with { Privileges = ["insert", "select"] }] },
    };

    [Theory]
    [MemberData(nameof(Differences))]
    public void A_difference_in_what_is_given_is_a_difference_in_the_hash(string what) => Assert.NotEqual(Plan.Hash, Changes[what].Hash);

    [Fact]
    public void Each_of_the_differences_has_a_hash_of_its_own() =>
        Assert.Equal(Changes.Count + 1, Changes.Values.Append(Plan).Select(plan => plan.Hash).Distinct(StringComparer.Ordinal).Count());

    [Fact]
    public void Estimates_owners_of_what_is_there_and_what_everybody_has_are_no_part_of_it()
    {
        var other = Plan with
        {
            Objects = [Orders with { Rows = 7, Bytes = null, Owner = "carl" }],
            Later = [Later, Later with { Owner = "carl", Privileges = [] }],
            Public = [new PublicPrivilege("orders", "table", "public.orders", "select")],
        };

        Assert.Equal(Plan.Hash, other.Hash);
        Assert.Matches("^[0-9a-f]{64}$", Plan.Hash);
    }

    [Fact]
    public void Several_databases_have_one_hash_made_of_those_for_each_in_whatever_order_they_come()
    {
        var there = Plan with { Objects = [Orders with { Database = "billing" }], Later = [] };
        var both = Plan with { Objects = [.. Plan.Objects, .. there.Objects] };

        Assert.Equal(PlanOnRecord.Together([new PlanOnRecord(Plan.Hash, "1 table in orders"), new PlanOnRecord(there.Hash, "1 table in billing")]), new PlanOnRecord(both.Hash, "1 table in orders; 1 table in billing"));
        Assert.Equal(both.Hash, (both with { Objects = [.. both.Objects.Reverse()] }).Hash);
        Assert.NotEqual(both.Hash, (both with { Later = [] }).Hash);
    }

    private static Dictionary<string, IReadOnlyList<string>> Columns(string? privilege = null, params string[] columns) =>
        privilege is null ? [] : new(StringComparer.Ordinal) { [privilege] = columns };
}
