using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests;

/// <summary>Answers that stay good for a while, and that are shown for a while more where they are only shown.</summary>
public sealed class SharedCacheTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Queue<TaskCompletionSource<string>> _asked = new();

    [Fact]
    public async Task An_old_answer_is_given_at_once_and_asked_anew_behind_it_once()
    {
        var cache = Cache();
        await FirstAsync(cache, "first");
        _clock.Advance(TimeSpan.FromMinutes(2));

        var (one, another) = (await GetAsync(cache), await GetAsync(cache));

        Assert.Equal(("first", "first"), (one, another));
        Assert.Single(_asked).SetResult("second");
        await UntilAsync(async () => await GetAsync(cache) == "second");
        Assert.Single(_asked);
    }

    [Fact]
    public async Task What_cannot_be_asked_anew_is_shown_until_it_is_too_old_and_then_the_failure_is_told()
    {
        var cache = Cache();
        await FirstAsync(cache, "first");
        _clock.Advance(TimeSpan.FromMinutes(2));
        await GetAsync(cache);
        _asked.Dequeue().SetException(new IOException("down"));
        // It is asked again as soon as the one before has failed.
        await UntilAsync(async () => await GetAsync(cache) == "first" && _asked.Count == 1);
        _asked.Dequeue().SetResult("kept by nobody");
        Assert.Equal("first", await GetAsync(cache));

        _clock.Advance(TimeSpan.FromMinutes(9));
        var late = GetAsync(cache);
        while (_asked.Count > 1) _asked.Dequeue();
        _asked.Dequeue().SetException(new IOException("still down"));

        await Assert.ThrowsAsync<IOException>(() => late);
    }

    [Fact]
    public async Task What_something_is_decided_by_is_never_older_than_its_life()
    {
        var cache = new SharedCache<string, string>(_clock, TimeSpan.FromMinutes(1), 10);
        await FirstAsync(cache, "first");
        _clock.Advance(TimeSpan.FromMinutes(1));

        var again = GetAsync(cache);
        _asked.Dequeue().SetResult("second");

        Assert.Equal("second", await again);
    }

    private SharedCache<string, string> Cache() => new(_clock, TimeSpan.FromMinutes(1), 10, TimeSpan.FromMinutes(10));

    private async Task FirstAsync(SharedCache<string, string> cache, string answer)
    {
        var first = GetAsync(cache);
        _asked.Dequeue().SetResult(answer);
        Assert.Equal(answer, await first);
    }

    private Task<string> GetAsync(SharedCache<string, string> cache) => cache.GetAsync("key", _ =>
    {
        var answer = new TaskCompletionSource<string>();
        _asked.Enqueue(answer);
        return answer.Task;
    }, value => !value.StartsWith("kept by", StringComparison.Ordinal), TestContext.Current.CancellationToken);

    private static async Task UntilAsync(Func<Task<bool>> done)
    {
        for (var tries = 0; !await done(); tries++)
        {
            Assert.True(tries < 1_000, "It did not happen.");
            await Task.Yield();
        }
    }
}
