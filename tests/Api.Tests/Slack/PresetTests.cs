using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>A request kept under a name, from its button to the request that it files.</summary>
public sealed class PresetTests
{
    [Fact]
    public async Task What_is_kept_stands_on_the_page_and_one_press_asks_for_it()
    {
        await using var house = await SlackHouse.OpenAsync();
        await PressAsync(house, "keep_preset", (await EndedAsync(house)).ToString());
        var form = Assert.Single(house.Forms.Opened);
        Assert.Equal("keep_preset", form.Kind);
        Assert.Equal("name", Assert.Single(form.Fields).Key);

        await SubmitAsync(house, form.Context, "the usual");
        Assert.Contains("Kept as \"the usual\"", house.Chat.Replies[^1].Message.Summary, StringComparison.Ordinal);

        var page = await PageAsync(house);
        Assert.Contains("the usual: read on orders for 1h · because INC-4711", FakeChat.Words(page), StringComparison.Ordinal);
        var (file, drop) = (Button(page, "file_preset"), Button(page, "drop_preset"));

        await PressAsync(house, "file_preset", file.Value, at: "2");
        Assert.Equal(2, house.Store.Stored.Count);
        Assert.All(house.Store.Stored, grant => Assert.Equal("INC-4711 stuck orders", grant.Reason));

        await PressAsync(house, "drop_preset", drop.Value, at: "3");
        await PressAsync(house, "file_preset", file.Value, at: "4");
        Assert.Contains("gone", house.Chat.Replies[^1].Message.Summary, StringComparison.Ordinal);
        Assert.Equal(2, house.Store.Stored.Count);
    }

    [Fact]
    public async Task Pressed_twice_it_is_asked_for_once()
    {
        await using var house = await SlackHouse.OpenAsync();
        await PressAsync(house, "keep_preset", (await EndedAsync(house)).ToString());
        await SubmitAsync(house, house.Forms.Opened[0].Context, "the usual");
        var key = Button(await PageAsync(house), "file_preset").Value;

        await PressAsync(house, "file_preset", key, at: "2");
        await PressAsync(house, "file_preset", key, at: "3");

        Assert.Single(house.Store.Stored, grant => grant.EndedAt is null);
        Assert.Contains("already", FakeChat.Words(house.Chat.Replies[^1].Message), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_policy_of_the_moment_decides_and_not_what_was_given_once()
    {
        await using var house = await SlackHouse.OpenAsync();
        var grant = Some.Active(house.Clock.GetUtcNow());
        // As it was under a policy that allowed it.
        grant = new Grant(grant.State with { Scope = grant.State.Scope with { Name = Domain.Scopes.ScopeName.Parse("migrate")! } });
        await house.Store.AddAsync(grant, TestContext.Current.CancellationToken);
        await PressAsync(house, "keep_preset", grant.Id.ToString());
        await SubmitAsync(house, house.Forms.Opened[0].Context, "migrate");

        await PressAsync(house, "file_preset", Button(await PageAsync(house), "file_preset").Value, at: "2");

        Assert.Single(house.Store.Stored);
        Assert.Contains("migrate", house.Chat.Replies[^1].Message.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_elses_grant_is_not_kept_and_a_name_has_to_be_one()
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house, Some.OtherEngineer);

        await PressAsync(house, "keep_preset", id.ToString());
        Assert.Empty(house.Forms.Opened);
        // A form that was put together by hand goes no further.
        await SubmitAsync(house, $"{id}\n", "mine");
        Assert.DoesNotContain("Kept", house.Chat.Replies[^1].Message.Summary, StringComparison.Ordinal);
        Assert.DoesNotContain("file_preset", FakeChat.Words(await PageAsync(house)), StringComparison.Ordinal);

        var own = await LiveAsync(house);
        Assert.Contains("A name is", await SubmitAsync(house, $"{own}\n", new string('x', 41), "V2"), StringComparison.Ordinal);
        Assert.Contains("A name is", await SubmitAsync(house, $"{own}\n", "  ", "V3"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_is_kept_from_the_form_that_asks_for_it_once_it_is_filed()
    {
        await using var house = await SlackHouse.OpenAsync();

        Assert.Equal("", await AskAsync(house, "  the usual ", "V1"));

        var said = FakeChat.Words(house.Chat.Replies[^1].Message);
        Assert.Contains("is allowed", said, StringComparison.Ordinal);
        Assert.Contains("Kept as \"the usual\"", said, StringComparison.Ordinal);
        Assert.Contains("the usual: read on orders for 30m · because INC-4711", FakeChat.Words(await PageAsync(house)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a name that is longer than what stands on a button is", "on one line")]
    [InlineData("two\u0007", "on one line")]
    public async Task A_name_that_is_none_is_said_beside_its_field_and_nothing_is_filed(string name, string why)
    {
        await using var house = await SlackHouse.OpenAsync();

        var errors = SlackHouse.Json(await AskAsync(house, name, "V1")).GetProperty("errors");

        Assert.Contains(why, errors.GetProperty("preset").GetString(), StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task Without_a_name_and_when_there_is_no_room_the_request_is_filed_all_the_same()
    {
        await using var house = await SlackHouse.OpenAsync();
        await AskAsync(house, null, "V0");
        Assert.DoesNotContain("Kept", FakeChat.Words(house.Chat.Replies[^1].Message), StringComparison.Ordinal);
        foreach (var n in Enumerable.Range(0, 10))
        {
            await PressAsync(house, "keep_preset", house.Store.Stored[0].Id.ToString(), $"{n}");
            await SubmitAsync(house, $"{house.Store.Stored[0].Id}\n", $"preset {n}", $"VN{n}");
        }

        await house.Store.SaveAsync(new Grant(house.Store.Stored[0] with { Status = GrantStatus.Ended, EndedAt = house.Clock.GetUtcNow() }), TestContext.Current.CancellationToken);
        await AskAsync(house, "one too many", "V2");

        Assert.Equal(2, house.Store.Stored.Count);
        Assert.Contains("which is all there is room for", FakeChat.Words(house.Chat.Replies[^1].Message), StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(SlackHouse house, string? name, string id)
    {
        var values = new Dictionary<string, object>
        {
            ["database"] = new { value = new { type = "static_select", selected_option = new { value = "orders" } } },
            ["scope"] = new { value = new { type = "static_select", selected_option = new { value = "read" } } },
            ["duration"] = new { value = new { type = "plain_text_input", value = "30m" } },
            ["reason"] = new { value = new { type = "plain_text_input", value = "INC-4711 stuck orders" } },
            ["preset"] = new { value = new { type = "plain_text_input", value = name } },
        };
        using var answer = await house.PayloadAsync(JsonSerializer.Serialize(new
        {
            type = "view_submission", user = new { id = "U0ENGINE1", team_id = "T0DBACME1" }, api_app_id = "A0DBACCS1", team = new { id = "T0DBACME1" },
            view = new { id, callback_id = "request_grant", private_metadata = "C0GENERAL\norders\nread\n", state = new { values } },
        }));
        await house.IdleAsync();
        return await answer.Content.ReadAsStringAsync();
    }

    private static ChatButton Button(ChatMessage page, string action) =>
        page.Parts.OfType<ChatPart.Buttons>().SelectMany(row => row.Items).First(button => button.Action == action);

    private static async Task<ChatMessage> PageAsync(SlackHouse house)
    {
        var before = house.Home.Published.Count;
        await house.EventAsync("""{"type":"event_callback","team_id":"T0DBACME1","api_app_id":"A0DBACCS1","event_id":"Ev0HOME%","event_time":1767225600,"event":{"type":"app_home_opened","user":"U0ENGINE1","channel":"D0ENGDM01","tab":"home","event_ts":"1767225600.000100"}}""".Replace("%", before.ToString(), StringComparison.Ordinal));
        await house.UntilAsync(() => house.Home.Published.Count > before, "the page is drawn", advance: true);
        return house.Home.Of(SlackHouse.Erin)!;
    }

    private static async Task<GrantId> LiveAsync(SlackHouse house, PrincipalId? holder = null)
    {
        var grant = Some.Active(house.Clock.GetUtcNow(), requester: holder);
        await house.Store.AddAsync(grant, TestContext.Current.CancellationToken);
        return grant.Id;
    }

    private static async Task<GrantId> EndedAsync(SlackHouse house)
    {
        var grant = Some.Active(house.Clock.GetUtcNow());
        await house.Store.AddAsync(new Grant(grant.State with { Status = GrantStatus.Ended, EndedAt = house.Clock.GetUtcNow() }), TestContext.Current.CancellationToken);
        return grant.Id;
    }

    private static async Task<string> SubmitAsync(SlackHouse house, string context, string name, string id = "V1")
    {
        var view = new
        {
            type = "view_submission", user = new { id = "U0ENGINE1", team_id = "T0DBACME1" }, api_app_id = "A0DBACCS1", team = new { id = "T0DBACME1" },
            view = new { id, callback_id = "keep_preset", private_metadata = context, state = new { values = new { name = new { value = new { type = "plain_text_input", value = name } } } } },
        };
        using var answer = await house.PayloadAsync(JsonSerializer.Serialize(view));
        await house.IdleAsync();
        return await answer.Content.ReadAsStringAsync();
    }

    private static async Task PressAsync(SlackHouse house, string action, string value, string at = "1")
    {
        using var answer = await house.PayloadAsync($$$"""{"type":"block_actions","user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"api_app_id":"A0DBACCS1","container":{"type":"view","view_id":"V0HOME1"},"trigger_id":"9002.2001.bbbb000{{{at}}}","team":{"id":"T0DBACME1"},"actions":[{"action_id":"{{{action}}}","value":{{{JsonSerializer.Serialize(value)}}},"type":"button","action_ts":"176722559{{{at}}}.1"}]}""");
        await house.IdleAsync();
    }
}
