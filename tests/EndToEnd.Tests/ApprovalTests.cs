using System.Text.Json.Nodes;
using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>People decide: cards, presses, forms and typed words over HTTP with the real processes.</summary>
public sealed class ApprovalTests(OpenHouse house) : IClassFixture<OpenHouse>
{
    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Fact]
    public async Task What_needs_approval_is_given_when_an_approver_presses_and_nobody_else_can()
    {
        var (id, card) = await AskedAsync("INC-4711 approve me");
        Assert.Contains("update (status, updated_at) on table public.orders", SlackUser.Words(card), StringComparison.Ordinal);
        Assert.Contains("you are not among them", await It.SayAsync(SlackUser.Sam, $"approve {id}", "decide"), StringComparison.Ordinal);
        Assert.Contains("somebody else has to decide", await It.SayAsync(SlackUser.Erin, $"approve {id}", "somebody else"), StringComparison.Ordinal);
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Dana, card, "approve_grant");

        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id, before);
        Assert.True(await It.CanLogInAsync(credential));
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Erin, $"you gave it back ({id})", before);
    }

    [Fact]
    public async Task A_no_with_its_reason_comes_to_whoever_asked()
    {
        var (id, card) = await AskedAsync("INC-4712 deny me");
        await It.CloseFormsAsync(SlackUser.Dana);
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Dana, card, "deny_grant");
        var form = await It.FormAsync(SlackUser.Dana);
        await It.Users.SubmitAsync((string)form["id"]!, ("reason", "read is enough for that"));

        Assert.Contains("read is enough for that", SlackUser.Words(await It.HearAsync(SlackUser.Erin, $"was denied ({id})", before)), StringComparison.Ordinal);
        // The line below the card names it, too, and may come between.
        Assert.Contains(id, await It.SayAsync(SlackUser.Dana, $"approve {id}", "denied"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Less_is_offered_and_taken_with_one_press()
    {
        var (id, card) = await AskedAsync("INC-4713 offer me less");
        await It.CloseFormsAsync(SlackUser.Dana);
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Dana, card, "offer_less");
        var form = await It.FormAsync(SlackUser.Dana);
        await It.Users.SubmitAsync((string)form["id"]!, ("scope", "fix-orders"), ("only", ""), ("duration", "5m"), ("reason", ""));
        var offer = await It.HearAsync(SlackUser.Erin, $"offers less for {id}", before);
        await It.Users.PressAsync(SlackUser.Erin, offer, "accept_offer");

        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id, before);
        Assert.True(await It.CanLogInAsync(credential));
        Assert.Matches("5m left|4m.* left", await It.SayAsync(SlackUser.Erin, "mine", id));
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    private async Task<(string Id, JsonObject Card)> AskedAsync(string reason)
    {
        var before = await It.NowAsync(SlackUser.Dana);
        var id = Deeds.IdIn(await It.SayAsync(SlackUser.Erin, $"orders fix-orders 1h because {reason}", "waits for 1 of dba"));
        return (id, await It.HearAsync(SlackUser.Dana, id, before));
    }
}
