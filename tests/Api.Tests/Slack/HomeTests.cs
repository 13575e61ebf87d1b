using DbAccess.TestKit.Fakes;
using DbAccess.TestKit;

namespace DbAccess.Api.Tests.Slack;

/// <summary>A person's own page, from the event that opens it to every change that is drawn on it.</summary>
public sealed class HomeTests
{
    [Fact]
    public async Task A_page_is_drawn_when_it_is_opened_and_anew_when_something_on_it_changes()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.EventAsync(Opened());
        await PublishedAsync(house, 1);
        Assert.Contains("You have no access right now", Words(house), StringComparison.Ordinal);

        house.Clock.Advance(TimeSpan.FromSeconds(1));
        await house.CommandAsync("orders read 30m because INC-4711 stuck orders");
        await house.IdleAsync();

        await house.UntilAsync(() => Words(house).Contains("read on orders · being made", StringComparison.Ordinal), "the page shows the grant", advance: true);
        Assert.Contains("return_grant", Words(house), StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_much_changes_a_page_is_drawn_once_a_second()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.EventAsync(Opened());
        await PublishedAsync(house, 1);

        foreach (var n in Enumerable.Range(0, 5)) await house.CommandAsync($"orders read 30m because INC-471{n} stuck orders", $"9001.1001.aaaa000{n}");
        foreach (var _ in Enumerable.Range(0, 5)) await house.EventAsync(Opened());
        await house.IdleAsync();
        Assert.Equal(1, house.Home.Calls);

        house.Clock.Advance(TimeSpan.FromSeconds(1));
        await PublishedAsync(house, 2);
        await house.EventAsync(Opened());
        Assert.Equal(2, house.Home.Calls);
    }

    [Fact]
    public async Task Nobody_elses_page_is_drawn_for_it_and_none_for_the_tab_of_messages()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.EventAsync(Opened("U0ENGINE2"));
        await PublishedAsync(house, 1);
        await house.EventAsync(Opened("U0ENGINE3", tab: "messages"));
        house.Clock.Advance(TimeSpan.FromSeconds(2));

        await house.CommandAsync("orders read 30m because INC-4711 stuck orders");
        await house.IdleAsync();
        await house.EventAsync(Opened());
        await house.UntilAsync(() => house.Home.Of(SlackHouse.Erin) is not null, "the page of whoever asked is there");

        Assert.Single(house.Home.Published, page => page.Person == Some.Person("U0ENGINE2"));
        Assert.Null(house.Home.Of(Some.Person("U0ENGINE3")));
    }

    [Fact]
    public async Task Administrators_see_everybody_and_can_end_it_all_after_a_typed_word()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.Store.AddAsync(Some.Active(now: house.Clock.GetUtcNow()), default);
        await house.EventAsync(Opened("U0ADMIN01"));
        await PublishedAsync(house, 1);

        var words = FakeChat.Words(house.Home.Of(Some.Person("U0ADMIN01"))!);
        Assert.Contains("Everybody, live (1)", words, StringComparison.Ordinal);
        Assert.Contains("everyone_out", words, StringComparison.Ordinal);

        // A minute later there is a minute less.
        house.Clock.Advance(TimeSpan.FromMinutes(1));
        await PublishedAsync(house, 2);
    }

    [Fact]
    public async Task A_page_that_slack_does_not_take_is_drawn_again()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Home.Answer = () => new Application.Ports.Post.NotNow("it is down", TimeSpan.FromSeconds(30));
        await house.EventAsync(Opened());
        await house.UntilAsync(() => house.Home.Calls == 1, "it was tried");

        house.Home.Answer = () => null;
        // The pause counts from when the worker has heard the answer, which may be after this.
        await house.UntilAsync(() => house.Home.Published.Count == 1, "it is drawn again", advance: true);
    }

    [Fact]
    public async Task Guests_see_why_there_is_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Refuses(SlackHouse.Erin);
        await house.EventAsync(Opened());
        await PublishedAsync(house, 1);

        Assert.Equal("Guests cannot ask for database access.", house.Home.Of(SlackHouse.Erin)!.Summary);
    }

    private static Task PublishedAsync(SlackHouse house, int times) => house.UntilAsync(() => house.Home.Published.Count >= times, $"a page was published {times} times");

    private static string Words(SlackHouse house) => FakeChat.Words(house.Home.Of(SlackHouse.Erin)!);

    private static string Opened(string user = "U0ENGINE1", string tab = "home") =>
        $$$"""{"type":"event_callback","team_id":"T0DBACME1","api_app_id":"A0DBACCS1","event_id":"Ev{{{Guid.NewGuid():N}}}","event":{"type":"app_home_opened","user":"{{{user}}}","channel":"D0ENGDM01","tab":"{{{tab}}}","event_ts":"1767225600.000100"}}""";
}
