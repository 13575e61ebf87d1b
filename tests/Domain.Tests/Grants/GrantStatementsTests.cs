
namespace DbAccess.Domain.Tests.Grants;

public sealed class GrantStatementsTests
{
    [Fact]
    public void What_was_run_stands_before_what_came_of_it()
    {
        var (grant, now) = Grants.In("Revoking");
        var first = grant.State.Events + 1;

        var ended = grant.Ran("DROP ROLE x;", 1, now.AddSeconds(-1), mine => mine.End(Grants.Receipt(now), now));

        Assert.Null(ended.Refusal);
        Assert.Equal(["grant.statements Revoking DROP ROLE x;", "grant.ended Ended "], grant.NewEvents.Select(one => $"{one.Type} {one.To} {one.Note}"));
        Assert.Equal([first, first + 1], grant.NewEvents.Select(one => one.Sequence));
        Assert.Equal(now.AddSeconds(-1), grant.NewEvents[0].At);
    }

    [Fact]
    public void Where_the_outcome_is_refused_nothing_is_told_of_either()
    {
        var (grant, now) = Grants.In("Active");
        Assert.Null(grant.Ran("ALTER ROLE x;", 1, now).Refusal);
        var (before, told) = (grant.State, grant.NewEvents.ToList());

        var refused = grant.Ran("DROP ROLE x;", 1, now, mine => mine.End(Grants.Receipt(now), now));

        Assert.Equal("grant.cannot_move", refused.Refusal?.Code);
        Assert.Same(before, grant.State);
        Assert.Equal(told, grant.NewEvents);
    }

    [Fact]
    public void It_moves_neither_status_nor_what_is_due()
    {
        foreach (var situation in Grants.Situations)
        {
            var (grant, now) = Grants.In(situation);
            var before = grant.State;

            Assert.Null(grant.Ran("SELECT 1;", 1, now).Refusal);

            Assert.Equal(before, grant.State with { Events = before.Events });
        }
    }

    [Fact]
    public void Where_nothing_was_run_nothing_is_told()
    {
        var (grant, now) = Grants.In("Active");

        Assert.Null(grant.Ran("", 0, now).Refusal);

        Assert.Empty(grant.NewEvents);
    }
}
