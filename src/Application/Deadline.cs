namespace DbAccess.Application;

/// <summary>So long and no longer: its token is cancelled when the time is over, or before when the caller gives up.</summary>
public sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _late;
    private readonly CancellationTokenSource _either;

    public Deadline(TimeSpan after, TimeProvider clock, CancellationToken caller)
    {
        _late = new CancellationTokenSource(after, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_late.Token, caller);
    }

    public CancellationToken Token => _either.Token;

    /// <summary>What <paramref name="ask"/> answers, if it does in time; otherwise what <paramref name="late"/> says.</summary>
    /// <param name="failed">What a failure of any other kind is answered with; null lets it through.</param>
    /// <exception cref="OperationCanceledException">The caller gave up; never because of its own lateness.</exception>
    public static async Task<T> AskAsync<T>(
        TimeSpan patience, TimeProvider clock, Func<CancellationToken, Task<T>> ask, Func<T> late, Func<Exception, T>? failed,
        CancellationToken caller)
    {
        using var deadline = new Deadline(patience, clock, caller);
        try
        {
            return await ask(deadline.Token);
        }
        catch (OperationCanceledException) when (!caller.IsCancellationRequested)
        {
            return late();
        }
        catch (Exception failure) when (failed is not null && failure is not OperationCanceledException)
        {
            return failed(failure);
        }
    }

    public void Dispose()
    {
        _either.Dispose();
        _late.Dispose();
    }
}
