using System.Collections.Concurrent;

namespace DbAccess.Application;

/// <summary>
/// Answers that stay good for a while. Whoever asks while the answer is under way waits for the same one, so that a burst is one question.
/// </summary>
/// <param name="most">When more keys than this are known, all are forgotten: simple, and rare.</param>
public sealed class SharedCache<TKey, TValue>(TimeProvider clock, TimeSpan life, int most)
    where TKey : notnull
    where TValue : class
{
    private readonly ConcurrentDictionary<TKey, Entry> _entries = new();

    /// <param name="ask">Not cancelled by any one caller.</param>
    /// <param name="keeps">False for answers that are given to those who wait, but not remembered.</param>
    public async Task<TValue> GetAsync(
            TKey key, Func<TKey, Task<TValue>> ask, Func<TValue, bool> keeps, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (_entries.Count >= most) _entries.Clear();
        var entry = _entries.AddOrUpdate(
            key,
            _ => new Entry(now, new Lazy<Task<TValue>>(() => ask(key))),
            (_, known) => now - known.At < life ? known : new Entry(now, new Lazy<Task<TValue>>(() => ask(key))));
        try
        {
            var value = await entry.Answer.Value.WaitAsync(cancellationToken);
            if (!keeps(value)) Drop(key, entry);
            return value;
        }
        catch (Exception) when (entry.Answer.Value.IsFaulted || entry.Answer.Value.IsCanceled)
        {
            Drop(key, entry);
            throw;
        }
    }

    public void Forget(TKey key) => _entries.TryRemove(key, out _);

    // Only this very entry: a newer one may have taken its place.
    private void Drop(TKey key, Entry entry) => _entries.TryRemove(KeyValuePair.Create(key, entry));

    private sealed record Entry(DateTimeOffset At, Lazy<Task<TValue>> Answer);
}
