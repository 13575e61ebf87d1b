using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

/// <summary>A record is not believed when it is used to give: policy, directory and seal are asked again.</summary>
public sealed class WarrantTests
{
    private readonly Stage _stage = new();

    public static TheoryData<string> Forgeries => new(Changes.Keys);

    private static readonly Dictionary<string, Func<GrantSnapshot, GrantSnapshot>> Changes = new(StringComparer.Ordinal)
    {
        ["another person"] = grant => grant with { Requester = Some.OtherEngineer },
        ["another database"] = grant => grant with { Target = Some.Target() with { Name = DatabaseName.Parse("billing")! } },
        ["another cluster"] = grant => grant with { Target = grant.Target with { Cluster = ClusterName.Parse("other-prod")! } },
        ["another database of the server"] = grant => grant with { Target = grant.Target with { Also = ["secrets"] } },
        ["a year"] = grant => grant with { Duration = TimeSpan.FromDays(365) },
        ["more privileges"] = grant => grant with
        {
            Scope = grant.Scope with { Privileges = [.. grant.Scope.Privileges, new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "secret", null), [], [Privilege.Delete])] },
        },
        ["an owner"] = grant => grant with { Scope = grant.Scope with { RunAs = "orders_owner" } },
        ["more connections"] = grant => grant with { Scope = grant.Scope with { Connections = 500 } },
        ["another rule"] = grant => grant with { Rule = "migrations" },
        ["decided now"] = grant => grant with { ApprovedAt = grant.ApprovedAt!.Value.AddMinutes(1) },
        ["a password asked for"] = grant => grant with { Password = new PasswordAsk(grant.CreatedAt.AddMinutes(1), null) },
        ["to be shown"] = grant => grant with { RevealBy = grant.CreatedAt.AddYears(1), Password = new PasswordAsk(grant.CreatedAt, null) },
        ["a review owed"] = grant => grant with { Review = new ReviewOwed(null, new ApprovalStage(1, ["oncall"]), TimeSpan.FromHours(1)) },
        ["another place"] = grant => grant with { Door = new Door("evil.example", 5432, "require") },
        ["another id"] = grant => grant with { Id = GrantId.New() },
        ["no seal"] = grant => grant with { Seal = null },
        ["somebody's seal"] = grant => grant with { Seal = new string('0', 64) },
    };

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task A_record_that_was_not_decided_here_gives_nothing(string change)
    {
        _stage.Seal.Strict = true;
        var id = await _stage.AskedAsync();
        var forged = Changes[change](_stage.Of(id));
        // In its place, so that nothing else of it is wrong.
        if (forged.Id == id) await ForgeAsync(id, Changes[change]);
        else await _stage.Store.AddAsync(new Grant(forged with { Version = 0 }), TestContext.Current.CancellationToken);

        await _stage.First.ProvisionAsync(forged.Id);

        Assert.Equal(GrantStatus.Failed, _stage.Of(forged.Id).Status);
        Assert.DoesNotContain(_stage.Roles.Makes, order => order.Grant == forged.Id);
        Assert.DoesNotContain(_stage.Delivery.Delivered, sent => sent.Grant == forged.Id);
        Assert.Contains(_stage.Log.Lines, line => line.Contains(forged.Id.ToString(), StringComparison.Ordinal) && line.Contains("not one that DbAccess made", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_window_that_somebody_prolonged_in_the_store_ends_nothing_later_than_was_decided()
    {
        _stage.Seal.Strict = true;
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(30));
        // Ending never asks for a seal: a record with a broken one ends like any other.
        var grant = (await _stage.Store.FindAsync(id, TestContext.Current.CancellationToken))!;
        await _stage.Store.SaveAsync(new Grant(grant.State with { Seal = "broken" }), TestContext.Current.CancellationToken);

        _stage.Clock.Advance(TimeSpan.FromMinutes(30));
        await _stage.First.SweepAsync();

        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_password_that_was_asked_for_prolongs_anything(bool byHolder)
    {
        _stage.Seal.Strict = true;
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(30));
        var end = _stage.Of(id).Window!.Expiry;
        _stage.Clock.Advance(TimeSpan.FromMinutes(20));
        if (byHolder) Assert.Null((await _stage.First.SendAsync(new RenewPassword(Some.Engineer, id))).Refusal);
        await ForgeAsync(id, grant => grant with
        {
            Window = grant.Window! with { Expiry = byHolder ? end.AddMinutes(16) : end.AddYears(1) }, EndMoved = true, StepDueAt = _stage.Now,
            Password = byHolder ? grant.Password : new PasswordAsk(end.AddYears(1), null),
        });

        await _stage.First.SweepAsync();

        Assert.Equal((GrantStatus.Ended, EndReason.Superseded), (_stage.Of(id).Status, _stage.Of(id).EndReason));
        Assert.Equal(end, Assert.Single(_stage.Roles.Makes).Expiry);
        Assert.False(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task What_was_shown_late_can_be_had_longer()
    {
        var stage = new Stage(new RevealTerms(TimeSpan.FromHours(8)));
        stage.Seal.Strict = true;
        stage.Current = stage.Current with
        {
            Allow = [.. stage.Current.Allow.Select(rule => rule with { Lifetime = rule.Lifetime with { ExtendTimes = 1, ExtendBy = TimeSpan.FromMinutes(30) } })],
        };
        var id = await stage.AskedAsync(TimeSpan.FromMinutes(30));
        await stage.First.ProvisionAsync(id);
        stage.Clock.Advance(TimeSpan.FromHours(5));
        Assert.Null((await stage.First.SendAsync(new RevealPassword(Some.Engineer, id, "V1"))).Refusal);
        await stage.First.ProvisionAsync(id);

        Assert.Null((await stage.First.SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await stage.First.ProvisionAsync(id);

        Assert.Equal((GrantStatus.Active, stage.Now.AddHours(1), false), (stage.Of(id).Status, stage.Of(id).Window!.Expiry, stage.Of(id).EndMoved));
        Assert.Equal(stage.Now.AddHours(1), Assert.Single(stage.Roles.Roles).Order.Expiry);
    }

    [Theory]
    [InlineData("given and ended")]
    [InlineData("revoked before it was there")]
    [InlineData("live")]
    public async Task A_record_that_was_put_back_to_what_it_was_gives_nothing_again(string since)
    {
        _stage.Seal.Strict = true;
        var id = await _stage.AskedAsync(TimeSpan.FromMinutes(30));
        var before = _stage.Of(id);
        if (since is not "revoked before it was there") await _stage.First.ProvisionAsync(id);
        if (since is not "live") await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id));
        await _stage.First.SweepAsync();
        var makes = _stage.Roles.Makes.Count;

        // What has happened since cannot be written over, so that the next event needs a number behind.
        await ForgeAsync(id, grant => before with { Version = grant.Version, Events = grant.Events });
        await _stage.First.ProvisionAsync(id);

        Assert.Equal((GrantStatus.Failed, makes), (_stage.Of(id).Status, _stage.Roles.Makes.Count));
        Assert.Contains("put back", _stage.Of(id).AbandonedBecause, StringComparison.Ordinal);
        // Of a live one the record does not name the role any more: the comparison with the cluster finds it.
        Assert.Equal(since is "live", _stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task A_place_that_somebody_wrote_into_the_record_is_shown_to_nobody_and_no_password_is_sent_there()
    {
        _stage.Seal.Strict = true;
        var id = await _stage.GivenAsync();
        Assert.Equal(_stage.Roles.Host, (await _stage.First.SendAsync(new GetConnection(Some.Engineer, id))).Value.Place!.Host);
        await ForgeAsync(id, grant => grant with { Door = new Door("evil.example", 5432, "require") });

        Assert.Equal("grant.not_ours", (await _stage.First.SendAsync(new GetConnection(Some.Engineer, id))).Refusal?.Code);
        Assert.Equal("grant.not_ours", (await _stage.First.SendAsync(new RenewPassword(Some.Engineer, id))).Refusal?.Code);
        Assert.Single(_stage.Delivery.Attempted);
    }

    [Fact]
    public async Task What_the_policy_does_not_allow_any_more_is_not_made()
    {
        var id = await _stage.AskedAsync();
        _stage.Current = _stage.Current with { Allow = [.. _stage.Current.Allow.Where(rule => rule.Id != "oncall-read")] };

        await _stage.First.ProvisionAsync(id);

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Makes);
        Assert.Contains("No rule allows read on orders", _stage.Of(id).AbandonedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rule_that_became_shorter_clamps_what_is_made()
    {
        var id = await _stage.AskedAsync(TimeSpan.FromHours(4));
        _stage.Current = _stage.Current with
        {
            Allow = [.. _stage.Current.Allow.Select(rule => rule with { Lifetime = rule.Lifetime with { Max = TimeSpan.FromMinutes(20), Default = TimeSpan.FromMinutes(10) } })],
        };

        await _stage.First.ProvisionAsync(id);

        Assert.Equal(_stage.Now.AddMinutes(20), Assert.Single(_stage.Roles.Makes).Expiry);
        Assert.Equal((GrantStatus.Active, _stage.Now.AddMinutes(20)), (_stage.Of(id).Status, _stage.Of(id).Window!.Expiry));
    }

    [Fact]
    public async Task A_scope_that_changed_since_it_was_decided_is_asked_for_anew()
    {
        var id = await _stage.AskedAsync();
        _stage.Current = _stage.Current with
        {
            Scopes = _stage.Current.Scopes.ToDictionary(pair => pair.Key, pair => pair.Value with { Privileges = [] }),
        };

        await _stage.First.ProvisionAsync(id);

        Assert.Empty(_stage.Roles.Makes);
        Assert.Contains("has changed since it was decided", _stage.Of(id).AbandonedBecause, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("directory")]
    [InlineData("policy")]
    [InlineData("group")]
    public async Task What_cannot_be_asked_now_makes_giving_wait(string down)
    {
        var id = await _stage.AskedAsync();
        if (down == "directory") _stage.Directory.IsDown();
        else if (down == "policy") (_stage.WithoutPolicy, _stage.Current) = (true, AccessPolicy.Nothing);
        else _stage.Current = _stage.Current with { Groups = new Dictionary<string, PolicyGroup>(StringComparer.Ordinal) { ["oncall"] = new("oncall", new HashSet<string>(StringComparer.Ordinal), "S0GONE001") } };

        await _stage.First.ProvisionAsync(id);

        Assert.Equal((GrantStatus.Provisioning, null), (_stage.Of(id).Status, _stage.Of(id).AbandonedBecause));
        Assert.Empty(_stage.Roles.Makes);
    }

    [Theory]
    [InlineData("deactivated", true)]
    [InlineData("guest", true)]
    [InlineData("out of the group", true)]
    [InlineData("rule gone", true)]
    [InlineData("forbidden", true)]
    [InlineData("directory down", false)]
    [InlineData("no policy", false)]
    [InlineData("group unreadable", false)]
    [InlineData("nothing", false)]
    public async Task Access_ends_with_its_reason_and_not_for_want_of_an_answer(string what, bool ends)
    {
        var id = await _stage.GivenAsync();
        switch (what)
        {
            case "deactivated": _stage.Directory.Refuses(Some.Engineer, "directory.deactivated", "This account is deactivated."); break;
            case "guest": _stage.Directory.Refuses(Some.Engineer); break;
            case "out of the group": _stage.Directory.Group("S0ONCALL1", Some.OtherEngineer); break;
            case "rule gone": _stage.Current = _stage.Current with { Allow = [] }; break;
            case "forbidden": _stage.Current = _stage.Current with { Forbid = [new ForbidRule("stop", new RuleSubject(["everyone"], ["*"], ["*"]), null, null)] }; break;
            case "directory down": _stage.Directory.IsDown(); break;
            case "no policy": (_stage.WithoutPolicy, _stage.Current) = (true, AccessPolicy.Nothing); break;
            case "group unreadable": _stage.Current = _stage.Current with { Groups = new Dictionary<string, PolicyGroup>(StringComparer.Ordinal) { ["oncall"] = new("oncall", new HashSet<string>(StringComparer.Ordinal), "S0GONE001") } }; break;
        }

        await _stage.First.SendAsync(new ReviewHolders());
        await _stage.First.SweepAsync();

        Assert.Equal(ends ? (GrantStatus.Ended, EndReason.Superseded) : (GrantStatus.Active, (EndReason?)null), (_stage.Of(id).Status, _stage.Of(id).EndReason));
        Assert.Equal(!ends, _stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task A_review_of_one_person_leaves_the_others_alone()
    {
        var (mine, others) = (await _stage.GivenAsync(), await _stage.GivenAsync(requester: Some.OtherEngineer));
        _stage.Directory.Refuses(Some.Engineer, "directory.deactivated", "This account is deactivated.").Refuses(Some.OtherEngineer, "directory.deactivated", "This account is deactivated.");

        var reviewed = await _stage.First.SendAsync(new ReviewHolders(Some.Engineer));

        Assert.Equal([mine], reviewed.Value.Superseded);
        Assert.Equal(GrantStatus.Active, _stage.Of(others).Status);
    }

    [Fact]
    public async Task A_narrowed_grant_goes_on_under_the_same_scope()
    {
        var ask = Stage.Ask();
        var filed = await _stage.First.SendAsync(ask with { Wish = ask.Wish with { Only = [new TableMention("public", "Order Items"), new TableMention("public", "orders")] } });
        await _stage.First.ProvisionAsync(filed.Value.Id);

        await _stage.First.SendAsync(new ReviewHolders());

        Assert.Equal(GrantStatus.Active, _stage.Of(filed.Value.Id).Status);
    }

    [Fact]
    public async Task A_review_that_fails_says_so_and_keeps_nobody_from_the_sweep()
    {
        await _stage.GivenAsync();
        _stage.First.Gate.At = boundary => boundary is { Call: "GrantStore.ListLive", Over: false } ? throw new IOException("The store is gone.") : Task.CompletedTask;
        Assert.Equal((0, false), await ReviewAsync());

        _stage.First.Gate.At = null;
        _stage.Directory.Fault = new InvalidOperationException("A fault of the program.");
        Assert.Equal((1, false), await ReviewAsync());

        _stage.Directory.Fault = null;
        Assert.Equal((1, true), await ReviewAsync());

        async Task<(int, bool)> ReviewAsync() => (await _stage.First.SendAsync(new ReviewHolders())).Value is var reviewed ? (reviewed.Looked, reviewed.Complete) : default;
    }

    [Fact]
    public async Task A_directory_that_answers_for_one_at_a_time_is_not_asked_about_the_same_one_for_ever()
    {
        var left = await _stage.GivenAsync();
        await _stage.GivenAsync(requester: Some.OtherEngineer);
        _stage.Directory.Refuses(Some.Engineer, "directory.deactivated", "This account is deactivated.");
        for (var review = 0; review < 60 && _stage.Of(left).Status is GrantStatus.Active; review++)
        {
            var asked = 0;
            _stage.First.Gate.At = boundary => boundary is { Call: "Directory.Find", Over: false } && Interlocked.Increment(ref asked) > 1
                ? throw new IOException("It asks for patience.") : Task.CompletedTask;
            Assert.False((await _stage.First.SendAsync(new ReviewHolders())).Value.Complete);
        }

        Assert.Equal((GrantStatus.Revoking, EndReason.Superseded), (_stage.Of(left).Status, _stage.Of(left).EndReason));
    }

    /// <summary>As somebody who can write to the store, and knows how.</summary>
    private async Task ForgeAsync(GrantId id, Func<GrantSnapshot, GrantSnapshot> change)
    {
        var grant = (await _stage.Store.FindAsync(id, TestContext.Current.CancellationToken))!;
        Assert.Equal(SaveOutcome.Saved, await _stage.Store.SaveAsync(new Grant(change(grant.State)), TestContext.Current.CancellationToken));
    }
}
