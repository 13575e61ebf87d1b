namespace DbAccess.EndToEnd.Tests;

/// <summary>A policy with more databases than a menu holds; only one of them is there.</summary>
public sealed class ManyDatabases : House
{
    protected override string Policy => $$"""
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read] }
        {{string.Join('\n', Enumerable.Range(0, 150).Select(i => $"  shop-{i:D3}: {{ cluster: orders-prod, database: shop_{i:D3}, scopes: [read] }}"))}}
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
        groups:
          dba: { users: [U0DBA0001] }
        allow:
          - { id: all-read, who: [everyone], databases: [orders, shop-149], scopes: [read], lifetime: {default: 20s, max: 4h}, approval: none }
          - { id: dba-read, who: [dba], databases: ["*"], scopes: [read], lifetime: {default: 20s, max: 4h}, approval: none }

        """;
}

/// <summary>Searching a form, as Slack's client does it.</summary>
public sealed class SearchTests(ManyDatabases house) : IClassFixture<ManyDatabases>
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
    public async Task Whoever_may_ask_for_many_databases_searches_for_one_and_gets_it()
    {
        await It.Users.CommandAsync(SlackUser.Dana, "");
        var form = await It.FormAsync(SlackUser.Dana);
        var view = (string)form["id"]!;
        Assert.Equal("external_select", (string?)Deeds.Field(form, "database")["element"]!["type"]);

        Assert.Equal(["shop-014", "shop-114", "shop-140"], (await It.Users.SuggestAsync(view, "database", "14")).Take(3));
        Assert.Equal(["orders"], await It.Users.SuggestAsync(view, "database", "orders"));
        Assert.Equal(100, (await It.Users.SuggestAsync(view, "database", "")).Count);

        var sent = await It.Users.SubmitAsync(
            view, ("database", "orders"), ("scope", "read"), ("duration", "20s"), ("reason", "INC-4711 searching"));
        Assert.Equal("closed", (string?)sent["outcome"]);
        var said = SlackUser.Words(await It.HearAsync(SlackUser.Dana, "is allowed"));
        var (credential, _) = await It.CredentialAsync(SlackUser.Dana, Deeds.IdIn(said));
        Assert.Equal("orders", credential.Database);
    }

    [Fact]
    public async Task Nobody_is_told_of_databases_that_they_may_not_ask_for()
    {
        await It.Users.CommandAsync(SlackUser.Sam, "");
        var form = await It.FormAsync(SlackUser.Sam);

        // Two fit into a menu.
        Assert.Equal(["orders", "shop-149"], Deeds.OptionsOf(form, "database"));
        await Deeds.CloseFormsAsync(It, SlackUser.Sam);
    }
}
