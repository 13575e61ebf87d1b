using DbAccess.Application.Grants;
using DbAccess.Application.Reconciling;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests.Grants;

/// <summary>Giving back, revoking, and the lists people do it from.</summary>
public sealed class EndingEarlyTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task A_holder_gives_back_and_access_ends_at_the_next_step()
    {
        var id = await _stage.GivenAsync();

        var answer = await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id));

        Assert.Equal([id], answer.Value.Ids);
        Assert.Equal(GrantStatus.Revoking, _stage.Of(id).Status);
        Assert.Equal(id, _stage.Dispatched[^1]);
        await _stage.First.SweepAsync();
        Assert.Equal((GrantStatus.Ended, EndReason.Returned), (_stage.Of(id).Status, _stage.Of(id).EndReason!.Value));
    }

    [Fact]
    public async Task Everything_a_holder_has_is_given_back_at_once_and_nobody_elses()
    {
        var mine = new[] { await _stage.GivenAsync(), await _stage.AskedAsync(), await _stage.GivenAsync(database: "billing") };
        var others = await _stage.GivenAsync(requester: Some.OtherEngineer);

        var answer = await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, null));

        Assert.Equal(mine.Select(id => id.ToString()).Order(StringComparer.Ordinal), answer.Value.Ids.Select(id => id.ToString()).Order(StringComparer.Ordinal));
        await _stage.First.SweepAsync();
        Assert.Equal(others, Assert.Single(_stage.Roles.Roles).Order.Grant);
        Assert.Equal("grant.none_open", (await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, null))).Refusal?.Code);
    }

    [Fact]
    public async Task A_live_grant_is_seen_and_given_back_behind_any_number_that_have_ended()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromHours(4));
        for (var i = 0; i < 300; i++)
        {
            var over = Some.Allowed(_stage.Now.AddSeconds(i + 1));
            Assert.Null(over.Cancel(Some.Engineer, _stage.Now.AddSeconds(i + 2)).Refusal);
            await _stage.Store.AddAsync(over, TestContext.Current.CancellationToken);
        }

        var mine = (await _stage.First.SendAsync(new ListGrants(Some.Engineer))).Value.Grants;
        Assert.Equal((id, 6), (mine[0].Id, mine.Count));
        Assert.Equal([id], (await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, null))).Value.Ids);
    }

    [Fact]
    public async Task Without_a_policy_nothing_is_given_or_compared_and_everything_that_was_given_ends()
    {
        var (returned, expired) = (await _stage.GivenAsync(), await _stage.GivenAsync(TimeSpan.FromMinutes(10)));
        (_stage.WithoutPolicy, _stage.Current) = (true, AccessPolicy.Nothing);

        Assert.Equal("policy.none", (await _stage.First.SendAsync(Stage.Ask())).Refusal?.Code);
        Assert.Equal("policy.none", (await _stage.First.SendAsync(new ListOffers(Some.Engineer))).Refusal?.Code);
        Assert.Equal("policy.none", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(expired), "INC-1"))).Refusal?.Code);
        Assert.Equal("policy.none", (await _stage.First.SendAsync(new ReconcileRoles())).Refusal?.Code);
        Assert.Empty(_stage.Inventory.Listings);

        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, returned))).Refusal);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        await _stage.First.SweepAsync();
        Assert.All((GrantId[])[returned, expired], id => Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status));
    }

    [Fact]
    public async Task Nobody_gives_back_what_is_not_theirs_or_not_there()
    {
        var id = await _stage.GivenAsync();

        Assert.Equal("grant.not_holder", (await _stage.First.SendAsync(new ReturnGrant(Some.OtherEngineer, id))).Refusal?.Code);
        Assert.Equal("grant.unknown", (await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, GrantId.New()))).Refusal?.Code);

        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.Equal(["done", "grant.not_holder", "grant.unknown"], _stage.Audit.Records.Select(record => record.Outcome));
    }

    [Fact]
    public async Task A_return_that_loses_a_race_is_asked_again_of_the_newest_state()
    {
        var id = await _stage.GivenAsync();
        _stage.Store.LoseNextRace();

        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);

        Assert.Equal(GrantStatus.Revoking, _stage.Of(id).Status);
    }

    [Fact]
    public async Task Who_may_approve_on_a_database_may_also_stop()
    {
        _stage.Directory.Named(Some.Dba, "dana");
        var id = await _stage.GivenAsync();

        var answer = await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(id), " incident over "));

        Assert.Equal([id], answer.Value.Ids);
        await _stage.First.SweepAsync();
        Assert.Equal((GrantStatus.Ended, EndReason.Revoked), (_stage.Of(id).Status, _stage.Of(id).EndReason!.Value));
        var told = FakeChat.Words(Assert.Single(_stage.Chat.Told, told => told.To == Some.Engineer).Message);
        Assert.Contains("It was revoked by dana: incident over.", told, StringComparison.Ordinal);
        Assert.Contains((await _stage.Store.ListEventsAsync(id, TestContext.Current.CancellationToken)), e => e.Note == "Revoked: incident over" && e.By.ToString() == "T0DBACME1/U0DBA0001");
    }

    [Fact]
    public async Task Everybodys_access_is_ended_however_many_have_some_and_however_long_removing_takes()
    {
        const int many = 501;
        for (var i = 0; i < many; i++) await _stage.Store.AddAsync(Some.Active(_stage.Now.AddSeconds(i)), TestContext.Current.CancellationToken);

        var answer = await _stage.First.SendAsync(new RevokeGrant(new Actor.Operator("root"), new RevokeTarget.Everybody(null), "incident"));

        Assert.Equal(many, answer.Value.Ids.Count);
        Assert.All(_stage.Store.Stored, grant => Assert.Equal(GrantStatus.Revoking, grant.Status));
    }

    [Fact]
    public async Task What_somebody_may_revoke_is_found_behind_any_number_that_they_may_not()
    {
        var orders = await _stage.GivenAsync();
        var billing = new DatabaseTarget(DatabaseName.Parse("billing")!, ClusterName.Parse("billing-prod")!, "billing");
        for (var i = 0; i < 501; i++)
            await _stage.Store.AddAsync(Some.Active(_stage.Now.AddSeconds(i + 1), request: Some.Request(target: billing)), TestContext.Current.CancellationToken);

        // The policy names approvers for orders only.
        var answer = await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.Everybody(null), "incident"));

        Assert.Equal([orders], answer.Value?.Ids ?? []);
    }

    [Fact]
    public async Task Nobody_else_revokes_and_nobody_revokes_their_own_or_without_a_reason()
    {
        var id = await _stage.GivenAsync();
        var billing = await _stage.GivenAsync(database: "billing");

        Assert.Equal("grant.not_revoker", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.OtherEngineer), new RevokeTarget.One(id), "because"))).Refusal?.Code);
        Assert.Equal("grant.own", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Engineer), new RevokeTarget.One(id), "because"))).Refusal?.Code);
        Assert.Equal("request.invalid", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(id), " "))).Refusal?.Code);
        Assert.Equal("grant.unknown", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(GrantId.New()), "because"))).Refusal?.Code);

        // The policy names approvers for orders only.
        Assert.Equal("grant.not_revoker", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(billing), "because"))).Refusal?.Code);
        _stage.Directory.Refuses(Some.Dba);
        Assert.Equal("directory.guest", (await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(id), "because"))).Refusal?.Code);

        Assert.All(_stage.Store.Stored, grant => Assert.Equal(GrantStatus.Active, grant.Status));
    }

    [Fact]
    public async Task People_see_what_they_have_and_the_last_few_that_ended()
    {
        for (var i = 0; i < 7; i++) await _stage.GivenAsync(TimeSpan.FromMinutes(1));
        _stage.Clock.Advance(TimeSpan.FromMinutes(1));
        await _stage.First.SweepAsync();
        var open = await _stage.GivenAsync();
        var others = await _stage.GivenAsync(requester: Some.OtherEngineer, database: "billing");

        var mine = (await _stage.First.SendAsync(new ListGrants(Some.Engineer))).Value.Grants;
        var live = (await _stage.First.SendAsync(new ListGrants(null))).Value.Grants;
        var billing = (await _stage.First.SendAsync(new ListGrants(null, DatabaseName.Parse("billing")))).Value.Grants;

        Assert.Equal(open, mine[0].Id);
        Assert.Equal(5, mine.Count(grant => grant.Status is GrantStatus.Ended));
        Assert.Equal(6, mine.Count);
        Assert.Equal(2, live.Count);
        Assert.Equal(others, Assert.Single(billing).Id);
    }

    [Fact]
    public async Task People_are_offered_what_they_may_ask_for_now()
    {
        var erin = (await _stage.First.SendAsync(new ListOffers(Some.Engineer))).Value;
        var dba = (await _stage.First.SendAsync(new ListOffers(Some.Dba))).Value;

        Assert.Equal(["billing", "orders"], erin.Databases.Select(offer => offer.Database.Value));
        Assert.Equal(["read", "fix", "migrate", "ticketed"], erin.Databases[1].Scopes.Select(offer => offer.Scope.Value));
        Assert.NotNull(erin.Databases[1].Scopes[1].Approval);
        Assert.Equal(["orders"], dba.Databases.Select(offer => offer.Database.Value));
        Assert.Equal(["fix", "migrate", "ticketed"], dba.Databases[0].Scopes.Select(offer => offer.Scope.Value));
        Assert.Equal(2, dba.Names.Databases.Count);
        _stage.Directory.Refuses(Some.Dba);
        Assert.Equal("directory.guest", (await _stage.First.SendAsync(new ListOffers(Some.Dba))).Refusal?.Code);
    }
}
