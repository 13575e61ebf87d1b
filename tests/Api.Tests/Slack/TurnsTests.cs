using System.Collections.Concurrent;
using DbAccess.Api.Slack.Inbox;

namespace DbAccess.Api.Tests.Slack;

public sealed class TurnsTests
{
    [Fact]
    public async Task Whoever_has_more_waiting_goes_to_the_end_of_the_line()
    {
        var turns = new Turns<string, string>();
        foreach (var work in (string[])["a1", "a2", "a3", "b1", "c1", "b2"]) Assert.True(turns.TryAdd(work[..1], work));
        turns.Complete();
        Assert.False(turns.TryAdd("d", "d1"));
        List<string> done = [];

        await turns.ForEachAsync(work =>
        {
            done.Add(work);
            return Task.FromResult(true);
        });

        Assert.Equal(["a1", "b1", "c1", "a2", "b2", "a3"], done);
    }

    [Fact]
    public async Task Of_what_is_worth_something_only_while_it_is_new_the_oldest_is_not_done()
    {
        var turns = new Turns<string, string>();
        foreach (var work in (string[])["a1", "a2", "b1", "a3", "a4"]) Assert.True(turns.TryAdd(work[..1], work, most: 2));
        turns.Complete();
        List<string> done = [];

        await turns.ForEachAsync(work =>
        {
            done.Add(work);
            return Task.FromResult(true);
        });

        Assert.Equal(["a3", "b1", "a4"], done);
    }

    [Fact]
    public async Task Two_pieces_of_one_person_are_never_under_way_at_once()
    {
        var turns = new Turns<int, int>();
        var (busy, done) = (new ConcurrentDictionary<int, bool>(), new ConcurrentQueue<int>());
        var consumers = Enumerable.Range(0, 8).Select(_ => Task.Run(() => turns.ForEachAsync(async key =>
        {
            Assert.True(busy.TryAdd(key, true));
            await Task.Yield();
            busy.TryRemove(key, out var _);
            done.Enqueue(key);
            return true;
        }))).ToList();

        for (var i = 0; i < 2_000; i++) turns.TryAdd(i % 5, i % 5);
        turns.Complete();
        await Task.WhenAll(consumers);

        Assert.Equal(2_000, done.Count);
    }
}
