using System.Threading.Channels;

namespace DbAccess.Api.Slack.Inbox;

/// <summary>
/// Work in turns: of each key one piece at a time, and whoever has more waiting goes to the end of the line. So nobody's many requests keep
/// the others from theirs, and two requests of one person never decide about the same thing at once.
/// </summary>
internal sealed class Turns<TKey, T>
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Queue<T>> _waiting = [];

    // A key stands here at most once, so it is bounded by how many have something to do.
    private readonly Channel<TKey> _next = Channel.CreateUnbounded<TKey>();
    private bool _completed;

    /// <summary>False when nothing more is taken.</summary>
    /// <param name="most">Of more than these that wait, the oldest is not done.</param>
    public bool TryAdd(TKey key, T work, int most = int.MaxValue)
    {
        lock (_gate)
        {
            if (_completed) return false;
            if (_waiting.TryGetValue(key, out var queue))
            {
                if (queue.Count >= most) queue.Dequeue();
                queue.Enqueue(work);
                return true;
            }

            _waiting[key] = new Queue<T>([work]);
            return _next.Writer.TryWrite(key);
        }
    }

    /// <summary>Nothing more is taken; what waits is still handed out.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _completed = true;
            if (_waiting.Count == 0) _next.Writer.TryComplete();
        }
    }

    /// <summary>Hands out one piece after the other, until it is complete and nothing waits. May run any number of times at once.</summary>
    public async Task ForEachAsync(Func<T, Task<bool>> handle)
    {
        await foreach (var key in _next.Reader.ReadAllAsync(CancellationToken.None))
        {
            T work;
            lock (_gate) work = _waiting[key].Dequeue();
            try
            {
                if (!await handle(work)) return;
            }
            finally
            {
                PassOn(key);
            }
        }
    }

    private void PassOn(TKey key)
    {
        lock (_gate)
        {
            if (_waiting[key].Count > 0)
            {
                _next.Writer.TryWrite(key);
                return;
            }

            _waiting.Remove(key);
            if (_completed && _waiting.Count == 0) _next.Writer.TryComplete();
        }
    }
}
