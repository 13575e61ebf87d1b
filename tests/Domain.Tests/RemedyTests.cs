namespace DbAccess.Domain.Tests;

public sealed class RemedyTests
{
    [Fact]
    public void A_remedy_says_who_runs_what_and_where()
    {
        Assert.Equal("Let a superuser run there: REVOKE a FROM b; DROP ROLE b;", new Remedy("a superuser", "there", "REVOKE a FROM b", "DROP ROLE b").ToString());
        Assert.Equal("Let \"ann\" run: GRANT a TO b;", new Remedy("\"ann\"", "", "GRANT a TO b").ToString());
    }

    [Theory]
    [InlineData("DROP ROLE b;")]
    [InlineData("DROP ROLE b; ")]
    [InlineData("DROP ROLE b;;")]
    public void Statements_are_joined_by_one_semicolon_whoever_wrote_one_too_many(string statement)
    {
        var remedy = new Remedy("a superuser", "", statement, "", "SELECT 1;");

        Assert.Equal("DROP ROLE b; SELECT 1;", remedy.Script);
        Assert.Equal(["DROP ROLE b", "SELECT 1"], remedy.Statements);
        Assert.Equal(new Remedy("a superuser", "", "DROP ROLE b", "SELECT 1"), remedy);
    }
}
