using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Sqlite;

/// <summary>What is over and exported goes when its time has come; its events never do.</summary>
public sealed class SqliteRetentionTests : IDisposable
{
    private static readonly DateTimeOffset Later = Some.Now.AddDays(400);

    private readonly SqliteFolder _folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task It_goes_at_its_instant_and_not_before_and_its_events_stay()
    {
        var database = _folder.Open();
        var (store, log) = (new SqliteGrantStore(database, Unreadable.New()), new SqliteEvidenceLog(database));
        var (ended, live, unsaid) = (await EndedAsync(store), Some.Active(), await EndedAsync(store));
        await store.AddAsync(live, Stop);
        var events = (await log.ListUnplacedAsync(1_000, Stop)).Count;
        foreach (var grant in (GrantId[])[ended, live.Id]) await store.MayGoAsync(grant, Later, Stop);

        await store.PurgeAsync(Later.AddMilliseconds(-1), await PlaceAllAsync(log), Stop);
        Assert.NotNull(await store.FindAsync(ended, Stop));
        await store.PurgeAsync(Later, events, Stop);

        Assert.Null(await store.FindAsync(ended, Stop));
        Assert.NotNull(await store.FindAsync(live.Id, Stop));
        Assert.NotNull(await store.FindAsync(unsaid, Stop));
        Assert.Equal(events, await log.ReadAsync(0, Stop).CountAsync(Stop));
        Assert.NotEmpty(await store.ListEventsAsync(ended, Stop));
    }

    [Fact]
    public async Task A_save_takes_it_back()
    {
        var database = _folder.Open();
        var (store, log) = (new SqliteGrantStore(database, Unreadable.New()), new SqliteEvidenceLog(database));
        var ended = await EndedAsync(store);
        await store.MayGoAsync(ended, Later, Stop);
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync((await store.FindAsync(ended, Stop))!, Stop));

        await store.PurgeAsync(Later, await PlaceAllAsync(log), Stop);

        Assert.NotNull(await store.FindAsync(ended, Stop));
    }

    /// <summary>Whoever writes an instant into the store by hand has nothing purged that stands nowhere else.</summary>
    [Fact]
    public async Task What_is_told_of_it_and_not_exported_keeps_it_whatever_its_instant()
    {
        var database = _folder.Open();
        var (store, log) = (new SqliteGrantStore(database, Unreadable.New()), new SqliteEvidenceLog(database));
        var ended = await EndedAsync(store);
        await store.MayGoAsync(ended, Later, Stop);

        await store.PurgeAsync(Later, 0, Stop);
        Assert.NotNull(await store.FindAsync(ended, Stop));
        var events = await PlaceAllAsync(log);
        await store.PurgeAsync(Later, events - 1, Stop);
        Assert.NotNull(await store.FindAsync(ended, Stop));
        await store.PurgeAsync(Later, events, Stop);
        Assert.Null(await store.FindAsync(ended, Stop));
    }

    private static async Task<int> PlaceAllAsync(SqliteEvidenceLog log)
    {
        var (end, waiting) = (await log.ReadEndAsync(Stop), await log.ListUnplacedAsync(1_000, Stop));
        Assert.True(await log.TryAppendAsync(end, 0, [.. waiting.Select(one => (one, new byte[32]))], new LogEnd(end.Version + 1, null, "a note"), Some.Now, Stop));
        return waiting.Count;
    }

    private static async Task<GrantId> EndedAsync(SqliteGrantStore store)
    {
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        grant.Return(Some.Engineer, Some.Now.AddMinutes(1));
        grant.End(new RemovalReceipt(Some.Now, 0, Some.Now, Some.Now, true, []), Some.Now.AddMinutes(2));
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));
        return grant.Id;
    }
}
