using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>Each kilobyte of an item costs, and twice that in a transaction.</summary>
public sealed class DynamoWeightTests(MotoFixture moto) : IDisposable
{
    private readonly DynamoHouse _house = new(moto);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _house.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(14)]
    [InlineData(17)]
    public async Task What_a_making_or_a_removal_ran_weighs_one_kilobyte_and_is_read_as_it_was(int major)
    {
        var store = await _house.GrantsAsync();
        var grant = Some.Active();
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));
        var sql = major == 0 ? Making(grant) : Removal(major, grant);

        Assert.Null(grant.Ran(sql, 2, Some.Now.AddMinutes(1), ended => ended.Return(Some.Engineer, Some.Now.AddMinutes(1))).Refusal);
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));

        var items = await ItemsAsync();
        var statements = Assert.Single(items, item => item.PackedTextOf("body")?.Contains("\"type\":\"grant.statements\"", StringComparison.Ordinal) == true);
        Assert.InRange(DynamoItem.Size(statements), 1, 1024);
        // The whole of it each time something happens.
        Assert.InRange(DynamoItem.Size(items.Single(item => item["sk"].S == "GRANT")), 1, 2048);
        Assert.Equal(major == 0 ? 0 : 2, items.Count(item => item["pk"].S == "TEXT"));
        // Another process, and the log.
        Assert.Equal(sql, (await (await _house.GrantsAsync()).ListEventsAsync(grant.Id, Stop)).Single(happened => happened.Type == GrantEvent.Statements).Note);
        var log = await _house.EvidenceAsync();
        var end = await log.ReadEndAsync(Stop);
        Assert.DoesNotContain(await log.ListUnplacedAsync(100, Stop), one => one.Body.Open?.Contains('\u0001', StringComparison.Ordinal) == true);
        Assert.Equal(0, end.Version);
    }

    [Fact]
    public async Task What_another_version_kept_is_read_from_the_table_and_what_is_lost_is_no_value()
    {
        var table = await _house.TableAsync();
        var text = new Dictionary<string, AttributeValue>(DynamoTable.Key("TEXT", "0123456789abcdef"));
        text.SetPacked("text", new string('x', 5_000));
        await table.TryPutAsync(text, "attribute_not_exists(pk)", Stop);
        var referring = new Dictionary<string, AttributeValue> { [DynamoTexts.Attribute] = DynamoItem.Text("0123456789abcdef fedcba9876543210") };

        var texts = new DynamoTexts(table);
        await texts.ReadyAsync([referring], Stop);

        Assert.Equal($"a {new string('x', 5_000)} b", texts.Whole("a \u00010123456789abcdef\u0001 b"));
        Assert.Null(texts.Whole("a \u0001fedcba9876543210\u0001 b"));
        Assert.Equal("a b", texts.Whole("a b"));
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[0])]
    public async Task Bytes_that_nobody_of_ours_wrote_stop_nothing_and_are_no_value(byte[] packed)
    {
        var log = await _house.EvidenceAsync();
        foreach (var reason in (string[])["one", "another"])
            await log.RecordAsync(new LogEvent
            {
                At = TimeProvider.System.GetUtcNow(), Type = "command.create_grant", By = new Actor.Sweep(), Way = Way.CommandLine, Outcome = "done",
                What = [new Fact.Sealed("reason", reason)],
            }, Stop);
        var item = (await ItemsAsync()).First(item => item.ContainsKey("open"));
        item.Remove("open");
        item["open_br"] = DynamoItem.Bytes(packed);
        await (await _house.ClientAsync()).PutItemAsync(_house.Name, item, Stop);

        var waiting = await log.ListUnplacedAsync(10, Stop);

        Assert.Equal(2, waiting.Count);
        // Sequencing says of it that what is sealed in it is gone.
        Assert.Single(waiting, one => one.Body.Open is null);
    }

    private static string Making(Grant grant)
    {
        using var ran = RanStatements.Begin(TimeProvider.System);
        ran.Add("orders at orders-prod.cluster-c0ffee0decaf.eu-west-1.rds.amazonaws.com:5432",
        [
            new Asked($"CREATE ROLE {grant.State.Role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT CONNECTION LIMIT 5 VALID UNTIL '2026-01-01T00:30:00Z' PASSWORD 'x'") { Secret = "x" }.ForRecord(),
            new Asked($"COMMENT ON ROLE {grant.State.Role} IS '{{\"dbaccess\":1,\"installation\":\"test\",\"grant\":\"{grant.Id}\",\"database\":\"orders\",\"until\":\"2026-01-01T00:30:00Z\"}}'").ForRecord(),
            new Asked($"GRANT dba_s_test_orders_read_0123456789abcdef TO {grant.State.Role} WITH INHERIT TRUE, SET FALSE").ForRecord(),
        ], 9);
        return ran.Text;
    }

    private static string Removal(int major, Grant grant)
    {
        using var ran = RanStatements.Begin(TimeProvider.System);
        ran.Add("orders at orders-prod.cluster-c0ffee0decaf.eu-west-1.rds.amazonaws.com:5432",
        [
            new Asked(RemovalStatements.For(major).Strike).ForRecord(),
            new Asked(SessionStatements.EndSessions, "16401", grant.State.Role!.Value, "{\"dbaccess\":1,\"installation\":\"test\",", "{dba_s_test_orders_read_0123456789abcdef}", "{\"dbaccess\":1,").ForRecord(),
        ], 2);
        ran.Remark("orders at orders-prod.cluster-c0ffee0decaf.eu-west-1.rds.amazonaws.com:5432", $"dbaccess.strike = drop, dbaccess.found = 16401, dbaccess.ident = {grant.State.Role}");
        return ran.Text;
    }

    private async Task<List<Dictionary<string, AttributeValue>>> ItemsAsync() =>
        (await (await _house.ClientAsync()).ScanAsync(new ScanRequest(_house.Name) { ConsistentRead = true }, Stop)).Items;
}
