using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests;

public sealed class DeadlineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _clock = new();
    private readonly CancellationTokenSource _caller = new();

    [Fact]
    public async Task What_answers_in_time_is_the_answer()
    {
        var answer = new TaskCompletionSource<string>();
        var asked = AskAsync(_ => answer.Task);

        _clock.Advance(Patience - TimeSpan.FromMilliseconds(1));
        answer.SetResult("answered");

        Assert.Equal("answered", await asked);
    }

    [Fact]
    public async Task What_does_not_is_late_at_its_time_and_no_moment_before()
    {
        var asked = AskAsync(NeverAsync);

        _clock.Advance(Patience - TimeSpan.FromMilliseconds(1));
        Assert.False(asked.IsCompleted);
        _clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal("late", await asked);
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_not_told_that_it_was_late()
    {
        var asked = AskAsync(NeverAsync);

        await _caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task Not_even_when_the_time_is_over_as_well()
    {
        await _caller.CancelAsync();
        _clock.Advance(Patience);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AskAsync(NeverAsync));
    }

    [Fact]
    public async Task A_time_that_ran_out_inside_of_what_is_asked_is_lateness_as_well() =>
        Assert.Equal("late", await AskAsync(_ => throw new TaskCanceledException()));

    [Fact]
    public async Task A_failure_is_answered_by_whoever_knows_it_and_goes_through_where_nobody_does()
    {
        Assert.Equal("broken", await AskAsync(_ => throw new InvalidOperationException("broken")));

        await Assert.ThrowsAsync<InvalidOperationException>(() => Deadline.AskAsync<string>(
            Patience, _clock, _ => throw new InvalidOperationException(), () => "late", failed: null, _caller.Token));
    }

    [Fact]
    public async Task A_failure_is_answered_to_a_caller_who_gave_up_meanwhile_too()
    {
        await _caller.CancelAsync();

        Assert.Equal("broken", await AskAsync(_ => throw new InvalidOperationException("broken")));
    }

    private Task<string> AskAsync(Func<CancellationToken, Task<string>> ask) =>
        Deadline.AskAsync(Patience, _clock, ask, () => "late", failure => failure.Message, _caller.Token);

    private static async Task<string> NeverAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return "never";
    }
}
