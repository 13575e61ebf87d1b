using DbAccess.Application.Evidence;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests.Evidence;

public sealed class LoggedEventTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 29, 21, 14, 3, 127, TimeSpan.Zero);

    [Fact]
    public void An_event_is_read_as_it_was_written()
    {
        var body = EventBody.Of(Event());

        var read = LoggedEvent.Parse(body.Leaf(20_841), body.Open);

        Assert.Equal((20_841, At, "grant.ended", "sweep", "worker"), (read.Place, read.At, read.Type, read.Actor, read.Way));
        Assert.Equal(("K7Q3-MD", 9L, "done", "prod-fix", "policy", "plan"),
            (read.Grant, read.Number, read.Outcome, read.Rule, read.PolicyHash, read.PlanHash));
        Assert.Equal(("Ended", 12L, true), (read.Text("to"), read.Count("overrun_ms"), read.Flag("existed")));
        Assert.Equal(["a", "b"], read.Texts("left"));
        Assert.Equal(At, read.Time("proved"));
        Assert.Equal("1 1 SELECT \"x\"\n", read.Sealed("run")?.Value);
    }

    [Fact]
    public void What_it_does_not_have_is_nothing_and_what_was_withheld_is_known_to_be_there()
    {
        var body = EventBody.Of(Event());

        var read = LoggedEvent.Parse(body.Leaf(1), open: null);

        Assert.NotNull(read.Sealed("run"));
        Assert.Null(read.Sealed("run")!.Value);
        Assert.Null(read.Sealed("reason"));
        Assert.Null(read.Text("overrun_ms"));
        Assert.Null(read.Count("to"));
        Assert.Empty(read.Texts("remarks"));
        Assert.False(read.Has("remarks"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"seq\":1,\"type\":\"x\"}")]
    [InlineData("{\"seq\":1.5,\"type\":\"x\",\"at\":\"2026-11-29T21:14:03.127Z\"}")]
    [InlineData("{\"seq\":1,\"type\":\"x\",\"at\":\"yesterday\"}")]
    public void What_is_no_event_is_refused(string leaf) => Assert.Throws<FormatException>(() => LoggedEvent.Parse(leaf, null));

    private static LogEvent Event() => new()
    {
        At = At, Type = "grant.ended", By = new Actor.Sweep(), Way = Way.Worker, Grant = GrantId.Parse("K7Q3-MD"), Number = 9,
        Outcome = "done", Rule = "prod-fix", PolicyHash = "policy", PlanHash = "plan",
        What =
        [
            new Fact.Text("to", "Ended"), new Fact.Number("overrun_ms", 12), new Fact.Flag("existed", true), new Fact.Texts("left", ["a", "b"]),
            new Fact.Text("proved", "2026-11-29T21:14:03.127Z"), new Fact.Sealed("run", "1 1 SELECT \"x\"\n"),
        ],
    };
}
