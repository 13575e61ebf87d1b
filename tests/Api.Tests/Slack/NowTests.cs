using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>The card of who has access now, beside the requests.</summary>
public sealed class NowTests
{
    private const string Channel = "C0NOW";

    [Fact]
    public async Task The_card_is_there_from_the_start_and_follows_what_is_saved_at_most_once_a_second()
    {
        await using var house = await SlackHouse.OpenAsync(nowChannel: Channel);
        await house.UntilAsync(() => house.Cards.In(Channel).Count == 1, "the card is posted");
        Assert.Contains("Nobody has access", Words(house), StringComparison.Ordinal);

        foreach (var n in Enumerable.Range(0, 5))
        {
            await house.CommandAsync($"orders read 30m because INC-471{n} stuck orders", $"9001.1001.aaaa000{n}");
        }

        await house.IdleAsync();
        await house.Store.AddAsync(Some.Active(house.Clock.GetUtcNow()), TestContext.Current.CancellationToken);
        Assert.Equal(1, house.Cards.Calls);

        await house.UntilAsync(() => Words(house).Contains("read on orders", StringComparison.Ordinal), "the card shows the grant", advance: true);
        Assert.Single(house.Cards.In(Channel));
        Assert.Equal(2, house.Cards.Calls);
    }

    [Fact]
    public async Task What_is_open_is_looked_at_once_a_minute_and_the_card_waits_for_no_database()
    {
        await using var house = await SlackHouse.OpenAsync(nowChannel: Channel);
        var grant = Some.Active(house.Clock.GetUtcNow());
        await house.Roles.MakeAsync(new RoleOrder(Some.Installation, grant.Id, Some.Target(), grant.State.Role!, Some.ReadScope(), house.Clock.GetUtcNow().AddHours(1), house.Clock.GetUtcNow().AddMinutes(1)),
            new Secret("a password of nobody"), TestContext.Current.CancellationToken);
        house.Roles.OpenSessions(grant.State.Role!, 2);
        var answers = new TaskCompletionSource<OpenSessions>();
        house.Roles.Open = _ => answers.Task;
        await house.Store.AddAsync(grant, TestContext.Current.CancellationToken);

        await house.UntilAsync(() => Shows("read on orders"), "the card shows the grant, whatever the database does", advance: true);
        Assert.DoesNotContain("session", Words(house), StringComparison.Ordinal);

        house.Roles.Open = null;
        answers.TrySetException(new IOException("cut"));
        await house.UntilAsync(() => Shows("2 sessions"), "the card shows what is open", advance: true);

        bool Shows(string words) => house.Cards.In(Channel) is [var card, ..] && FakeChat.Words(card.Now).Contains(words, StringComparison.Ordinal);
    }

    private static string Words(SlackHouse house) => FakeChat.Words(house.Cards.In(Channel)[0].Now);
}
