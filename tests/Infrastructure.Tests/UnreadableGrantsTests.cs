using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests;

public sealed class UnreadableGrantsTests
{
    private readonly FakeTimeProvider _clock = new(Some.Now);
    private readonly CapturedLog _log = new();

    [Fact]
    public void What_cannot_be_read_is_said_once_a_minute_as_long_as_it_is_met_with_its_id_and_why_and_not_what_stands_there()
    {
        var unreadable = Unreadable.New(_log, _clock);
        for (var second = 0; second < 150; second++)
        {
            Assert.Null(unreadable.TryRead("K7Q3-MD", () => GrantJson.Read("K7Q3-MD", """{"v":2,"grant":"hush"}""")));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, _log.Of(LogLevel.Error).Count);
        Assert.All(_log.Of(LogLevel.Error), line => Assert.Matches("K7Q3-MD is left out: .*version 2", line));
        Assert.Equal(["K7Q3-MD"], unreadable.Ids);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(unreadable.Ids);
    }

    [Fact]
    public void Of_an_exception_that_is_not_ours_only_the_kind_is_said()
    {
        var unreadable = Unreadable.New(_log, _clock);

        Assert.Null(unreadable.TryRead<string>("K7Q3-MD", () => throw new FormatException("hush")));

        Assert.Equal("Grant K7Q3-MD is left out: it cannot be read (FormatException)", Assert.Single(_log.Of(LogLevel.Error)));
    }

    [Fact]
    public void A_request_that_cannot_be_read_is_said_once_a_minute_without_what_stands_there()
    {
        var unreadable = Unreadable.Requests(_log, _clock);
        for (var second = 0; second < 150; second++)
        {
            Assert.Empty(unreadable.Waiting([new InboxRow("cmd:a", "cmd:a", "command", "T0DBACME1", "U0ENGINE1", null, "hush", "hush", null, null)], Some.Now));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, _log.Of(LogLevel.Error).Count);
        Assert.All(_log.Of(LogLevel.Error), line => Assert.Contains("(cmd:a) cannot be read", line, StringComparison.Ordinal));
        Assert.DoesNotContain(_log.Of(LogLevel.Error), line => line.Contains("hush", StringComparison.Ordinal));
        Assert.Equal(1, unreadable.Count);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, unreadable.Count);
    }
}
