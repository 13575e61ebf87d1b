using DbAccess.Application.Policies;
using DbAccess.TestKit;
using Xunit;

namespace DbAccess.Application.Tests;

/// <summary>What whoever keeps the policy asks of it.</summary>
public sealed class PolicyQuestionTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task The_groups_of_a_person_are_those_of_the_policy_and_of_the_directory()
    {
        var engineer = (await _stage.First.SendAsync(new GetMemberships(Some.Engineer))).Value;
        var dba = (await _stage.First.SendAsync(new GetMemberships(Some.Dba))).Value;

        Assert.Equal(["everyone", "oncall"], engineer.Groups.Order());
        Assert.Equal(["dba", "everyone"], dba.Groups.Order());
        Assert.Empty(engineer.Unreadable);
    }

    [Fact]
    public async Task Whom_the_directory_does_not_know_and_what_is_no_policy_is_said()
    {
        _stage.Directory.Refuses(Some.Engineer);
        Assert.Equal("directory.guest", (await _stage.First.SendAsync(new GetMemberships(Some.Engineer))).Refusal?.Code);

        _stage.WithoutPolicy = true;
        Assert.Equal("policy.none", (await _stage.First.SendAsync(new GetMemberships(Some.Dba))).Refusal?.Code);
    }

    [Fact]
    public async Task Requests_on_record_are_all_that_were_asked_for_since_whoever_asked_and_whatever_became_of_them()
    {
        var old = await AskAsync(Some.Engineer);
        _stage.Clock.Advance(TimeSpan.FromDays(2));
        var ended = await AskAsync(Some.Engineer);
        var stranger = await AskAsync(Some.OtherEngineer);
        await EndAsync(old, ended, stranger);
        var live = await AskAsync(Some.Engineer);

        var found = (await _stage.First.SendAsync(new ListRecordedRequests(_stage.Now - TimeSpan.FromDays(1)))).Value.Requests;

        Assert.Equal(Ids(ended, live, stranger), (await found.ToListAsync(TestContext.Current.CancellationToken)).Select(grant => grant.Id.ToString()).Order());

        static IEnumerable<string> Ids(params Domain.Grants.GrantId[] ids) => ids.Select(id => id.ToString()).Order();
    }

    private async Task<Domain.Grants.GrantId> AskAsync(Domain.Principals.PrincipalId person)
    {
        var grant = Some.Allowed(_stage.Now, requester: person);
        Assert.Equal(Ports.SaveOutcome.Saved, await _stage.Store.AddAsync(grant, TestContext.Current.CancellationToken));
        return grant.Id;
    }

    private async Task EndAsync(params Domain.Grants.GrantId[] ids)
    {
        foreach (var id in ids)
        {
            var grant = (await _stage.Store.FindAsync(id, TestContext.Current.CancellationToken))!;
            Assert.Null(grant.Cancel(grant.State.Requester, _stage.Now).Refusal);
            await _stage.Store.SaveAsync(grant, TestContext.Current.CancellationToken);
        }
    }
}
