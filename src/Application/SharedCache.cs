using System.Collections.Concurrent;

namespace DbAccess.Application;

/// <summary>
/// Answers that stay good for a while. Whoever asks while the answer is under way waits for the same one, so that a burst is one question.
/// </summary>
/// <param name="most">When more keys than this are known, all are forgotten: simple, and rare.</param>
/// <param name="shown">
/// For what is only shown: an answer that is older than its life, and younger than this, is given at once and asked anew behind it. Null:
/// nobody gets an answer that is older than its life.
/// </param>
public sealed class SharedCache<TKey, TValue>(TimeProvider clock, TimeSpan life, int most, TimeSpan? shown = null)
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
            (_, known) => now - known.At < life || MayShow(known, now)
                ? known : new Entry(now, new Lazy<Task<TValue>>(() => ask(key))));
        if (now - entry.At >= life && entry.TryRenew()) _ = RenewAsync(key, entry, ask, keeps);
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

    private bool MayShow(Entry known, DateTimeOffset now) => now - known.At < shown && known.Answer.Value.IsCompletedSuccessfully;

    private async Task RenewAsync(TKey key, Entry old, Func<TKey, Task<TValue>> ask, Func<TValue, bool> keeps)
    {
        var fresh = new Entry(clock.GetUtcNow(), new Lazy<Task<TValue>>(() => ask(key)));
        try
        {
            if (keeps(await fresh.Answer.Value)) _entries.TryUpdate(key, fresh, old);
        }
        catch (Exception)
        {
            // Nobody waits for it; what is known is shown until it is too old, and then whoever asks hears of it.
        }
        finally
        {
            old.LetRenew();
        }
    }

    // Only this very entry: a newer one may have taken its place.
    private void Drop(TKey key, Entry entry) => _entries.TryRemove(KeyValuePair.Create(key, entry));

    private sealed class Entry(DateTimeOffset at, Lazy<Task<TValue>> answer)
    {
        private int _renewing;

        public DateTimeOffset At { get; } = at;

        public Lazy<Task<TValue>> Answer { get; } = answer;

        /// <summary>One at a time.</summary>
        public bool TryRenew() => Interlocked.Exchange(ref _renewing, 1) == 0;

        public void LetRenew() => Volatile.Write(ref _renewing, 0);
    }
}
