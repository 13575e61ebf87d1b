using System.Buffers;
using DbAccess.Application;

namespace DbAccess.Api.Slack.Door;

/// <summary>
/// Bodies of callers who are not known yet. What they may cost is bounded: a buffer grows as bytes arrive and not as they are announced,
/// few large ones are held at a time, and none for longer than Slack itself would wait. Small ones, as nearly all of Slack's are, wait for
/// nobody.
/// </summary>
internal sealed class UnsignedBodies(TimeProvider clock) : IDisposable
{
    private const int Small = 32 * 1024;

    /// <summary>Large bodies at a time: 32 MiB at most.</summary>
    private const int Places = 32;

    /// <summary>Slack gives a request three seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _places = new(Places, Places);

    public void Dispose() => _places.Dispose();

    /// <summary>
    /// Null when there are more bytes than <paramref name="longest"/>. An <see cref="OperationCanceledException"/> when it took longer than
    /// Slack waits, or no place came free in that time.
    /// </summary>
    public async Task<Body?> ReadAsync(Stream stream, int longest, CancellationToken aborted)
    {
        using var deadline = new Deadline(Patience, clock, aborted);
        var body = new Body(_places);
        try
        {
            while (true)
            {
                if (body.IsFull)
                {
                    if (body.Length > longest) break;
                    await body.GrowAsync(Small, longest + 1, deadline.Token);
                }

                var read = await stream.ReadAsync(body.Free, deadline.Token);
                if (read == 0) return body;
                body.Took(read);
                if (body.Length > longest) break;
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }

        body.Dispose();
        return null;
    }

    /// <summary>What was read. Given back, and wiped, when it is disposed.</summary>
    internal sealed class Body(SemaphoreSlim places) : IDisposable
    {
        private const int First = 4 * 1024;
        private byte[] _buffer = ArrayPool<byte>.Shared.Rent(First);
        private bool _holdsPlace;

        public int Length { get; private set; }

        public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

        public Memory<byte> Free => _buffer.AsMemory(Length);

        public bool IsFull => Length == _buffer.Length;

        public void Took(int bytes) => Length += bytes;

        public async Task GrowAsync(int small, int most, CancellationToken cancellationToken)
        {
            if (!_holdsPlace && _buffer.Length >= small)
            {
                await places.WaitAsync(cancellationToken);
                _holdsPlace = true;
            }

            var larger = ArrayPool<byte>.Shared.Rent(Math.Min(_buffer.Length * 2, most));
            Bytes.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer, clearArray: true);
            _buffer = larger;
        }

        public void Dispose()
        {
            ArrayPool<byte>.Shared.Return(_buffer, clearArray: true);
            _buffer = [];
            if (_holdsPlace) places.Release();
            _holdsPlace = false;
        }
    }
}
