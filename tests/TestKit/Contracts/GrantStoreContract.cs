using System.Text.Json;
using System.Text.Json.Serialization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using Xunit;

namespace DbAccess.TestKit.Contracts;

/// <summary>What every grant store must do. Instants that a store searches by are whole milliseconds here; what it gives back is exact to the tick.</summary>
public abstract class GrantStoreContract
{
    private static readonly JsonSerializerOptions Show = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>The store of this test, empty when first opened; a second one over the same data when called again (another process, where that is possible).</summary>
    protected abstract ValueTask<IGrantStore> OpenAsync();

    /// <summary>A store over the same data to put many grants in, where that can be done quicker than by one that looks at each.</summary>
    protected virtual ValueTask<IGrantStore> OpenToFillAsync() => OpenAsync();

    /// <summary>Its document becomes one of a newer version, in the store itself.</summary>
    protected abstract Task MakeUnreadableAsync(GrantId id);

    [Fact]
    public async Task A_grant_that_was_added_is_found_with_its_first_version_and_its_events()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        var events = grant.NewEvents.ToList();

        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));

        Assert.Equal(1, grant.State.Version);
        Assert.Empty(grant.NewEvents);
        var found = await FindAsync(await OpenAsync(), grant.Id);
        Assert.Equal(Text(grant.State), Text(found.State));
        Assert.Empty(found.NewEvents);
        Assert.Equal(events, await store.ListEventsAsync(grant.Id, Stop));
        Assert.True(events.Count > 3);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        var store = await OpenAsync();
        await store.AddAsync(Some.Allowed(), Stop);
        var unknown = Some.Allowed();

        Assert.Null(await store.FindAsync(unknown.Id, Stop));
        Assert.Empty(await store.ListEventsAsync(unknown.Id, Stop));
        Assert.Equal(SaveOutcome.LostRace, await store.SaveAsync(unknown, Stop));
        Assert.Null(await store.FindAsync(unknown.Id, Stop));
        Assert.Empty(await store.ListEventsAsync(unknown.Id, Stop));
    }

    [Fact]
    public async Task An_id_is_given_once()
    {
        var store = await OpenAsync();
        var first = Some.Allowed(requester: Some.Engineer);
        await store.AddAsync(first, Stop);
        var events = await store.ListEventsAsync(first.Id, Stop);
        var second = Some.Allowed(requester: Some.OtherEngineer, id: first.Id);

        Assert.Equal(SaveOutcome.LostRace, await store.AddAsync(second, Stop));

        Assert.Equal(0, second.State.Version);
        Assert.NotEmpty(second.NewEvents);
        Assert.Equal(Text(first.State), Text((await FindAsync(store, first.Id)).State));
        Assert.Equal(events, await store.ListEventsAsync(first.Id, Stop));
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(Some.Allowed(requester: Some.OtherEngineer), Stop));
    }

    [Fact]
    public async Task Of_two_savers_of_one_version_one_wins_and_the_other_leaves_nothing()
    {
        var (one, other) = (await OpenAsync(), await OpenAsync());
        var grant = Some.Active();
        await one.AddAsync(grant, Stop);
        var winner = await FindAsync(one, grant.Id);
        var loser = await FindAsync(other, grant.Id);
        winner.Return(Some.Engineer, Some.Now.AddMinutes(1));
        loser.Revoke(new Actor.Person(Some.Dba), "lost", Some.Now.AddMinutes(2));
        var told = winner.NewEvents.ToList();

        Assert.Equal(SaveOutcome.Saved, await one.SaveAsync(winner, Stop));
        Assert.Equal(SaveOutcome.LostRace, await other.SaveAsync(loser, Stop));

        Assert.Equal((2, 1), (winner.State.Version, loser.State.Version));
        Assert.NotEmpty(loser.NewEvents);
        Assert.Equal(Text(winner.State), Text((await FindAsync(other, grant.Id)).State));
        var events = await other.ListEventsAsync(grant.Id, Stop);
        Assert.Equal(told, events.TakeLast(told.Count));
        Assert.DoesNotContain(events, e => e.Note?.Contains("lost", StringComparison.Ordinal) == true);
        // A second try with what was loaded before loses as well.
        Assert.Equal(SaveOutcome.LostRace, await other.SaveAsync(loser, Stop));
    }

    [Fact]
    public async Task Of_thirty_two_racing_saves_one_wins()
    {
        IGrantStore[] stores = [await OpenAsync(), await OpenAsync()];
        var grant = Some.Active();
        await stores[0].AddAsync(grant, Stop);
        var before = await stores[0].ListEventsAsync(grant.Id, Stop);
        var racers = new List<Grant>();
        for (var i = 0; i < 32; i++)
        {
            var racer = await FindAsync(stores[0], grant.Id);
            racer.Revoke(new Actor.Person(Some.Dba), $"racer {i}", Some.Now.AddMinutes(1));
            racers.Add(racer);
        }

        var outcomes = await Task.WhenAll(racers.Select((racer, i) => Task.Run(() => stores[i % 2].SaveAsync(racer, Stop), Stop)));

        var winner = racers[Assert.Single(Enumerable.Range(0, 32), i => outcomes[i] is SaveOutcome.Saved)];
        Assert.Equal(Text(winner.State), Text((await FindAsync(stores[1], grant.Id)).State));
        Assert.Equal(before.Count + 1, (await stores[1].ListEventsAsync(grant.Id, Stop)).Count);
    }

    [Fact]
    public async Task Of_sixteen_racing_adds_of_one_id_one_wins()
    {
        IGrantStore[] stores = [await OpenAsync(), await OpenAsync()];
        var id = GrantId.New();
        var racers = Enumerable.Range(0, 16).Select(i => Some.Allowed(Some.Now.AddMinutes(i), id: id)).ToList();

        var outcomes = await Task.WhenAll(racers.Select((racer, i) => Task.Run(() => stores[i % 2].AddAsync(racer, Stop), Stop)));

        var winner = racers[Assert.Single(Enumerable.Range(0, 16), i => outcomes[i] is SaveOutcome.Saved)];
        Assert.Equal(Text(winner.State), Text((await FindAsync(stores[1], id)).State));
        Assert.Equal(2, (await stores[1].ListEventsAsync(id, Stop)).Count);
    }

    [Fact]
    public async Task A_story_is_complete_and_in_order_after_many_saves()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        var told = grant.NewEvents.ToList();
        await store.AddAsync(grant, Stop);

        for (var i = 1; i <= 30; i++)
        {
            // Loaded again every other time: both a worker that keeps its grant and one that comes later may go on.
            if (i % 2 == 0) grant = await FindAsync(store, grant.Id);
            grant.StepFailed($"try {i}", Some.Now.AddSeconds(i).AddTicks(i));
            // The record of what happened is exact to the millisecond.
            told.AddRange(grant.NewEvents.Select(happened => happened with { At = Some.Now.AddSeconds(i) }));
            Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));
        }

        Assert.Equal(31, grant.State.Version);
        var events = await store.ListEventsAsync(grant.Id, Stop);
        Assert.Equal(told, events.Select(happened => happened with { At = DateTimeOffset.FromUnixTimeMilliseconds(happened.At.ToUnixTimeMilliseconds()) }));
        Assert.Equal(Enumerable.Range(1, events.Count), events.Select(e => e.Sequence));
        Assert.Equal(events.Count, (await FindAsync(store, grant.Id)).State.Events);
    }

    [Fact]
    public async Task Every_kind_of_actor_comes_back_as_it_was()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        grant.Revoke(new Actor.Person(Some.Dba), "why", Some.Now.AddMinutes(1));
        await store.SaveAsync(grant, Stop);

        var actors = (await store.ListEventsAsync(grant.Id, Stop)).Select(e => e.By).Distinct();

        Assert.Equal(
            [
                new Actor.Person(Some.Engineer), new Actor.Rule("oncall-read"),
                new Actor.Sweep(), new Actor.Person(Some.Dba),
            ],
            actors);
    }

    [Fact]
    public async Task What_is_due_is_listed_longest_due_first_up_to_the_limit_and_nothing_else()
    {
        var store = await OpenAsync();
        var ids = new Dictionary<int, GrantId>();
        foreach (var minute in (int[])[7, 1, 9, 3, 5]) ids[minute] = await AddDueAsync(store, Some.Now.AddMinutes(minute));
        var over = Some.Active();
        Ended(over, Some.Now);
        over.Told(NoticeKind.Ended, null, Some.Now);
        await store.AddAsync(over, Stop);

        Assert.Equal([ids[1], ids[3], ids[5]], Ids(await store.ListDueAsync(Some.Now.AddMinutes(5), 100, Stop)));
        Assert.Equal([ids[1], ids[3]], Ids(await store.ListDueAsync(Some.Now.AddMinutes(5), 2, Stop)));
        Assert.Equal([ids[1], ids[3]], Ids(await store.ListDueAsync(Some.Now.AddMinutes(5).AddMilliseconds(-1), 100, Stop)));
        Assert.Empty(await store.ListDueAsync(Some.Now, 100, Stop));
        Assert.Equal(5, (await store.ListDueAsync(Some.Now.AddYears(100), 100, Stop)).Count);
    }

    [Fact]
    public async Task Nothing_is_listed_as_due_a_tick_before_it_is()
    {
        var store = await OpenAsync();
        var due = Some.Now.AddTicks(12_345);
        var id = await AddDueAsync(store, due);

        Assert.Empty(await store.ListDueAsync(due.AddTicks(-1), 100, Stop));
        Assert.Equal([id], Ids(await store.ListDueAsync(due, 100, Stop)));
        // Whoever sleeps until the next due time finds it due then, and does not spin before it.
        var next = await store.NextDueAsync(Stop);
        Assert.InRange(next!.Value, due, due.AddMilliseconds(1));
        Assert.Equal([id], Ids(await store.ListDueAsync(next.Value, 100, Stop)));
    }

    [Fact]
    public async Task A_grant_moves_in_the_list_when_its_due_time_changes()
    {
        var store = await OpenAsync();
        var first = await AddDueAsync(store, Some.Now.AddMinutes(1));
        var second = await AddDueAsync(store, Some.Now.AddMinutes(2));

        await SaveDueAsync(store, first, Some.Now.AddMinutes(3));
        Assert.Equal([second, first], Ids(await store.ListDueAsync(Some.Now.AddMinutes(10), 100, Stop)));
        Assert.Equal(Some.Now.AddMinutes(2), await store.NextDueAsync(Stop));

        await SaveDueAsync(store, second, null);
        Assert.Equal([first], Ids(await store.ListDueAsync(Some.Now.AddMinutes(10), 100, Stop)));
        Assert.Equal(Some.Now.AddMinutes(3), await store.NextDueAsync(Stop));

        await SaveDueAsync(store, first, null);
        Assert.Empty(await store.ListDueAsync(Some.Now.AddYears(100), 100, Stop));
        Assert.Null(await store.NextDueAsync(Stop));
    }

    [Fact]
    public async Task In_an_empty_store_nothing_is_ever_due()
    {
        var store = await OpenAsync();

        Assert.Null(await store.NextDueAsync(Stop));
        Assert.Empty(await store.ListDueAsync(DateTimeOffset.MaxValue, 100, Stop));
        Assert.Empty(await store.ListLiveAsync(null, 100, Stop));
        Assert.Empty(await store.CountByStatusAsync(Stop));
    }

    [Fact]
    public async Task An_ended_grant_is_due_as_long_as_its_holder_is_to_be_told()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        Ended(grant, Some.Now.AddMinutes(1));
        await store.AddAsync(grant, Stop);

        Assert.Equal([grant.Id], Ids(await store.ListDueAsync(Some.Now.AddMinutes(1), 100, Stop)));

        grant.Told(NoticeKind.Ended, null, Some.Now.AddMinutes(2));
        await store.SaveAsync(grant, Stop);
        Assert.Empty(await store.ListDueAsync(Some.Now.AddYears(100), 100, Stop));
    }

    [Fact]
    public async Task A_persons_grants_are_listed_newest_first_and_nobody_elses()
    {
        var store = await OpenAsync();
        var mine = new Dictionary<int, GrantId>();
        foreach (var minute in (int[])[2, 5, 1])
        {
            mine[minute] = await AddAsync(store, Some.Allowed(Some.Now.AddMinutes(minute), requester: Some.Engineer));
            await AddAsync(store, Some.Allowed(Some.Now.AddMinutes(minute), requester: Some.OtherEngineer));
        }

        // The same user id in another workspace is another person.
        var namesake = PrincipalId.Parse("T0OTHER01", Some.Engineer.User)!;
        var theirs = await AddAsync(store, Some.Allowed(Some.Now.AddMinutes(9), requester: namesake));
        var ended = Some.Active(Some.Now.AddMinutes(7));
        Ended(ended, Some.Now.AddMinutes(8));
        await AddAsync(store, ended);

        Assert.Equal([ended.Id, mine[5], mine[2], mine[1]], Ids(await store.ListByRequesterAsync(Some.Engineer, 100, Stop)));
        Assert.Equal([ended.Id, mine[5]], Ids(await store.ListByRequesterAsync(Some.Engineer, 2, Stop)));
        Assert.Equal([theirs], Ids(await store.ListByRequesterAsync(namesake, 100, Stop)));
        Assert.Empty(await store.ListByRequesterAsync(Some.Dba, 100, Stop));
    }

    [Fact]
    public async Task A_persons_live_grants_are_found_behind_any_number_that_have_ended()
    {
        var store = await OpenAsync();
        var (first, second) = (await AddAsync(store, Some.Active(Some.Now)), await AddAsync(store, Some.Allowed(Some.Now.AddMinutes(1))));
        await AddAsync(store, Some.Active(Some.Now, requester: Some.OtherEngineer));
        var filled = await OpenToFillAsync();
        for (var minute = 2; minute < 302; minute++)
        {
            var over = Some.Active(Some.Now.AddMinutes(minute));
            Ended(over, Some.Now.AddMinutes(minute + 1));
            await AddAsync(filled, over);
        }

        Assert.Equal([second, first], Ids(await store.ListLiveByRequesterAsync(Some.Engineer, 200, Stop)));
        Assert.Equal([second], Ids(await store.ListLiveByRequesterAsync(Some.Engineer, 1, Stop)));
        Assert.Empty(await store.ListLiveByRequesterAsync(Some.Dba, 200, Stop));
    }

    [Fact]
    public async Task Live_grants_are_listed_newest_first_of_one_database_or_of_all()
    {
        var store = await OpenAsync();
        var old = await AddAsync(store, OnDatabase("orders", 1));
        var billing = await AddAsync(store, OnDatabase("billing", 2));
        var young = await AddAsync(store, OnDatabase("orders", 3));
        var ending = Some.Active(Some.Now.AddMinutes(4));
        await AddAsync(store, ending);

        Assert.Equal([ending.Id, young, old], Ids(await store.ListLiveAsync(DatabaseName.Parse("orders"), 100, Stop)));
        Assert.Equal([billing], Ids(await store.ListLiveAsync(DatabaseName.Parse("billing"), 100, Stop)));
        Assert.Equal([ending.Id, young, billing, old], Ids(await store.ListLiveAsync(null, 100, Stop)));
        Assert.Equal([ending.Id, young], Ids(await store.ListLiveAsync(null, 2, Stop)));
        Assert.Empty(await store.ListLiveAsync(DatabaseName.Parse("nothing"), 100, Stop));

        // Being taken away is still live; over is not, even while its holder is to be told.
        ending.Expire(ending.State.Window!.Expiry);
        await store.SaveAsync(ending, Stop);
        Assert.Contains(ending.Id, Ids(await store.ListLiveAsync(null, 100, Stop)));
        End(ending, ending.State.Window.Expiry);
        await store.SaveAsync(ending, Stop);
        Assert.Equal([young, billing, old], Ids(await store.ListLiveAsync(null, 100, Stop)));
        Assert.Equal([young, old], Ids(await store.ListLiveAsync(DatabaseName.Parse("orders"), 100, Stop)));
    }

    [Fact]
    public async Task Grants_are_counted_by_their_present_status()
    {
        var store = await OpenAsync();
        await AddAsync(store, Some.Allowed());
        await AddAsync(store, Some.Allowed());
        var active = Some.Active();
        await AddAsync(store, active);
        await AddAsync(store, Some.Provisioning());
        Ended(active, Some.Now.AddMinutes(1));
        await store.SaveAsync(active, Stop);

        var counts = await store.CountByStatusAsync(Stop);

        Assert.Equal(
            [(GrantStatus.Approved, 2L), (GrantStatus.Provisioning, 1), (GrantStatus.Ended, 1)],
            counts.Where(pair => pair.Value > 0).OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value)));
    }

    [Fact]
    public async Task What_is_locked_out_is_counted_by_itself_and_is_due_like_everything_else()
    {
        var store = await OpenAsync();
        await AddAsync(store, Some.Active());
        var grant = Some.Active(Some.Now.AddMinutes(-5));
        grant.Return(Some.Engineer, Some.Now);
        grant.BeginRemoval(Some.Now, TimeSpan.FromMinutes(1));
        await AddAsync(store, grant);
        Assert.Equal(0, await store.CountQuarantinedAsync(Stop));

        grant.Quarantine(new RemovalReceipt(Some.Now, 0, Some.Now, null, Existed: true, []), ["something holds it"], Some.Now.AddMinutes(1));
        Assert.Equal(GrantStatus.Quarantined, grant.Status);
        await store.SaveAsync(grant, Stop);
        Assert.Equal(1, await store.CountQuarantinedAsync(Stop));
        Assert.Equal(1, (await store.CountByStatusAsync(Stop))[GrantStatus.Quarantined]);
        Assert.Equal(grant.State.DueAt, await store.NextDueAsync(Stop));
        Assert.Equal([grant.Id], Ids(await store.ListDueAsync(grant.State.DueAt!.Value, 100, Stop)));

        grant.BeginRemoval(Some.Now.AddMinutes(10), TimeSpan.FromMinutes(1));
        End(grant, Some.Now.AddMinutes(10));
        await store.SaveAsync(grant, Stop);
        Assert.Equal(0, await store.CountQuarantinedAsync(Stop));
    }

    [Fact]
    public async Task Clusters_where_a_role_came_to_its_end_lately_are_known_with_the_last_time()
    {
        var store = await OpenAsync();
        Assert.Empty(await store.ListLatelyEndedAsync(Some.Now.AddDays(-1), Stop));
        foreach (var (cluster, minute) in ((string, int)[])[("orders-prod", 5), ("orders-prod", 9), ("billing-prod", 3), ("stock_prod-2", 1)])
            await EndedOnAsync(store, cluster, minute);
        // Still in use, and never made: neither leaves anything behind.
        await AddAsync(store, Some.Active());
        var cancelled = Some.Allowed();
        cancelled.Cancel(Some.Engineer, Some.Now.AddMinutes(20));
        Assert.NotNull(cancelled.State.EndedAt);
        await AddAsync(store, cancelled);

        var ended = await (await OpenAsync()).ListLatelyEndedAsync(Some.Now.AddMinutes(3), Stop);

        Assert.Equal(
            [("billing-prod", Some.Now.AddMinutes(3)), ("orders-prod", Some.Now.AddMinutes(9))],
            ended.Select(pair => (pair.Key.Value, pair.Value)).OrderBy(pair => pair.Item1, StringComparer.Ordinal));
    }

    [Fact]
    public async Task All_that_was_asked_for_since_some_time_is_read_ended_or_not_over_any_number_of_pages()
    {
        var (store, filled) = (await OpenAsync(), await OpenToFillAsync());
        var before = await AddAsync(store, Some.Allowed(Some.Now.AddMilliseconds(-1)));
        HashSet<GrantId> since = [];
        // More than a page, many of them of one millisecond.
        for (var i = 0; i < 1_100; i++) since.Add(await AddAsync(filled, Some.Allowed(Some.Now.AddMilliseconds(i / 600), requester: Some.Person($"U{i % 7}ABC"))));
        var over = Some.Active(Some.Now.AddMinutes(1));
        Ended(over, Some.Now.AddMinutes(2));
        since.Add(await AddAsync(store, over));
        var newer = await AddAsync(store, Some.Allowed(Some.Now.AddMinutes(3)));
        await MakeUnreadableAsync(newer);

        var read = await (await OpenAsync()).ReadSinceAsync(Some.Now, Stop).Select(grant => grant.Id).ToListAsync(Stop);

        Assert.Equal(since.Count, read.Count);
        Assert.True(since.SetEquals(read));
        Assert.DoesNotContain(before, read);
        Assert.Empty(await store.ReadSinceAsync(Some.Now.AddDays(1), Stop).ToListAsync(Stop));
    }

    [Fact]
    public async Task Ids_of_live_grants_are_listed_up_to_a_limit()
    {
        var store = await OpenAsync();
        HashSet<GrantId> live = [];
        for (var i = 0; i < 5; i++) live.Add(await AddAsync(store, OnDatabase($"db{i % 2}", i)));
        var over = Some.Active();
        Ended(over, Some.Now.AddMinutes(1));
        await AddAsync(store, over);

        Assert.Equal(live, (await store.ListLiveIdsAsync(100, Stop)).ToHashSet());
        Assert.Equal(3, (await store.ListLiveIdsAsync(3, Stop)).Intersect(live).Count());
    }

    [Fact]
    public async Task A_grant_that_cannot_be_read_is_left_out_of_lists_and_counted_and_refused_when_it_is_asked_for()
    {
        var store = await OpenAsync();
        var newer = await AddDueAsync(store, Some.Now.AddMinutes(1));
        var good = await AddDueAsync(store, Some.Now.AddMinutes(2));
        var over = Some.Active();
        Ended(over, Some.Now.AddMinutes(1));
        over.Told(NoticeKind.Ended, null, Some.Now.AddMinutes(1));
        await AddAsync(store, over);
        await MakeUnreadableAsync(newer);
        await MakeUnreadableAsync(over.Id);
        Assert.Equal(0, store.CountUnreadable());

        Assert.Equal([good], Ids(await store.ListDueAsync(Some.Now.AddMinutes(2), 100, Stop)));

        Assert.Equal(1, store.CountUnreadable());
        // Nobody here can take its step, so nobody is woken by it.
        Assert.Equal(Some.Now.AddMinutes(2), await store.NextDueAsync(Stop));
        Assert.Equal([good], Ids(await store.ListLiveAsync(null, 100, Stop)));
        Assert.Equal([good], Ids(await store.ListLiveAsync(Some.Target().Name, 100, Stop)));
        Assert.Equal([good], Ids(await store.ListByRequesterAsync(Some.Engineer, 100, Stop)));
        Assert.Equal(2, store.CountUnreadable());
        await Assert.ThrowsAnyAsync<Exception>(() => store.FindAsync(newer, Stop));
        Assert.Single(await store.ListLatelyEndedAsync(Some.Now, Stop));
        Assert.NotEmpty(await store.CountByStatusAsync(Stop));
        // It is live: whoever compares the record with a cluster must not take its role for one that nobody knows.
        Assert.Contains(newer, await store.ListLiveIdsAsync(100, Stop));
    }

    [Fact]
    public async Task Any_number_of_grants_that_cannot_be_read_hides_none_that_stands_behind_them()
    {
        var store = await OpenAsync();
        var first = await AddDueAsync(store, Some.Now.AddMinutes(8));
        var second = await AddDueAsync(store, Some.Now.AddMinutes(9));
        // Due before them, and filed after them: in front in every list, and more than a page of each.
        var newer = new List<GrantId>();
        var filled = await OpenToFillAsync();
        for (var i = 0; i < 160; i++) newer.Add(await AddAsync(filled, new Grant(Some.Allowed(Some.Now.AddMinutes(1)).State with { StepDueAt = Some.Now.AddMinutes(1) })));
        foreach (var id in newer) await MakeUnreadableAsync(id);

        Assert.Equal([first, second], Ids(await store.ListDueAsync(Some.Now.AddMinutes(10), 2, Stop)));
        Assert.Equal([first], Ids(await store.ListDueAsync(Some.Now.AddMinutes(10), 1, Stop)));
        Assert.Equal(2, (await store.ListLiveAsync(Some.Target().Name, 2, Stop)).Count);
        Assert.Equal(2, (await store.ListLiveAsync(null, 2, Stop)).Count);
        Assert.Equal(2, (await store.ListByRequesterAsync(Some.Engineer, 2, Stop)).Count);
        Assert.Equal(160, store.CountUnreadable());
        Assert.Equal(Some.Now.AddMinutes(8), await store.NextDueAsync(Stop));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Everything_a_grant_remembers_comes_back_to_the_tick(bool hostile)
    {
        var store = await OpenAsync();
        var state = MaximalGrant.Snapshot(GrantId.New(), hostile ? MaximalGrant.HostileText : null);
        // Proves the sample: a field added to the snapshot and forgotten there would be tested by nobody.
        Assert.All(typeof(GrantSnapshot).GetProperties(), property => Assert.NotNull(property.GetValue(state)));
        await store.AddAsync(new Grant(state), Stop);

        Assert.Equal(Text(state with { Version = 1 }), Text((await FindAsync(await OpenAsync(), state.Id)).State));

        var changed = state with { Version = 1, Status = GrantStatus.Revoking, Blockers = ["another"], StepDueAt = null, Role = null, RoleOid = null, Window = null };
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(new Grant(changed), Stop));
        Assert.Equal(Text(changed with { Version = 2 }), Text((await FindAsync(await OpenAsync(), state.Id)).State));
    }

    [Fact]
    public async Task Hostile_text_comes_back_in_events_too()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        grant.Revoke(new Actor.Person(Some.Dba), MaximalGrant.HostileText, Some.Now.AddMinutes(1));
        await store.SaveAsync(grant, Stop);

        Assert.EndsWith(MaximalGrant.HostileText, (await store.ListEventsAsync(grant.Id, Stop))[^1].Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_grant_as_it_was_loaded_is_nobody_elses()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        var loaded = await FindAsync(store, grant.Id);

        loaded.Return(Some.Engineer, Some.Now.AddMinutes(1));

        Assert.Equal(GrantStatus.Active, (await FindAsync(store, grant.Id)).Status);
        Assert.Equal(GrantStatus.Active, grant.Status);
    }

    [Fact]
    public async Task A_cancelled_call_leaves_nothing_half_written()
    {
        var store = await OpenAsync();
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        var before = (State: Text(grant.State), Events: await store.ListEventsAsync(grant.Id, Stop));
        var cancelled = new CancellationToken(canceled: true);
        var other = Some.Allowed();
        grant.Return(Some.Engineer, Some.Now.AddMinutes(1));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.SaveAsync(grant, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.AddAsync(other, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.FindAsync(grant.Id, cancelled));

        Assert.Equal(before.State, Text((await FindAsync(store, grant.Id)).State));
        Assert.Equal(before.Events, await store.ListEventsAsync(grant.Id, Stop));
        Assert.Null(await store.FindAsync(other.Id, Stop));
        // Nothing is spoilt for the next try with the same object.
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(other, Stop));
    }

    [Fact]
    public async Task Saves_cancelled_at_any_moment_are_written_whole_or_not_at_all()
    {
        var store = await OpenAsync();
        for (var i = 0; i < 25; i++)
        {
            var grant = Some.Active();
            await store.AddAsync(grant, Stop);
            var before = grant.State.Events;
            grant.Return(Some.Engineer, Some.Now.AddMinutes(1));
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);

            var saving = Task.Run(() => store.SaveAsync(grant, cancel.Token), Stop);
            if (i % 3 > 0) await Task.Yield();
            await cancel.CancelAsync();
            var saved = false;
            try
            {
                saved = await saving is SaveOutcome.Saved;
            }
            catch (OperationCanceledException)
            {
                // Whether it was in time is up to the machine; that both answers are true is the test.
            }

            var stored = await FindAsync(store, grant.Id);
            Assert.Equal(saved ? (2, GrantStatus.Revoking, before + 1) : (1, GrantStatus.Active, before), (stored.State.Version, stored.Status, stored.State.Events));
            Assert.Equal(stored.State.Events, (await store.ListEventsAsync(grant.Id, Stop)).Count);
        }
    }

    private static string Text(GrantSnapshot state) => JsonSerializer.Serialize(state, Show);

    private static IEnumerable<GrantId> Ids(IEnumerable<Grant> grants) => grants.Select(grant => grant.Id);

    private static async Task<Grant> FindAsync(IGrantStore store, GrantId id) => Assert.IsType<Grant>(await store.FindAsync(id, Stop));

    private static async Task<GrantId> AddAsync(IGrantStore store, Grant grant)
    {
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));
        return grant.Id;
    }

    private static Task<GrantId> AddDueAsync(IGrantStore store, DateTimeOffset due) => AddAsync(store, new Grant(Some.Allowed().State with { StepDueAt = due }));

    private static async Task SaveDueAsync(IGrantStore store, GrantId id, DateTimeOffset? due) =>
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(new Grant((await FindAsync(store, id)).State with { StepDueAt = due }), Stop));

    private static Grant OnDatabase(string name, int minute)
    {
        var request = Some.Request(target: Some.Target() with { Name = DatabaseName.Parse(name)! });
        return Grant.RequestAllowed(GrantId.New(), Some.Installation, request, Some.Now.AddMinutes(minute));
    }

    private static async Task EndedOnAsync(IGrantStore store, string cluster, int minute)
    {
        var grant = Grant.RequestAllowed(GrantId.New(), Some.Installation, Some.Request(target: Some.Target(cluster: cluster)), Some.Now);
        grant.BeginProvisioning(Domain.Grants.RoleName.ForGrant(Some.Installation, grant.Id, "erin"), Some.Now, TimeSpan.FromSeconds(60));
        grant.RoleMade(16_500, Some.Plan, Some.Now);
        grant.Activate(new MessageRef("D0ENGDM01", "1767225601.000200"), Some.Now);
        await AddAsync(store, grant);
        Ended(grant, Some.Now.AddMinutes(minute));
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));
    }

    private static void Ended(Grant grant, DateTimeOffset at)
    {
        grant.Return(grant.State.Requester, at);
        End(grant, at);
    }

    private static void End(Grant grant, DateTimeOffset at)
    {
        grant.End(new RemovalReceipt(at, 0, at, at, true, []), at);
        Assert.Equal(GrantStatus.Ended, grant.Status);
    }
}
