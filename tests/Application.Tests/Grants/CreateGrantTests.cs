using DbAccess.Application.Grants;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

public sealed class CreateGrantTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task What_a_rule_allows_is_on_record_and_on_its_way()
    {
        var filed = await _stage.First.SendAsync(Stage.Ask(duration: TimeSpan.FromMinutes(30), reason: "  INC-4711 stuck orders \n"));

        var grant = _stage.Of(filed.Value.Id);
        Assert.Equal((GrantStatus.Approved, "oncall-read", "hash-of-the-policy", "INC-4711 stuck orders", "erin"), (grant.Status, grant.Rule, grant.PolicyHash, grant.Reason, grant.Handle));
        Assert.Equal(TimeSpan.FromMinutes(30), grant.Duration);
        Assert.Equal([grant.Id], _stage.Dispatched);
        Assert.Empty(_stage.Roles.Makes);
    }

    [Fact]
    public async Task Without_a_length_the_rule_says_how_long() =>
        Assert.Equal(TimeSpan.FromHours(1), (await _stage.First.SendAsync(Stage.Ask())).Value.Duration);

    [Fact]
    public async Task The_same_request_done_twice_makes_one_grant()
    {
        var first = await _stage.First.SendAsync(Stage.Ask(key: "command:1"));
        var second = await _stage.Start().SendAsync(Stage.Ask(key: "command:1"));

        Assert.Equal(first.Value, second.Value);
        Assert.Single(_stage.Store.Stored);
        Assert.Equal([first.Value.Id, first.Value.Id], _stage.Dispatched);
    }

    [Fact]
    public async Task An_id_that_an_unrelated_grant_has_is_passed_over_each_time()
    {
        var others = Grant.RequestAllowed(GrantId.Derive("command:1", 0), Some.Installation, Some.Request(), _stage.Now);
        await _stage.Store.AddAsync(others, TestContext.Current.CancellationToken);

        var first = await _stage.First.SendAsync(Stage.Ask(key: "command:1"));
        var second = await _stage.First.SendAsync(Stage.Ask(key: "command:1"));

        Assert.Equal(GrantId.Derive("command:1", 1), first.Value.Id);
        Assert.Equal(first.Value, second.Value);
        Assert.Equal(2, _stage.Store.Stored.Count);
    }

    [Fact]
    public async Task A_request_that_died_right_after_its_record_finds_it_again()
    {
        Assert.True(await _stage.First.DiesAtAsync("after GrantStore.Add", () => _stage.First.SendAsync(Stage.Ask(key: "command:1"))));
        Assert.Single(_stage.Store.Stored);

        var again = await _stage.First.SendAsync(Stage.Ask(key: "command:1"));

        Assert.Equal(_stage.Store.Stored.Single().Id, again.Value.Id);
    }

    [Theory]
    [InlineData("frozen", 60, "INC-4711 stuck orders", "policy.forbidden")]
    [InlineData("unruled", 60, "INC-4711 stuck orders", "policy.no_rule")]
    [InlineData("nonsense", 60, "INC-4711 stuck orders", "policy.unknown_scope")]
    [InlineData("read", 241, "INC-4711 stuck orders", "policy.too_long")]
    [InlineData("ticketed", 60, "orders are stuck again", "policy.ticket")]
    [InlineData("ticketed", 60, "INC-4711", "policy.reason_too_short")]
    [InlineData("read", 0, "INC-4711 stuck orders", "request.invalid")]
    [InlineData("read", -5, "INC-4711 stuck orders", "request.invalid")]
    [InlineData("read", 60, "  \n ", "request.invalid")]
    [InlineData("read", 60, "a\0b", "request.invalid")]
    public async Task What_is_not_allowed_is_refused_recorded_and_leaves_nothing(string scope, int minutes, string reason, string code)
    {
        var answer = await _stage.First.SendAsync(Stage.Ask(scope, duration: TimeSpan.FromMinutes(minutes), reason: reason));

        Assert.Equal(code, answer.Refusal?.Code);
        Assert.NotEmpty(answer.Refusal!.Message);
        Assert.Empty(_stage.Store.Stored);
        Assert.Empty(_stage.Dispatched);
        var record = Assert.Single(_stage.Audit.Records);
        Assert.Equal(("command.create_grant", code, "T0DBACME1/U0ENGINE1"), (record.Type, record.Outcome, record.By.ToString()));
        Assert.Contains(new Fact.Text("subject", $"orders/{scope}"), record.What);
    }

    [Fact]
    public async Task A_scope_that_acts_as_an_owner_is_given_like_any_other_and_says_so()
    {
        var filed = await _stage.First.SendAsync(Stage.Ask("migrate"));

        Assert.Equal("orders_owner", filed.Value.ActsAs);
        await _stage.First.ProvisionAsync(filed.Value.Id);
        Assert.Equal("orders_owner", Assert.Single(_stage.Roles.Makes).Scope.RunAs);
        Assert.Equal(GrantStatus.Active, _stage.Of(filed.Value.Id).Status);
    }

    [Fact]
    public async Task A_narrowed_request_is_frozen_on_the_grant_and_made_as_it_was_narrowed()
    {
        var ask = Narrowed(Stage.Ask(key: "command:1"), [new TableMention(null, "orders"), new TableMention("public", "Order Items")]);

        var filed = await _stage.First.SendAsync(ask);
        var again = await _stage.First.SendAsync(Narrowed(ask, []));

        Assert.Equal("public.\"Order Items\", public.orders", filed.Value.Only);
        Assert.Equal(filed.Value, again.Value);
        Assert.Equal(["public.\"Order Items\"", "public.orders"], _stage.Of(filed.Value.Id).Scope.NarrowedTo);
        await _stage.First.ProvisionAsync(filed.Value.Id);
        Assert.Equal(["select on table public.Order Items", "select on table public.orders"], Assert.Single(_stage.Roles.Makes).Scope.Privileges.Select(rule => rule.ToString()));
        await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, filed.Value.Id));
        await _stage.First.SweepAsync();
        Assert.Contains("read, only public.\"Order Items\", public.orders, on orders", FakeChat.Words(Assert.Single(_stage.Chat.Told).Message), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("read", "billing", "orders", "scope.not_in_scope")]
    [InlineData("migrate", null, "orders", "scope.not_narrowed")]
    [InlineData("frozen", "billing", "orders", "policy.forbidden")]
    public async Task What_cannot_be_narrowed_so_is_refused_after_the_policy_spoke(string scope, string? schema, string table, string code)
    {
        var ask = Narrowed(Stage.Ask(scope), [new TableMention(schema, table)]);

        Assert.Equal(code, (await _stage.First.SendAsync(ask)).Refusal?.Code);
        Assert.Equal(code, (await _stage.First.SendAsync(new CheckRequest(ask.Requester, ask.Wish with { Duration = TimeSpan.FromMinutes(5) }))).Refusal?.Code);
        Assert.Empty(_stage.Store.Stored);
    }

    [Fact]
    public async Task A_request_is_narrowed_to_fifty_tables_at_most()
    {
        var tables = Enumerable.Range(0, 51).Select(i => new TableMention("public", $"t{i}")).ToList();

        Assert.Equal("request.invalid", (await _stage.First.SendAsync(Narrowed(Stage.Ask(), tables))).Refusal?.Code);
        Assert.Null((await _stage.First.SendAsync(Narrowed(Stage.Ask(), tables[..50]))).Refusal);
    }

    [Fact]
    public async Task A_reason_may_be_as_long_as_Slack_lets_it_be_and_no_longer()
    {
        Assert.Null((await _stage.First.SendAsync(Stage.Ask(reason: new string('x', 3000)))).Refusal);
        Assert.Equal("request.invalid", (await _stage.First.SendAsync(Stage.Ask(reason: new string('x', 3001)))).Refusal?.Code);
    }

    [Fact]
    public async Task Whoever_the_directory_does_not_know_or_cannot_look_up_gets_nothing()
    {
        _stage.Directory.Refuses(Some.Engineer);
        Assert.Equal("directory.guest", (await _stage.First.SendAsync(Stage.Ask())).Refusal?.Code);
        _stage.Directory.Accepts(Some.Engineer).IsDown();
        Assert.Equal("directory.unavailable", (await _stage.First.SendAsync(Stage.Ask())).Refusal?.Code);

        Assert.Empty(_stage.Store.Stored);
    }

    [Fact]
    public async Task Whoever_is_not_in_the_group_of_the_rule_gets_nothing()
    {
        var answer = await _stage.First.SendAsync(Stage.Ask(requester: Some.Dba));

        Assert.Equal("policy.no_rule", answer.Refusal?.Code);
        Assert.Contains("oncall", answer.Refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_done_is_on_the_audit_record()
    {
        await _stage.AskedAsync();

        Assert.Equal(("command.create_grant", "done"), (_stage.Audit.Records.Single().Type, _stage.Audit.Records.Single().Outcome));
    }

    [Fact]
    public async Task Checking_a_request_says_the_same_and_files_nothing()
    {
        foreach (var scope in (string[])["read", "fix", "migrate", "frozen", "unruled", "nonsense"])
        {
            var ask = Stage.Ask(scope, duration: TimeSpan.FromMinutes(5));
            var check = await _stage.First.SendAsync(new CheckRequest(ask.Requester, ask.Wish with { Duration = TimeSpan.FromMinutes(5) }));
            Assert.DoesNotContain(_stage.Store.Stored, grant => grant.RequestKey == ask.RequestKey);
            Assert.Equal((await _stage.First.SendAsync(ask)).Refusal, check.Refusal);
        }
    }

    private static CreateGrant Narrowed(CreateGrant ask, IReadOnlyList<TableMention> only) => ask with { Wish = ask.Wish with { Only = only } };
}
