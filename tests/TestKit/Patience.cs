using System.Diagnostics;
using Xunit;

namespace DbAccess.TestKit;

/// <summary>
/// How long a test waits for something that has to come. Whatever waits goes on as soon as it is there, so that only a failure takes as long; a machine
/// that is busy with other things is no failure.
/// </summary>
public static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>Looks again and again until it holds; fails after <see cref="Limit"/> with <paramref name="what"/>.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        for (var watch = Stopwatch.StartNew(); !await holds(); await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken))
            Assert.True(watch.Elapsed < Limit, $"Within {Limit} it did not come about that {what}.");
    }
}
