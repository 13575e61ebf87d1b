namespace DbAccess.Api.Slack.Home;

/// <summary>
/// That a grant was saved by this process, for whoever keeps the card of who has access now. Any number of changes is one.
/// </summary>
internal sealed class NowNews
{
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Changed() => Volatile.Read(ref _news).TrySetResult();

    /// <summary>The next change; taken before drawing, it is done when anything was saved since.</summary>
    public Task Next()
    {
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _news, next);
        return next.Task;
    }
}
