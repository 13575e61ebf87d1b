using System.Globalization;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Contracts;
using Microsoft.Extensions.Time.Testing;

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

    protected override async Task SpoilAsync(string key, string field) => await (await _house.ClientAsync()).UpdateItemAsync(
        new UpdateItemRequest
        {
            TableName = _house.Name,
            Key = DynamoTable.Key($"INBOX#{key}", "INBOX"),
            UpdateExpression = "SET #field = :nonsense",
            ExpressionAttributeNames = new() { ["#field"] = field },
            ExpressionAttributeValues = new() { [":nonsense"] = DynamoItem.Text("yesterday") },
        },
        TestContext.Current.CancellationToken);
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

    /// <summary>It would be looked for for longer than the batch that it stands in is known.</summary>
    [Fact]
    public async Task An_event_from_a_clock_far_ahead_gets_one_place_when_its_time_has_come()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
        var table = await _house.TableAsync();
        var log = new DynamoEvidenceLog(table, new DynamoTexts(table), clock);
        Assert.Empty(await log.ListUnplacedAsync(10, Stop));
        await log.RecordAsync(Happened(clock.GetUtcNow().AddMinutes(15)), Stop);

        var placed = 0;
        foreach (var minute in new[] { 0, 14, 16, 32, 33, 34, 48 })
        {
            clock.SetUtcNow(new DateTimeOffset(2026, 11, 29, 12, minute, 0, TimeSpan.Zero));
            if (await log.ListUnplacedAsync(10, Stop) is not { Count: > 0 } waiting) continue;

            var end = await log.ReadEndAsync(Stop);
            placed += waiting.Count;
            Assert.True(await log.TryAppendAsync(end, end.Version, [.. waiting.Select(one => (one, new byte[32]))],
                new LogEnd(end.Version + waiting.Count, "h", "c"), clock.GetUtcNow(), Stop));
        }

        Assert.Equal(1, placed);
    }

    /// <summary>One that stopped the reading of its hour would stop the log for ever.</summary>
    [Theory]
    [InlineData("{0}#-#Aabc", null)]
    [InlineData("{0}", "{}")]
    [InlineData("{0}#-", "{}")]
    [InlineData("{0}#-#a\nb", "{}")]
    [InlineData("{0}#-#a|b", "{}")]
    [InlineData("{0}#-#{1}", "{}")]
    public async Task An_item_that_somebody_put_into_the_journal_is_no_event_and_keeps_none_back(string sk, string? body)
    {
        var log = await _house.EvidenceAsync();
        await log.RecordAsync(Happened(Now), Stop);
        var own = (await log.ListUnplacedAsync(10, Stop)).Single();
        var client = await _house.ClientAsync();
        var item = new Dictionary<string, AttributeValue>
        {
            ["pk"] = new(own.Key.Split('|')[0]),
            ["sk"] = new(string.Format(CultureInfo.InvariantCulture, sk, Now.ToUnixTimeMilliseconds(), new string('x', 900))),
        };
        if (body is not null) item["body"] = new(body);
        await client.PutItemAsync(_house.Name, item, Stop);

        var waiting = await log.ListUnplacedAsync(10, Stop);

        Assert.Equal(2, waiting.Count);
        Assert.Equal(own.Body, waiting.Single(one => one.Key == own.Key).Body);
        Assert.Equal("", waiting.Single(one => one.Key != own.Key).Body.Json);
        Assert.Equal(2, (await log.CountUnplacedAsync(Stop)).Events);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static LogEvent Happened(DateTimeOffset at) =>
        new() { At = at, Type = "command.show_grant", By = new Actor.Sweep(), Way = Way.Worker };
}
