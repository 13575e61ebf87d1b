using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests;

/// <summary>The fingerprint decides which scope role a grant joins: two sets of privileges must never share one.</summary>
public sealed class PrivilegeScopeTests
{
    private static readonly PrivilegeRule Read = new(new ObjectSelector(ObjectKind.Table, "public", null), [], [Privilege.Select, Privilege.Insert]);
    private static readonly PrivilegeRule Fix = new(new ObjectSelector(ObjectKind.Table, "public", "orders"), ["status", "updated_at"], [Privilege.Update]);

    public static TheoryData<string> Differences() => [.. Changes.Keys];

    private static readonly Dictionary<string, PrivilegeScope> Changes = new(StringComparer.Ordinal)
    {
        ["the scope's name"] = Scope(Read, Fix) with { Name = ScopeName.Parse("other")! },
        ["one rule less"] = Scope(Read),
        ["no rules"] = Scope(),
        ["the owner it acts as"] = Scope(Read, Fix) with { RunAs = "orders_owner" },
        ["the schema"] = Scope(Read with { On = Read.On with { Schema = "audit" } }, Fix),
        ["one table instead of all"] = Scope(Read with { On = Read.On with { Name = "orders" } }, Fix),
        ["another table"] = Scope(Read, Fix with { On = Fix.On with { Name = "customers" } }),
        ["all tables instead of one"] = Scope(Read, Fix with { On = Fix.On with { Name = null } }),
        ["the kind"] = Scope(Read with { On = Read.On with { Kind = ObjectKind.Sequence } }, Fix),
        ["one privilege less"] = Scope(Read with { Allow = [Privilege.Select] }, Fix),
        ["another privilege"] = Scope(Read with { Allow = [Privilege.Select, Privilege.Delete] }, Fix),
        ["one column less"] = Scope(Read, Fix with { Columns = ["status"] }),
        ["the whole table instead of columns"] = Scope(Read, Fix with { Columns = [] }),
        ["columns run together"] = Scope(Read, Fix with { Columns = ["statusupdated_at"] }),
        ["a pattern instead of all"] = Scope(Read with { On = Read.On with { Pattern = "order*" } }, Fix),
        ["another pattern"] = Scope(Read with { On = Read.On with { Pattern = "cust*" } }, Fix),
        ["the sequences of a table"] = Scope(Read with { On = Read.On with { OfTable = "orders" } }, Fix),
        ["the sequences of another table"] = Scope(Read with { On = Read.On with { OfTable = "customers" } }, Fix),
        ["columns with a comma"] = Scope(Read, Fix with { Columns = ["status,updated_at"] }),
        ["privileges moved from one rule to the other"] = Scope(Read with { Allow = [Privilege.Update] }, Fix with { Allow = [Privilege.Select, Privilege.Insert] }),
    };

    [Theory]
    [MemberData(nameof(Differences))]
    public void A_difference_in_what_is_allowed_is_a_difference_in_the_fingerprint(string what) =>
        Assert.NotEqual(Scope(Read, Fix).Fingerprint("orders"), Changes[what].Fingerprint("orders"));

    [Fact]
    public void Each_of_the_differences_has_a_fingerprint_of_its_own() =>
        Assert.Equal(Changes.Count + 1, Changes.Values.Append(Scope(Read, Fix)).Select(scope => scope.Fingerprint("orders")).Distinct(StringComparer.Ordinal).Count());

    [Fact]
    public void The_database_is_part_of_it() => Assert.NotEqual(Scope(Read).Fingerprint("orders"), Scope(Read).Fingerprint("billing"));

    [Fact]
    public void The_order_of_things_and_saying_them_twice_make_no_difference()
    {
        var shuffled = Scope(Fix with { Columns = ["updated_at", "status", "status"] }, Read with { Allow = [Privilege.Insert, Privilege.Select, Privilege.Select] });

        Assert.Equal(Scope(Read, Fix).Fingerprint("orders"), shuffled.Fingerprint("orders"));
    }

    [Fact]
    public void What_belongs_to_the_temporary_role_is_not_part_of_it()
    {
        var other = Scope(Read, Fix) with { Description = "else", Connections = 9, HighRisk = true, Settings = new Dictionary<string, string>(StringComparer.Ordinal) };

        Assert.Equal(Scope(Read, Fix).Fingerprint("orders"), other.Fingerprint("orders"));
        Assert.Matches("^[0-9a-f]{64}$", other.Fingerprint("orders"));
    }

    [Fact]
    public void Names_that_hold_a_line_break_cannot_pass_for_something_else()
    {
        // A database may be called anything. "x", scope "y", owner "z" + line break; and "x" + line break + "y", scope "z".
        var first = Scope() with { Name = ScopeName.Parse("y")!, RunAs = "z\n" };
        var second = Scope() with { Name = ScopeName.Parse("z")! };

        Assert.NotEqual(first.Fingerprint("x"), second.Fingerprint("x\ny"));
    }

    private static PrivilegeScope Scope(params PrivilegeRule[] rules) => Some.ReadScope() with { Privileges = rules };
}
