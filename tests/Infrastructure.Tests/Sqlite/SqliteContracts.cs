using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.Infrastructure.Stores;
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

    protected override ValueTask<IInbox> OpenAsync() => new(new SqliteInbox(_folder.Open(), TimeProvider.System));
}

public sealed class SqliteAuditTrailContract : AuditTrailContract, IDisposable
{
    private readonly SqliteFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IAuditTrail> OpenAsync() => new(new SqliteAuditTrail(_folder.Open()));

    protected override async ValueTask<IReadOnlyList<AuditRecord>> ReadAsync()
    {
        var stop = TestContext.Current.CancellationToken;
        // Whatever a test wrote, the chain over it holds.
        Assert.Null((await new SqliteAuditTrail(_folder.Open()).VerifyAsync(stop)).FirstBroken);
        return await _folder.Open().ReadAsync(
            connection => SqliteDatabase.List(
                connection,
                "SELECT at, action, by, subject, outcome, correlation FROM audit ORDER BY seq",
                row => new AuditRecord(
                    StoreTime.Parse(row.GetString(0)), row.GetString(1), Actor.Parse(row.GetString(2))!, row.GetString(3), row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5))),
            stop);
    }
}
