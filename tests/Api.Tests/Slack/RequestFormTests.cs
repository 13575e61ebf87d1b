using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Words;
using DbAccess.Api.Slack;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.TestKit;

namespace DbAccess.Api.Tests.Slack;

public sealed class RequestFormTests
{
    [Fact]
    public void The_form_is_filled_with_what_was_said_and_the_rest_with_the_rules_own()
    {
        var form = RequestForm.Draw(SomeOffers.Usual, new Draft("billing", null, null, "stuck"), "C1");

        Assert.Equal("C1", RequestForm.ChannelIn(form.Context));
        Assert.Equal(("billing", "read"), RequestForm.ChosenIn(form.Context));
        Assert.Empty(form.Intro);
        Assert.Equal(("billing", "read", "1h", "stuck"), (Chosen(form, RequestForm.Database), Chosen(form, RequestForm.Scope), Initial(form, RequestForm.Duration), Initial(form, RequestForm.Reason)));
    }

    [Theory]
    [InlineData("payroll", null, "payroll")]
    [InlineData("orders", "migrate", "migrate")]
    public void What_was_asked_for_and_is_not_offered_is_said_and_not_silently_replaced(string database, string? scope, string named) =>
        Assert.Contains(named, Assert.IsType<ChatPart.Text>(Assert.Single(RequestForm.Draw(SomeOffers.Usual, new Draft(database, scope, null, null), null).Intro)).Words, StringComparison.Ordinal);

    [Fact]
    public void A_length_that_is_written_too_long_for_its_field_is_written_shorter()
    {
        var form = RequestForm.Draw(SomeOffers.Usual, new Draft("orders", "read", "000000d000001h0000001m000000001s", null), null);

        Assert.Equal("1h1m1s", Initial(form, RequestForm.Duration));
        Assert.Empty(form.Intro);
    }

    [Fact]
    public void A_length_beyond_the_rules_longest_is_cut_and_that_is_said()
    {
        var form = RequestForm.Draw(SomeOffers.Usual, new Draft("orders", "read", "12h", null), null);

        Assert.Equal("4h", Initial(form, RequestForm.Duration));
        Assert.Contains("12h is too long for read on orders: the longest is 4h", Assert.IsType<ChatPart.Text>(Assert.Single(form.Intro)).Words, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "Read tables", "You would get: select on tables in schema public.", "Now, without approval (rule rule-1).")]
    [InlineData("select on 3 tables", "Read tables", "You would get: select on 3 tables.", "Now, without approval (rule rule-1).")]
    [InlineData("select on 3 tables", null, "You would get: select on 3 tables.", "1 of dba, then 2 of security will be asked (rule rule-1).")]
    public void What_the_choices_come_to_stands_below_them(string? gives, string? rules, string get, string who)
    {
        var offers = SomeOffers.Of([("orders", ["read"])]);
        var scope = offers.Databases[0].Scopes[0] with
        {
            Privileges = rules is null ? [] : Some.ReadScope().Privileges,
            Approval = rules is null ? new Approval([new ApprovalStage(1, ["dba"]), new ApprovalStage(2, ["security"])], TimeSpan.FromHours(1), null) : null,
        };
        offers = offers with { Databases = [offers.Databases[0] with { Scopes = [scope] }] };

        var outro = RequestForm.Draw(offers, new Draft("orders", "read", "2h", null), null, new FormPreviewed(Some.Now, gives)).Outro;

        Assert.Equal($"{get}\n{who}", Assert.Single(outro.OfType<ChatPart.Text>()).Words);
        Assert.Equal(Some.Now.AddHours(2), Assert.Single(outro.OfType<ChatPart.When>()).At);
    }

    [Theory]
    [InlineData("", 3, "internal.orders")]
    [InlineData("ord", 3, "internal.orders")]
    [InlineData("public.ord", 2, "public.order_items")]
    [InlineData("items", 1, "public.order_items")]
    [InlineData("x", 0, null)]
    public void Tables_are_found_by_a_part_of_their_name(string typed, int count, string? first)
    {
        string[] names = ["internal.orders", "public.order_items", "public.orders", $"public.{new string('x', 70)}"];

        var found = RequestForm.SuggestTables(names, typed);

        Assert.Equal((count, first), (found.Count, found is [var best, ..] ? best.Value : null));
    }

    [Theory]
    [InlineData("Public.Orders ", "public.orders")]
    [InlineData("public.my-table", "")]
    [InlineData("a, b", "")]
    public void Where_nobody_can_look_one_table_is_taken_as_it_is_typed(string typed, string expected) =>
        Assert.Equal(expected, string.Join(' ', RequestForm.AsTyped(typed).Select(option => option.Value)));

    [Fact]
    public void What_was_chosen_for_one_database_is_not_kept_for_another()
    {
        var filled = new Draft("billing", "read", "2h", "why", "public.orders");

        Assert.Equal(new Draft("billing", null, null, "why"), RequestForm.After(filled, RequestForm.Database));
        Assert.Equal(filled, RequestForm.After(filled, RequestForm.Scope));
        Assert.Equal(filled, RequestForm.After(filled, RequestForm.Only));
    }

    [Fact]
    public void Beyond_a_hundred_databases_one_searches_and_the_chosen_one_is_there()
    {
        static ChatForm Drawn(int count) => RequestForm.Draw(Many(count), new Draft($"db{count - 1}", null, null, null), null);

        var menu = Assert.IsType<FormField.Choice>(Drawn(100).Fields.Single(field => field.Key == RequestForm.Database));
        Assert.Equal((100, "db99"), (menu.Options.Count, menu.Chosen));
        var search = Assert.IsType<FormField.Search>(Drawn(101).Fields.Single(field => field.Key == RequestForm.Database));
        Assert.Equal("db100", Assert.Single(search.Chosen).Value);
        Assert.True(search.Redraws);
    }

    [Theory]
    [InlineData("", 100, "db0")]
    [InlineData("db14", 11, "db14")]
    [InlineData(" DB14 ", 11, "db14")]
    [InlineData("49", 2, "db149")]
    [InlineData("%", 0, null)]
    [InlineData("payroll", 0, null)]
    public void What_begins_with_what_was_typed_is_suggested_first(string typed, int count, string? first)
    {
        var found = RequestForm.Suggest(Many(150), typed);

        Assert.Equal((count, first), (found.Count, found is [var best, ..] ? best.Value : null));
    }

    private static Offers Many(int count) => SomeOffers.Of([.. Enumerable.Range(0, count).Select(i => ($"db{i}", new[] { "read" }))]);

    [Theory]
    [InlineData("orders", "read", "30m", "x", "")]
    [InlineData("orders", "read", " 30m ", " x ", "")]
    [InlineData(null, "read", "30m", "x", "database")]
    [InlineData("orders", null, "30m", "x", "scope")]
    [InlineData("orders", "read", null, "x", "duration")]
    [InlineData("orders", "read", "0m", "x", "duration")]
    [InlineData("orders", "read", "forever", "x", "duration")]
    [InlineData("orders", "read", "30m", " \n ", "reason")]
    [InlineData(null, null, null, null, "database duration reason scope")]
    public void Every_mistake_is_named_by_its_field(string? database, string? scope, string? length, string? reason, string faults)
    {
        var (request, found) = RequestForm.Read(new Draft(database, scope, length, reason));

        Assert.Equal(faults, string.Join(' ', found.Keys.Order(StringComparer.Ordinal)));
        Assert.Equal(faults.Length == 0, request is not null);
    }

    [Theory]
    [InlineData("scope.not_in_scope", "only")]
    [InlineData("scope.not_narrowed", "only")]
    [InlineData("scope.which_schema", "only")]
    [InlineData("policy.too_long", "duration")]
    [InlineData("policy.too_short", "duration")]
    [InlineData("policy.reason_too_short", "reason")]
    [InlineData("policy.ticket", "reason")]
    [InlineData("request.invalid", "reason")]
    [InlineData("policy.unknown_database", "database")]
    [InlineData("directory.guest", "database")]
    [InlineData("policy.no_rule", "scope")]
    [InlineData("approval.nobody", "scope")]
    public void A_refusal_stands_beside_the_field_it_is_about(string code, string field) => Assert.Equal(field, RequestForm.FieldOf(new Error(code, "x")));

    [Theory]
    [InlineData(null, "")]
    [InlineData("  \n ", "")]
    [InlineData("public.orders, items", "public.orders items")]
    [InlineData("public.orders\nPublic.\"Order Items\"\n", "public.orders public.\"Order Items\"")]
    public void Tables_may_be_named_in_the_form(string? typed, string tables)
    {
        var (request, faults) = RequestForm.Read(new Draft("orders", "read", "30m", "x", typed));

        Assert.Empty(faults);
        Assert.Equal(tables, string.Join(' ', request!.Only));
    }

    [Theory]
    [InlineData("public.my-table")]
    [InlineData("public.orders_*")]
    [InlineData("\"open")]
    public void What_is_no_list_of_tables_is_said_beside_its_field(string typed)
    {
        var (request, faults) = RequestForm.Read(new Draft("orders", "read", "30m", "x", typed));

        Assert.Null(request);
        Assert.Equal(RequestForm.Only, Assert.Single(faults).Key);
    }

    [Fact]
    public void The_field_for_tables_may_stay_empty_and_shows_what_was_typed()
    {
        static FormField.Search Search(string? typed) =>
            RequestForm.Draw(SomeOffers.Usual, new Draft("orders", null, null, null, typed), null).Fields.OfType<FormField.Search>().Single(field => field.Key == RequestForm.Only);

        Assert.Empty(Search(null).Chosen);
        Assert.Equal(["public.orders", "items"], Search("public.orders, items").Chosen.Select(option => option.Value));
        Assert.True(Search(null).Optional);
    }

    [Theory]
    [InlineData("public.my-table")]
    [InlineData("public.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, long_schema_name_here.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void Tables_that_no_choice_can_hold_stay_as_they_were_typed(string typed)
    {
        var form = RequestForm.Draw(SomeOffers.Usual, new Draft("orders", null, null, null, typed), null);

        Assert.Equal(typed, Initial(form, RequestForm.Only));
    }

    [Fact]
    public void A_scope_that_acts_as_an_owner_says_so_where_it_is_chosen()
    {
        var offers = SomeOffers.Of([("orders", ["migrate"])]);
        var scope = offers.Databases[0].Scopes[0] with { RunAs = "orders_owner", HighRisk = true };
        offers = offers with { Databases = [offers.Databases[0] with { Scopes = [scope] }] };

        var option = Assert.Single(RequestForm.Draw(offers, Draft.Empty, null).Fields.OfType<FormField.Choice>().Single(field => field.Key == RequestForm.Scope).Options);

        Assert.Equal("migrate (high risk)", option.Label);
        Assert.StartsWith("Acts as the owner orders_owner", option.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void A_draft_comes_back_from_a_button_as_it_was()
    {
        var draft = new Draft("orders", null, "30m", "a \"b\" <c> 🔑\n`d`", "public.\"Order Items\"");
        Assert.Equal(draft, DraftJson.Read(DraftJson.Write(draft)));
    }

    private static string? Chosen(ChatForm form, string key) => form.Fields.OfType<FormField.Choice>().First(field => field.Key == key).Chosen;

    private static string? Initial(ChatForm form, string key) => form.Fields.OfType<FormField.Text>().First(field => field.Key == key).Initial;
}
