using System.Text.Json.Nodes;
using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>Access from asking to gone, and every way to end it, over HTTP with the real processes.</summary>
public sealed class StoryTests(OpenHouse house) : IClassFixture<OpenHouse>
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
    public async Task The_whole_story_is_as_the_demo_tells_it()
    {
        House.RequirePostgres();
        await using var own = await House.OpenAsync();
        var told = new StringWriter();

        Assert.True(await Smoke.PlayAsync(own, told, TimeSpan.FromSeconds(20)), told.ToString());

        await own.ConvergesAsync();
        await own.HoldsNoSecretAsync();
    }

    [Fact]
    public async Task A_message_to_the_app_asks_like_a_command()
    {
        var before = await It.NowAsync(SlackUser.Erin);
        await It.Users.WriteAsync(SlackUser.Erin, "create-db-user orders read 30s because of a message");

        var id = Deeds.IdIn(SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before)));
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await It.CanLogInAsync(credential));

        var ended = SlackUser.Words(await It.HearAsync(SlackUser.Erin, $"has ended: its time was over ({id})"));
        Assert.Contains("The role is gone, and that was checked", ended, StringComparison.Ordinal);
        Assert.False(await It.CanLogInAsync(credential));
    }

    [Fact]
    public async Task The_slash_command_create_db_user_asks_like_the_other_one()
    {
        var id = await It.AskAsync(SlackUser.Sam, "30s read on archive because of a second database", "/create-db-user");

        var (credential, message) = await It.CredentialAsync(SlackUser.Sam, id);
        Assert.Equal("archive", credential.Database);
        Assert.True(await It.CanLogInAsync(credential));
        Assert.DoesNotContain(credential.Password, (string?)message["text"] ?? "", StringComparison.Ordinal);
        Assert.Contains("access ends now", await It.SayAsync(SlackUser.Sam, $"done {id}", id), StringComparison.Ordinal);
        await It.HearAsync(SlackUser.Sam, $"you gave it back ({id})");
    }

    [Fact]
    public async Task Mine_and_list_show_what_is_live_and_done_ends_it()
    {
        var first = await It.AskAsync(SlackUser.Erin, "orders read 5m because of the list");
        var second = await It.AskAsync(SlackUser.Erin, "orders peek 1m because of the list too");
        var (one, _) = await It.CredentialAsync(SlackUser.Erin, first);
        var (two, _) = await It.CredentialAsync(SlackUser.Erin, second);
        await Patience.UntilAsync(async () => await It.StatusAsync(first) == "active" && await It.StatusAsync(second) == "active", "both are active");

        var mine = await It.SayAsync(SlackUser.Erin, "mine", "Your grants");
        Assert.Contains($"{first} read on orders", mine, StringComparison.Ordinal);
        Assert.Contains($"{second} peek on orders", mine, StringComparison.Ordinal);
        var live = await It.SayAsync(SlackUser.Dana, "list orders", "Live grants");
        Assert.Contains(first, live, StringComparison.Ordinal);
        Assert.Contains("erin", live, StringComparison.Ordinal);

        // Somebody else's grant cannot be given back; one's own can, and the other stays.
        Assert.Contains("somebody else's", await It.SayAsync(SlackUser.Dana, $"done {first}", first), StringComparison.Ordinal);
        Assert.Contains("access ends now", await It.SayAsync(SlackUser.Erin, $"done {first.ToLowerInvariant()}", first), StringComparison.Ordinal);
        await It.HearAsync(SlackUser.Erin, $"you gave it back ({first})");
        Assert.False(await It.CanLogInAsync(one));
        Assert.True(await It.CanLogInAsync(two));

        Assert.Contains(second, await It.SayAsync(SlackUser.Erin, "done all", "access ends now"), StringComparison.Ordinal);
        await It.HearAsync(SlackUser.Erin, $"you gave it back ({second})");
        Assert.False(await It.CanLogInAsync(two));
        Assert.Contains("nothing to give back", await It.SayAsync(SlackUser.Erin, "done all", "no open grants"), StringComparison.Ordinal);
        Assert.Contains("has ended already", await It.SayAsync(SlackUser.Erin, $"done {second}", second), StringComparison.Ordinal);
        Assert.Contains("There is no grant", await It.SayAsync(SlackUser.Erin, "done KKKK-KK", "KKKK-KK"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_button_of_the_credentials_message_gives_access_back()
    {
        var id = await It.AskAsync(SlackUser.Sam, "orders read 5m because of the button");
        var (credential, message) = await It.CredentialAsync(SlackUser.Sam, id);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "active", "it is active");
        var before = await It.NowAsync(SlackUser.Sam);

        var pressed = await It.Users.PressAsync(SlackUser.Sam, message, "return_grant");

        Assert.Equal(200, (int?)pressed["status"]);
        await It.HearAsync(SlackUser.Sam, $"{id}: access ends now", before);
        await It.HearAsync(SlackUser.Sam, $"you gave it back ({id})", before);
        Assert.False(await It.CanLogInAsync(credential));
        Assert.Empty(await It.CredentialsInSlackAsync(SlackUser.Sam, id));
    }

    [Fact]
    public async Task Only_who_may_approve_may_revoke_and_the_holder_is_told()
    {
        var id = await It.AskAsync(SlackUser.Erin, "orders read 5m because of the revocation");
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "active", "it is active");

        Assert.Contains("Only dba may end", await It.SayAsync(SlackUser.Sam, $"revoke {id} I do not like it", "Only dba"), StringComparison.Ordinal);
        Assert.Contains("Say why", await It.SayAsync(SlackUser.Dana, $"revoke {id}", "Say why"), StringComparison.Ordinal);
        Assert.True(await It.CanLogInAsync(credential));

        Assert.Contains("your reason is on the audit record", await It.SayAsync(SlackUser.Dana, $"revoke {id} the laptop was stolen", id), StringComparison.Ordinal);
        await It.HearAsync(SlackUser.Erin, $"it was revoked ({id})");
        Assert.False(await It.CanLogInAsync(credential));
        Assert.Contains("Revoked: the laptop was stolen", await It.AskStoreAsync("SELECT note FROM events WHERE type = 'grant.revoking' AND note LIKE 'Revoked%'"));
    }

    [Fact]
    public async Task A_scope_gives_what_it_says_and_nothing_else()
    {
        var id = await It.AskAsync(SlackUser.Sam, "orders peek 30s because of the privileges");
        var (credential, _) = await It.CredentialAsync(SlackUser.Sam, id);

        await using var session = new Npgsql.NpgsqlConnection(It.ConnectionStringFor(credential));
        await session.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Null(await StateOfAsync(session, "SELECT count(*) FROM public.orders"));
        foreach (var refused in (string[])
                 [
                     "SELECT count(*) FROM public.customers", "DELETE FROM public.orders", "CREATE SCHEMA mine", "SELECT * FROM internal.payment_tokens",
                     "CREATE ROLE friend", "SET ROLE orders_owner",
                 ])
        {
            Assert.Equal("42501", await StateOfAsync(session, refused));
        }

        await It.SayAsync(SlackUser.Sam, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Sam, $"you gave it back ({id})");
    }

    private static async Task<string?> StateOfAsync(Npgsql.NpgsqlConnection session, string sql)
    {
        try
        {
            await using var command = new Npgsql.NpgsqlCommand(sql, session);
            await command.ExecuteNonQueryAsync();
            return null;
        }
        catch (Npgsql.PostgresException refused)
        {
            return refused.SqlState;
        }
    }
}
