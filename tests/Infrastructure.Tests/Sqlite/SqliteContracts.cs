using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.TestKit;
using DbAccess.TestKit.Contracts;

namespace DbAccess.Infrastructure.Tests.Sqlite;

public sealed class SqliteGrantStoreContract : GrantStoreContract, IDisposable
{
    private readonly SqliteFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IGrantStore> OpenAsync() => new(new SqliteGrantStore(_folder.Open(), Unreadable.New()));

    protected override Task MakeUnreadableAsync(GrantId id)
    {
        using var raw = _folder.Raw();
        using var command = raw.CreateCommand();
        command.CommandText = "UPDATE grants SET document = replace(document, '\"v\":1,', '\"v\":2,') WHERE id = $id";
        command.Parameters.AddWithValue("$id", id.ToString());
        Assert.Equal(1, command.ExecuteNonQuery());
        return Task.CompletedTask;
    }
}

public sealed class SqliteInboxContract : InboxContract, IDisposable
{
    private readonly SqliteFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IInbox> OpenAsync() => new(new SqliteInbox(_folder.Open(), Unreadable.Requests(), TimeProvider.System));

    protected override Task SpoilAsync(string key, string field)
    {
        using var raw = _folder.Raw();
        Assert.Equal(1, raw.Execute($"UPDATE inbox SET {field} = 'yesterday' WHERE key = $key", ("$key", key)));
        return Task.CompletedTask;
    }
}

public sealed class SqliteEvidenceLogContract : EvidenceLogContract, IDisposable
{
    private readonly SqliteFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<(IAuditTrail Trail, IEvidenceLog Log, IGrantStore Grants)> OpenAsync()
    {
        var database = _folder.Open();
        var log = new SqliteEvidenceLog(database);
        return new((log, log, new SqliteGrantStore(database, Unreadable.New())));
    }

    /// <summary>No row to hold looks like one that somebody else holds, and nobody would ever say anything.</summary>
    [Fact]
    public async Task Without_its_end_the_log_is_not_held_by_somebody_else_but_broken()
    {
        var (_, log, _) = await OpenAsync();
        await log.ReadEndAsync(TestContext.Current.CancellationToken);
        using (var raw = _folder.Raw())
        using (var command = raw.CreateCommand())
        {
            command.CommandText = "DELETE FROM log_end";
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        await Assert.ThrowsAsync<LogBrokenException>(
            () => log.TryHoldAsync("me", Now, Now.AddMinutes(1), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<LogBrokenException>(() => log.ReadEndAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("INSERT INTO evidence (at, body, place) VALUES (1, '{}', 0)")]
    [InlineData("INSERT INTO checkpoints (size, at, note) VALUES (1, 'x', 'x')")]
    public async Task What_stands_past_the_end_is_said_and_not_written_over(string sql)
    {
        var stop = TestContext.Current.CancellationToken;
        var (trail, log, _) = await OpenAsync();
        await trail.RecordAsync(new() { At = Now, Type = "x", By = new Domain.Principals.Actor.Sweep(), Way = "worker" }, stop);
        using (var raw = _folder.Raw())
        using (var command = raw.CreateCommand())
        {
            command.CommandText = sql;
            Assert.Equal(1, command.ExecuteNonQuery());
        }

        var (end, waiting) = (await log.ReadEndAsync(stop), await log.ListUnplacedAsync(10, stop));
        await Assert.ThrowsAsync<LogBrokenException>(
            () => log.TryAppendAsync(end, 0, [(waiting[0], new byte[32])], new LogEnd(1, "h", "c"), Now, stop));
        Assert.Equal(end, await log.ReadEndAsync(stop));
    }
}
