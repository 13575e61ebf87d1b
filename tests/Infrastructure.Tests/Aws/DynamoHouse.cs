using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.TestKit.Aws;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>A table of its own, made when first asked for, and a client per process that is played.</summary>
internal sealed class DynamoHouse(MotoFixture moto) : IDisposable
{
    private readonly List<IDisposable> _open = [];
    private bool _made;

    public string Name { get; } = MotoFixture.Unique("grants");

    public async Task<DynamoTable> TableAsync(AwsWire? wire = null, int retries = 3)
    {
        var client = await ClientAsync(wire, retries);
        var table = new DynamoTable(client, Name, TimeProvider.System);
        if (!_made) await new DynamoTable(await ClientAsync(), Name, TimeProvider.System).CreateAsync(TestContext.Current.CancellationToken);
        _made = true;
        return table;
    }

    public async Task<IAmazonDynamoDB> ClientAsync(AwsWire? wire = null, int retries = 3)
    {
        var client = (wire ?? new AwsWire()).DynamoDb(await moto.EndpointAsync(), retries);
        _open.Add(client);
        return client;
    }

    public async Task<DynamoGrantStore> GrantsAsync(AwsWire? wire = null, int retries = 3)
    {
        var table = await TableAsync(wire, retries);
        return new DynamoGrantStore(table, new DynamoTexts(table), Unreadable.New());
    }

    public async Task<DynamoInbox> InboxAsync(AwsWire? wire = null) => new(await TableAsync(wire), Unreadable.Requests(), TimeProvider.System);

    public async Task<DynamoEvidenceLog> EvidenceAsync(AwsWire? wire = null)
    {
        var table = await TableAsync(wire);
        return new DynamoEvidenceLog(table, new DynamoTexts(table), TimeProvider.System);
    }

    /// <summary>Everything as it is now, in another table: what a restore to this moment would bring back.</summary>
    public async Task CopyToAsync(DynamoHouse other)
    {
        await other.TableAsync();
        var client = await ClientAsync();
        foreach (var item in (await client.ScanAsync(new ScanRequest(Name) { ConsistentRead = true }, TestContext.Current.CancellationToken)).Items)
            await client.PutItemAsync(other.Name, item, TestContext.Current.CancellationToken);
    }

    public void Dispose() => _open.ForEach(open => open.Dispose());
}
