using System.Text.Json;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Tests.Slack;

/// <summary>Request forms as somebody could send them who does not use ours, or not any more.</summary>
public sealed class BadFormTests
{
    [Fact]
    public async Task A_form_for_a_database_that_is_gone_says_so_beside_the_database_and_files_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Form("billing", "C0GENERAL\nbilling\nread\n"));

        var errors = SlackHouse.Json(await answer.Content.ReadAsStringAsync()).GetProperty("errors");
        Assert.Contains("There is no database billing", errors.GetProperty("database").GetString(), StringComparison.Ordinal);
        Assert.Empty(house.Inbox.Stored);
        Assert.Empty(house.Store.Stored);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n\n\n\n\n")]
    [InlineData("C0GENERAL\norders\nread\n{\"for\":5}")]
    [InlineData("C0GENERAL\norders\nread\n{\"startsAt\":\"yesterday\"}")]
    [InlineData("C0GENERAL\norders\nread\n[]")]
    [InlineData("C0GENERAL\norders\nread\n{\"for\":\"not a person\",\"another\":true}")]
    [InlineData("C0OTHER\nbilling\nmigrate\n{\"database\":\"billing\",\"scope\":\"migrate\",\"duration\":\"400d\",\"reason\":\"x\",\"only\":\"a\"}")]
    [InlineData("long")]
    public async Task What_comes_back_with_a_form_is_no_authority_whatever_it_holds(string context)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Form("orders", context == "long" ? new string('x', 3_000) : context));
        await house.IdleAsync();

        Assert.Equal((200, ""), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        // What was filled in, for whoever filled it in.
        var grant = Assert.Single(house.Store.Stored);
        Assert.Equal((SlackHouse.Erin, "orders", "read", TimeSpan.FromMinutes(30)), (grant.Requester, grant.Target.Name.Value, grant.Scope.Name.Value, grant.Duration));
    }

    [Theory]
    [InlineData("{\"breakGlass\":true}")]
    [InlineData("{\"startsAt\":\"2030-01-01T00:00:00Z\"}")]
    public async Task What_a_forged_form_asks_for_is_judged_like_what_is_typed(string besides)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Form("orders", $"C0GENERAL\norders\nread\n{besides}"));
        await house.IdleAsync();

        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task An_instant_beside_a_field_is_told_by_the_clock_of_whoever_fills_it_in()
    {
        var until = DateTimeOffset.FromUnixTimeSeconds(SlackHouse.Now).AddDays(3);
        await using var house = await SlackHouse.OpenAsync(
            policy: usual => usual with { Forbid = [new ForbidRule("freeze", new RuleSubject(["everyone"], ["*"], ["*"]), null, until)] });
        house.People.In(SlackHouse.Erin, "Asia/Tokyo");

        using var answer = await house.PayloadAsync(Form("orders", "C0GENERAL\norders\nread\n"));

        var errors = SlackHouse.Json(await answer.Content.ReadAsStringAsync()).GetProperty("errors");
        Assert.Contains("forbidden until 2026-01-04 09:00 (Asia/Tokyo) (rule freeze)", errors.GetProperty("scope").GetString(), StringComparison.Ordinal);
    }

    private static string Form(string database, string context) => JsonSerializer.Serialize(new
    {
        type = "view_submission", user = new { id = "U0ENGINE1", team_id = "T0DBACME1" }, api_app_id = "A0DBACCS1", team = new { id = "T0DBACME1" },
        view = new
        {
            id = "V0FORM001", callback_id = "request_grant", private_metadata = context,
            state = new
            {
                values = new Dictionary<string, object>
                {
                    ["database"] = new { value = new { type = "static_select", selected_option = new { value = database } } },
                    ["scope"] = new { value = new { type = "static_select", selected_option = new { value = "read" } } },
                    ["duration"] = new { value = new { type = "plain_text_input", value = "30m" } },
                    ["reason"] = new { value = new { type = "plain_text_input", value = "INC-4711 stuck orders" } },
                },
            },
        },
    });
}
