using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.DynamoDb;
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

public sealed class DynamoEvidenceLogContract(MotoFixture moto) : EvidenceLogContract, IDisposable
{
    private readonly DynamoHouse _house = new(moto);

    public void Dispose() => _house.Dispose();

    // The journal is read by the hour, so what happens in a test happens now.
    protected override DateTimeOffset Now { get; } = DateTimeOffset.UtcNow;

    protected override async ValueTask<(IAuditTrail Trail, IEvidenceLog Log, IGrantStore Grants)> OpenAsync()
    {
        var log = await _house.EvidenceAsync();
        return (log, log, await _house.GrantsAsync());
    }
}
