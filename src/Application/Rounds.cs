namespace DbAccess.Application;

/// <summary>What is done in the background again and again.</summary>
public static class Rounds
{
    /// <summary>At once and then every interval, until it is stopped. A round that fails ends no others.</summary>
    /// <param name="failed">Told of it; the next round tries again.</param>
    public static async Task RunAsync(
        TimeSpan interval, TimeProvider clock, Func<CancellationToken, Task> round, Action<Exception> failed, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(interval, clock);
        try
        {
            do
            {
                try
                {
                    await round(stop);
                }
                catch (Exception failure) when (failure is not OperationCanceledException || !stop.IsCancellationRequested)
                {
                    failed(failure);
                }
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The process is stopping; what was not done is there for whoever comes next.
        }
    }
}
