using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Contracts;

namespace DbAccess.Infrastructure.Tests.Aws;

public sealed class DynamoGrantStoreContract(MotoFixture moto) : GrantStoreContract, IDisposable
{
    private readonly DynamoHouse _house = new(moto);

    public void Dispose() => _house.Dispose();

    protected override async ValueTask<IGrantStore> OpenAsync() => await _house.GrantsAsync();

    protected override async ValueTask<IGrantStore> OpenToFillAsync() => await _house.GrantsAsync(new AwsWire { Fills = true });

    protected override async Task MakeUnreadableAsync(GrantId id) => await (await _house.ClientAsync()).UpdateItemAsync(
        new UpdateItemRequest
        {
            TableName = _house.Name,
            Key = DynamoTable.Key($"GRANT#{id}", "GRANT"),
            UpdateExpression = "SET document = :newer",
            ExpressionAttributeValues = new() { [":newer"] = DynamoItem.Text("""{"v":2,"grant":{"of":"a later day"}}""") },
        },
        TestContext.Current.CancellationToken);
}

public sealed class DynamoInboxContract(MotoFixture moto) : InboxContract, IDisposable
{
    private readonly DynamoHouse _house = new(moto);

    public void Dispose() => _house.Dispose();

    protected override async ValueTask<IInbox> OpenAsync() => await _house.InboxAsync();
}

public sealed class DynamoAuditTrailContract(MotoFixture moto) : AuditTrailContract, IDisposable
{
    private readonly DynamoHouse _house = new(moto);

    public void Dispose() => _house.Dispose();

    protected override async ValueTask<IAuditTrail> OpenAsync() => await _house.AuditAsync();

    protected override async ValueTask<IReadOnlyList<AuditRecord>> ReadAsync()
    {
        var stop = TestContext.Current.CancellationToken;
        var trail = await _house.AuditAsync();
        // Whatever a test wrote, the chain over it holds.
        Assert.Null((await trail.VerifyAsync(stop)).FirstBroken);
        return [.. (await trail.ReadAsync(stop)).Select(read => new AuditRecord(
            StoreTime.Parse(read.Row.At), read.Row.Action, Actor.Parse(read.Row.By)!, read.Row.Subject, read.Row.Outcome, read.Row.Correlation))];
    }
}
