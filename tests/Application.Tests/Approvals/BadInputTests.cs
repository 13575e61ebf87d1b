using DbAccess.Application.Approvals;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;

namespace DbAccess.Application.Tests.Approvals;

/// <summary>Groups, words and clocks as nobody wants them.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Group = "S0MANY001";
    private readonly Stage _stage = new();

    public BadInputTests()
    {
        _stage.Roles.PlanHash = _ => Plan.Hash;
        _stage.Inventory.Plan = Plan;
        With("C0APPROVE");
    }

    private static PrivilegePlan Plan { get; } = new(
        ScopeName.Parse("fix")!,
        [new PlannedObject("orders", "table", "public.orders", "app", ["select"], new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), 10, 16_384)],
        [], [], null);

    public void Dispose() => NotificationTests.CheckCards(_stage);

    [Theory]
    [InlineData("C0APPROVE", 1)]
    [InlineData(null, 50)]
    public async Task Of_a_group_of_five_hundred_any_one_decides_and_not_all_are_written_to(string? channel, int cards)
    {
        With(channel);
        var people = Enumerable.Range(1, 500).Select(i => Some.Person($"U0MANY{i:D3}")).ToArray();
        _stage.Directory.Group(Group, people);

        var id = await AskedAsync();

        Assert.Equal(cards, _stage.Cards.Of(id).Count);
        Assert.All(_stage.Cards.Of(id), card => Assert.True(FakeChat.Words(card.Now).Length < 3_000));
        Assert.All(_stage.Cards.Of(id).SelectMany(card => card.Thread).SelectMany(line => line.Line.Parts.OfType<ChatPart.Mention>()), mention => Assert.InRange(mention.Ids.Count, 1, 50));
        Assert.Null((await SendAsync(new ApproveGrant(people[^1], id))).Refusal);
        Assert.Equal(GrantStatus.Approved, _stage.Of(id).Status);
    }

    [Fact]
    public async Task An_empty_group_refuses_at_once_and_files_nothing()
    {
        _stage.Directory.Group(Group);

        Assert.Equal("approval.nobody", (await _stage.First.SendAsync(Stage.Ask("fix"))).Refusal?.Code);
        Assert.Empty(_stage.Store.Stored);
    }

    [Fact]
    public async Task A_group_that_Slack_does_not_know_any_more_decides_nothing_and_the_request_lapses()
    {
        _stage.Directory.Group(Group, Some.Dba);
        var id = await AskedAsync();
        _stage.Directory.Ungroup(Group);

        Assert.Equal("approval.group_unreadable", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
        Assert.Equal("approval.group_unreadable", (await SendAsync(new DenyGrant(Some.Dba, id, "no"))).Refusal?.Code);

        await _stage.SettleAsync(_stage.First, _stage.Now.AddHours(1));
        Assert.Equal(GrantStatus.Lapsed, _stage.Of(id).Status);
        Assert.Contains(_stage.Chat.SaidTo(Some.Engineer), said => said.Contains("lapsed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("<!channel> <!here> <@U0DBA0001> <https://evil.example|Approve>")]
    [InlineData("`DROP TABLE x` ``` *bold* _it_ ~no~ &amp;")]
    [InlineData("\u202egnp.exe \u2066x\u2069 \u200f\u0627\u0644")]
    [InlineData("3000")]
    public async Task Whatever_a_reason_holds_it_is_words_on_the_card_and_in_every_message(string reason)
    {
        _stage.Directory.Group(Group, Some.Dba);
        reason = reason == "3000" ? new string('w', 2_900) + "`<!channel>`" : reason;
        var filed = await _stage.First.SendAsync(Stage.Ask("fix", reason: reason));
        Assert.Null(filed.Refusal);
        await SettleAsync();
        var id = filed.Value.Id;

        Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);
        await SettleAsync();
        Assert.Null((await SendAsync(new DenyGrant(Some.Dba, id, reason))).Refusal);
        await SettleAsync();

        var card = Assert.Single(_stage.Cards.Of(id));
        // What somebody wrote stands in no part that the adapter reads anything out of, and pairs up with no back-tick of ours.
        Assert.All(card.Versions.Concat(_stage.Chat.Told.Select(told => told.Message)), message =>
        {
            Assert.All(message.Parts.OfType<ChatPart.Mention>(), mention => Assert.DoesNotContain("U0DBA0001", mention.Ids));
            Assert.All(message.Parts.OfType<ChatPart.Text>(), text => Assert.DoesNotContain("`DROP", text.Words, StringComparison.Ordinal));
            Assert.True(message.Summary.Length < 1_000, message.Summary);
        });
        Assert.Equal((GrantStatus.Denied, reason), (_stage.Of(id).Status, _stage.Of(id).Reason));
    }

    [Fact]
    public async Task A_process_whose_clock_goes_behind_gives_nothing_longer_and_ends_nothing_later()
    {
        _stage.Directory.Group(Group, Some.Dba);
        var id = await AskedAsync();
        var behind = _stage.StartBehind(TimeSpan.FromHours(2));

        Assert.Null((await behind.SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await behind.ProvisionAsync(id);
        await SettleAsync();

        var expiry = _stage.Of(id).Window!.Expiry;
        Assert.True(expiry <= _stage.Now.AddHours(1));
        await _stage.SettleAsync(_stage.First, _stage.Now.AddHours(1));
        Assert.True(_stage.Of(id).EndedAt is not null, _stage.Of(id).Status.ToString());
        Assert.Empty(_stage.Roles.Roles);
    }

    [Fact]
    public async Task Approvals_under_a_policy_that_was_edited_since_give_what_both_allow()
    {
        _stage.Directory.Group(Group, Some.Dba);
        var id = await AskedAsync();

        // Between asking and approving the rule became shorter, and others are asked by now: who was asked decides.
        _stage.Current = _stage.Current with
        {
            Hash = "another",
            Groups = new Dictionary<string, PolicyGroup>(_stage.Current.Groups, StringComparer.Ordinal) { ["security"] = new("security", new HashSet<string> { "U0SECUR01" }, null) },
            Allow = [.. _stage.Current.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with { Lifetime = rule.Lifetime with { Max = TimeSpan.FromMinutes(20), Default = TimeSpan.FromMinutes(10) }, Approval = rule.Approval! with { Stages = [new ApprovalStage(1, ["security"])] } })],
        };
        Assert.Equal("approval.not_approver", (await SendAsync(new ApproveGrant(Some.Person("U0SECUR01"), id))).Refusal?.Code);
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);

        // Between approving and making it forbids it.
        _stage.Current = _stage.Current with { Hash = "third", Forbid = [.. _stage.Current.Forbid, new ForbidRule("freeze-fix", new RuleSubject(["everyone"], ["*"], ["fix"]), null, null)] };
        await SettleAsync();

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Makes);
        Assert.Contains("freeze-fix", _stage.Of(id).AbandonedBecause, StringComparison.Ordinal);
    }

    private async Task<GrantId> AskedAsync()
    {
        var filed = await _stage.First.SendAsync(Stage.Ask("fix"));
        Assert.Null(filed.Refusal);
        await SettleAsync();
        return filed.Value.Id;
    }

    private Task<Result<GrantDecided>> SendAsync(IRequest<Result<GrantDecided>> command) => _stage.First.SendAsync(command);

    private Task SettleAsync() => _stage.SettleAsync(_stage.First, _stage.Now);

    private void With(string? channel) => _stage.Current = Policies.Ordinary with
    {
        Groups = new Dictionary<string, PolicyGroup>(Policies.Ordinary.Groups, StringComparer.Ordinal) { ["many"] = new("many", new HashSet<string>(), Group) },
        Allow = [.. Policies.Ordinary.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with { Approval = new Approval([new ApprovalStage(1, ["many"])], TimeSpan.FromHours(1), channel) })],
    };
}
