using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Tests.Policies;

public sealed class NamesTests
{
    [Theory]
    [InlineData("orders", true)]
    [InlineData("fix-orders_2", true)]
    [InlineData("0", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("Orders", false)]
    [InlineData("-orders", false)]
    [InlineData("orders\n", false)]
    [InlineData("or ders", false)]
    [InlineData("../orders", false)]
    [InlineData("ördérs", false)]
    [InlineData("٣", false)]
    public void A_name_has_the_narrow_shape_that_paths_and_messages_can_hold(string? text, bool taken)
    {
        Assert.Equal(taken, ScopeName.Parse(text) is not null);
        Assert.Equal(taken, DatabaseName.Parse(text) is not null);
        Assert.Equal(taken, ClusterName.Parse(text) is not null);
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void A_name_has_at_most_63_letters(int length, bool taken)
    {
        Assert.Equal(taken, ScopeName.Parse(new string('a', length)) is not null);
        Assert.Equal(taken, DatabaseName.Parse(new string('a', length)) is not null);
        Assert.Equal(taken, ClusterName.Parse(new string('a', length)) is not null);
    }

    [Theory]
    [InlineData("T0DBACME1", "U0ENGINE1", true)]
    [InlineData("E0DBACME1", "W0ENGINE1", true)]
    [InlineData("T0DBACME1", "U0ENGINE1\n", false)]
    [InlineData("T0DBACME1\n", "U0ENGINE1", false)]
    [InlineData("T0DBACME1", "B0ENGINE1", false)]
    [InlineData("T0DBACME1", "u0engine1", false)]
    [InlineData(null, "U0ENGINE1", false)]
    [InlineData("T0DBACME1", null, false)]
    public void A_person_is_known_by_ids_of_Slacks_shape(string? team, string? user, bool taken)
    {
        Assert.Equal(taken, PrincipalId.Parse(team, user) is not null);
    }

    [Theory]
    [InlineData("dba_k3f9q2_escrow", true)]
    [InlineData("dba_k3f9q2_escrow\n", false)]
    [InlineData("pg_read_all_data", false)]
    public void A_role_name_is_one_that_this_product_would_build(string text, bool taken)
    {
        Assert.Equal(taken, RoleName.Parse(text) is not null);
    }
}
