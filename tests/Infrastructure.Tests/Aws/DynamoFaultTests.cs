using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>What DynamoDB and the way to it can do to a store.</summary>
public sealed class DynamoFaultTests(MotoFixture moto) : IDisposable
{
    private const string Transaction = "TransactWriteItems";

    private readonly DynamoHouse _house = new(moto);
    private readonly AwsWire _wire = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_written_once_and_known_as_ours()
    {
        var store = await _house.GrantsAsync(_wire);
        var grant = Some.Active();
        _wire.LoseAnswer(Transaction);
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));

        grant.Return(Some.Engineer, Some.Now.AddMinutes(1));
        grant.End(new RemovalReceipt(Some.Now, 0, Some.Now, Some.Now, true, []), Some.Now.AddMinutes(1));
        _wire.LoseAnswer(Transaction);
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));

        Assert.Equal(4, _wire.BodiesOf(Transaction).Count);
        Assert.Equal(2, grant.State.Version);
        Assert.Equal(2, (await store.FindAsync(grant.Id, Stop))!.State.Version);
        Assert.Equal(grant.State.Events, (await store.ListEventsAsync(grant.Id, Stop)).Count);
        Assert.Equal(1, (await store.CountByStatusAsync(Stop))[GrantStatus.Ended]);
        // The client's own retry says that it is the same write, so that DynamoDB itself need not do it twice.
        Assert.Equal(2, _wire.BodiesOf(Transaction).Select(Token).Distinct().Count());
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_ours_even_when_somebody_saved_on_top_of_it()
    {
        var (store, other) = (await _house.GrantsAsync(_wire), await _house.GrantsAsync());
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        grant.Return(Some.Engineer, Some.Now.AddMinutes(1));
        _wire.LoseAnswer(Transaction, async () =>
        {
            var theirs = (await other.FindAsync(grant.Id, Stop))!;
            theirs.StepFailed("later", Some.Now.AddMinutes(2));
            Assert.Equal(SaveOutcome.Saved, await other.SaveAsync(theirs, Stop));
        });

        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));

        Assert.Equal(2, grant.State.Version);
        Assert.Equal(3, (await store.FindAsync(grant.Id, Stop))!.State.Version);
        grant.StepFailed("behind", Some.Now.AddMinutes(3));
        Assert.Equal(SaveOutcome.LostRace, await store.SaveAsync(grant, Stop));
    }

    [Fact]
    public async Task A_save_without_events_is_known_as_ours_too()
    {
        var store = await _house.GrantsAsync(_wire);
        var grant = Some.Allowed();
        await store.AddAsync(grant, Stop);
        _wire.LoseAnswer(Transaction);

        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(new Grant(grant.State with { Warned = true }), Stop));
        Assert.Equal(SaveOutcome.LostRace, await store.SaveAsync(new Grant(grant.State with { Warned = false }), Stop));
        Assert.True((await store.FindAsync(grant.Id, Stop))!.State.Warned);
    }

    [Fact]
    public async Task A_request_whose_acceptance_was_lost_on_the_way_is_accepted_and_not_a_copy_of_itself()
    {
        var inbox = await _house.InboxAsync(_wire);
        var item = new InboxItem("Ev1", "command", Some.Engineer, null, "orders read 1h", Some.Now);
        _wire.LoseAnswer(Transaction);

        Assert.True(await inbox.TryAddAsync(item, "alias", Stop));
        Assert.False(await inbox.TryAddAsync(item, "alias", Stop));
        _wire.LoseAnswer("UpdateItem");
        await inbox.FinishAsync("Ev1", Stop);

        Assert.Empty(await inbox.ListWaitingAsync(Some.Now.AddDays(1), Stop));
    }

    [Fact]
    public async Task A_request_that_is_written_after_its_caller_stopped_waiting_is_known_to_be_in_and_its_copy_is_a_copy()
    {
        var inbox = await _house.InboxAsync(_wire);
        var item = new InboxItem("Ev1", "message", Some.Engineer, null, "orders read 1h", Some.Now);
        using var budget = new CancellationTokenSource();
        var (begun, arrives) = (new TaskCompletionSource(), new TaskCompletionSource());
        _wire.Delay(Transaction, begun, arrives.Task);

        var writing = inbox.TryAddAsync(item, "alias", budget.Token);
        await begun.Task.WaitAsync(Stop);
        await budget.CancelAsync();
        arrives.SetResult();

        // What Slack sends again is a copy from now on, so the first has to be carried out: it says that it is in.
        Assert.True(await writing.WaitAsync(Patience.Limit, Stop));
        Assert.False(await inbox.TryAddAsync(item, "alias", Stop));
        Assert.Single(await inbox.ListWaitingAsync(Some.Now.AddDays(1), Stop));
    }

    [Fact]
    public async Task A_request_to_whose_writing_no_answer_ever_came_is_looked_for_before_it_is_called_lost()
    {
        var inbox = await _house.InboxAsync(_wire);
        for (var i = 0; i < 4; i++) _wire.LoseAnswer(Transaction);
        Assert.True(await inbox.TryAddAsync(new InboxItem("in", "command", Some.Engineer, null, "orders read 1h", Some.Now), null, Stop));

        _wire.Break(Transaction, null, times: 4);
        await Assert.ThrowsAsync<DynamoStoreException>(() => inbox.TryAddAsync(new InboxItem("out", "command", Some.Engineer, null, "orders read 1h", Some.Now), null, Stop));

        Assert.Equal("in", Assert.Single(await inbox.ListWaitingAsync(Some.Now.AddDays(1), Stop)).Key);
    }

    [Fact]
    public async Task A_record_whose_answer_was_lost_stands_once()
    {
        var trail = await _house.EvidenceAsync(_wire);
        _wire.LoseAnswer("PutItem");
        await trail.RecordAsync(Record("first"), Stop);
        await trail.RecordAsync(Record("second"), Stop);

        Assert.Equal(2, (await trail.ListUnplacedAsync(10, Stop)).Count);
    }

    [Fact]
    public async Task A_batch_whose_answer_was_lost_is_ours()
    {
        var log = await _house.EvidenceAsync(_wire);
        await log.RecordAsync(Record("first"), Stop);
        var waiting = await log.ListUnplacedAsync(10, Stop);
        _wire.LoseAnswer("PutItem");

        Assert.True(await log.TryAppendAsync(
            new LogEnd(0, null, null), 0, [(waiting[0], MerkleTree.LeafHash([1]))], new LogEnd(1, "h", "note"), DateTimeOffset.UtcNow, Stop));

        Assert.Equal(["note"], await log.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop));
    }

    /// <summary>A process that was frozen between stamping and writing: what it writes then is older than what was placed meanwhile.</summary>
    [Fact]
    public async Task What_comes_late_gets_its_place_all_the_same()
    {
        var log = await _house.EvidenceAsync();
        await log.RecordAsync(Record("in time"), Stop);
        var first = await log.ListUnplacedAsync(10, Stop);
        await log.TryAppendAsync(new LogEnd(0, null, null), 0, [(first[0], MerkleTree.LeafHash([1]))], new LogEnd(1, "h", "note"), DateTimeOffset.UtcNow, Stop);
        Assert.Empty(await log.ListUnplacedAsync(10, Stop));

        await log.RecordAsync(Record("late") with { At = DateTimeOffset.UtcNow.AddHours(-3) }, Stop);

        var fresh = await _house.EvidenceAsync();
        Assert.Contains("late", Assert.Single(await fresh.ListUnplacedAsync(10, Stop)).Body.Json, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_kept_before_the_log_is_carried_over_once()
    {
        var (store, grant) = await KeptBeforeTheLogAsync();
        var log = await _house.EvidenceAsync();
        await log.TryHoldAsync("me", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow, Stop);

        var carried = await log.ListUnplacedAsync(10, Stop);

        Assert.Equal(3, carried.Count);
        Assert.All(carried, one => Assert.Contains("\"carried\":true", one.Body.Json, StringComparison.Ordinal));
        Assert.Equal(carried.Select(one => one.Body), (await (await _house.EvidenceAsync()).ListUnplacedAsync(10, Stop)).Select(one => one.Body));
        Assert.True(await log.TryAppendAsync(
            new LogEnd(0, null, null), 0, [.. carried.Select(one => (one, MerkleTree.LeafHash([1])))], new LogEnd(1, "h", "note"), DateTimeOffset.UtcNow, Stop));
        Assert.Empty(await (await _house.EvidenceAsync()).ListUnplacedAsync(10, Stop));
        Assert.Equal(["grant.requested", "grant.approved"], (await store.ListEventsAsync(grant.Id, Stop)).Select(happened => happened.Type));
        grant.Abandon("since", new Actor.Sweep(), DateTimeOffset.UtcNow);
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));
        Assert.Equal(["grant.requested", "grant.approved", "grant.abandoned"], (await store.ListEventsAsync(grant.Id, Stop)).Select(happened => happened.Type));
        Assert.Single(await log.ListUnplacedAsync(10, Stop));
    }

    [Fact]
    public async Task What_was_carried_over_waits_again_when_a_repair_takes_its_place()
    {
        await KeptBeforeTheLogAsync();
        var log = await _house.EvidenceAsync();
        await log.TryHoldAsync("me", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow, Stop);
        var carried = (await log.ListUnplacedAsync(10, Stop)).ToList();
        Assert.True(await AppendAsync(0, 1));
        var kept = await log.ReadEndAsync(Stop);
        Assert.True(await AppendAsync(1, 2));
        Assert.Empty(await log.ListUnplacedAsync(10, Stop));

        for (var again = 0; again < 2; again++) await log.GoBackAsync(kept with { Version = 0 }, 1, DateTimeOffset.UtcNow, Stop);

        foreach (var look in new[] { log, await _house.EvidenceAsync() })
        {
            Assert.Equal(carried.Skip(1).Select(one => one.Body), (await look.ListUnplacedAsync(10, Stop)).Select(one => one.Body));
            Assert.Equal(2, (await look.CountUnplacedAsync(Stop)).Events);
        }

        async Task<bool> AppendAsync(int first, int count) => await log.TryAppendAsync(
            await log.ReadEndAsync(Stop), first, [.. carried.Skip(first).Take(count).Select(one => (one, MerkleTree.LeafHash([1])))],
            new LogEnd(first + count, "h", SignedCheckpoint.Of(new Checkpoint("dbaccess/test", first + count, new byte[32], DateTimeOffset.UtcNow), new byte[4], [1]).Note()), DateTimeOffset.UtcNow, Stop);
    }

    /// <summary>What a version before the evidence log wrote, in its own shapes: a grant with two events, and one attempt.</summary>
    private async Task<(IGrantStore Store, Grant Grant)> KeptBeforeTheLogAsync()
    {
        var (store, client) = (await _house.GrantsAsync(), await _house.ClientAsync());
        var grant = Some.Allowed();
        await store.AddAsync(grant, Stop);
        // Its two events as they were before, and no word of instants in the grant.
        await client.UpdateItemAsync(new UpdateItemRequest { TableName = _house.Name, Key = DynamoTable.Key($"GRANT#{grant.Id}", "GRANT"), UpdateExpression = "REMOVE moments" }, Stop);
        foreach (var item in (await client.ScanAsync(new ScanRequest(_house.Name), Stop)).Items.Where(item => item["pk"].S.StartsWith("JOURNAL#", StringComparison.Ordinal)))
            await client.DeleteItemAsync(_house.Name, DynamoTable.Key(item["pk"].S, item["sk"].S), Stop);
        foreach (var (number, type) in ((int, string)[])[(1, "grant.requested"), (2, "grant.approved")])
            await client.PutItemAsync(_house.Name, new Dictionary<string, AttributeValue>(DynamoTable.Key($"GRANT#{grant.Id}", $"EVENT#{number:D6}"))
            {
                ["at"] = new("2026-03-02T14:00:00.0000000Z"), ["type"] = new(type), ["by"] = new("sweep"), ["to"] = new("Approved"), ["note"] = new("why"), ["write_id"] = new("w"),
            }, Stop);
        await client.PutItemAsync(_house.Name, new Dictionary<string, AttributeValue>(DynamoTable.Key("AUDIT", "ROW#000000000001"))
        {
            ["at"] = new("2026-03-02T14:00:00.0000000Z"), ["action"] = new("CreateGrant"), ["by"] = new("sweep"), ["subject"] = new("orders/read"), ["outcome"] = new("done"), ["hash"] = DynamoItem.Bytes([1]), ["write_id"] = new("w"),
        }, Stop);
        return (store, grant);
    }

    [Theory]
    [InlineData("ProvisionedThroughputExceededException", "")]
    [InlineData("ThrottlingException", "")]
    [InlineData("RequestLimitExceeded", "")]
    [InlineData("TransactionInProgressException", "")]
    [InlineData("TransactionCanceledException", """{"Code":"None"},{"Code":"TransactionConflict","Message":"x"}""")]
    [InlineData("TransactionCanceledException", """{"Code":"ThrottlingError"},{"Code":"TransactionConflict"}""")]
    [InlineData("TransactionCanceledException", """{"Code":"ProvisionedThroughputExceeded"}""")]
    public async Task What_passes_is_tried_again(string code, string reasons)
    {
        var store = await _house.GrantsAsync(_wire, retries: 0);
        var grant = Some.Allowed();
        _wire.Fail(Transaction, code, times: 3, more: reasons.Length > 0 ? $",\"CancellationReasons\":[{reasons}]" : "");

        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));

        Assert.Equal(4, _wire.BodiesOf(Transaction).Count);
        Assert.NotNull(await store.FindAsync(grant.Id, Stop));
    }

    [Fact]
    public async Task What_does_not_pass_ends_in_an_error_that_says_so()
    {
        var store = await _house.GrantsAsync(_wire, retries: 0);
        var grant = Some.Allowed();

        _wire.Fail(Transaction, "ProvisionedThroughputExceededException", times: 10);
        var throttled = await Assert.ThrowsAsync<DynamoStoreException>(() => store.AddAsync(grant, Stop));
        _wire.Fail(Transaction, "TransactionCanceledException", more: ""","CancellationReasons":[{"Code":"ValidationError","Message":"MARKER"}]""");
        var refused = await Assert.ThrowsAsync<DynamoStoreException>(() => store.AddAsync(grant, Stop));

        Assert.Contains("throttling", throttled.Message, StringComparison.Ordinal);
        Assert.Contains("ValidationError", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", refused.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, grant.State.Version);
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));
    }

    [Fact]
    public async Task A_throttled_read_is_tried_again()
    {
        var store = await _house.GrantsAsync(_wire, retries: 0);
        var grant = Some.Allowed();
        await store.AddAsync(grant, Stop);

        _wire.Fail("GetItem", "ThrottlingException", times: 2);
        Assert.NotNull(await store.FindAsync(grant.Id, Stop));
        _wire.Fail("BatchGetItem", "ProvisionedThroughputExceededException", times: 2);
        Assert.Single(await store.ListDueAsync(Some.Now, 10, Stop));
    }

    [Theory]
    [InlineData("ExpiredTokenException", HttpStatusCode.BadRequest, "have expired")]
    [InlineData("UnrecognizedClientException", HttpStatusCode.BadRequest, "does not accept the credentials")]
    [InlineData("InvalidSignatureException", HttpStatusCode.BadRequest, "does not accept the credentials")]
    [InlineData("AccessDeniedException", HttpStatusCode.BadRequest, "denies it")]
    [InlineData("InternalServerError", HttpStatusCode.InternalServerError, "HTTP 500")]
    [InlineData("SomethingNew", HttpStatusCode.BadRequest, "SomethingNew")]
    public async Task An_error_says_what_to_look_at_and_holds_nothing_secret(string code, HttpStatusCode status, string words)
    {
        var store = await _house.GrantsAsync(_wire, retries: 0);
        _wire.Fail("GetItem", code, message: $"The canonical request was {AwsWire.SessionToken}", status: status);
        var read = await Assert.ThrowsAsync<DynamoStoreException>(() => store.FindAsync(GrantId.New(), Stop));
        _wire.Fail(Transaction, code, message: $"The canonical request was {AwsWire.SessionToken}", status: status);
        var written = await Assert.ThrowsAsync<DynamoStoreException>(() => store.AddAsync(Some.Allowed(), Stop));

        foreach (var failure in (Exception[])[read, written])
        {
            Assert.Contains(words, failure.Message, StringComparison.Ordinal);
            Assert.Contains(_house.Name, failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("MARKER", failure.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.BadGateway)]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(null)]
    public async Task A_server_error_or_a_timeout_is_tried_again_and_a_write_stands_once(HttpStatusCode? status)
    {
        var store = await _house.GrantsAsync(_wire);
        var grant = Some.Allowed();
        _wire.Break(Transaction, status, times: 2);

        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(grant, Stop));
        _wire.Break("GetItem", status, times: 2);
        Assert.Equal(1, (await store.FindAsync(grant.Id, Stop))!.State.Version);

        Assert.Equal(3, _wire.BodiesOf(Transaction).Count);
        Assert.Single(_wire.BodiesOf(Transaction).Select(Token).Distinct());
    }

    [Theory]
    [InlineData(-20)]
    [InlineData(20)]
    public async Task A_clock_that_is_off_is_put_right_by_what_AWS_says(int minutes)
    {
        var store = await _house.GrantsAsync(_wire);
        _wire.Skew("Query", TimeSpan.FromMinutes(minutes));

        Assert.Null(await store.NextDueAsync(Stop));

        // The parts of the index and the one that was refused, sent again with AWS's time.
        var dates = _wire.DatesOf("Query").Select(date => DateTimeOffset.ParseExact(date, "yyyyMMdd'T'HHmmss'Z'", System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal)).ToList();
        Assert.Equal(DynamoGrantStore.DueParts.Count + 1, dates.Count);
        Assert.Contains(dates, date => Math.Abs((date - DateTimeOffset.UtcNow).TotalMinutes - minutes) < 2);
    }

    [Fact]
    public async Task Keys_that_ran_out_are_an_error_that_says_so_and_new_ones_count_without_a_restart()
    {
        await _house.TableAsync();
        var keys = new RenewedKeys();
        using var client = _wire.DynamoDb(await moto.EndpointAsync(), 0, keys);
        var table = new DynamoTable(client, _house.Name, TimeProvider.System);
        var store = new DynamoGrantStore(table, new DynamoTexts(table), Unreadable.New());
        _wire.Fail("GetItem", "ExpiredTokenException");

        var failure = await Assert.ThrowsAsync<DynamoStoreException>(() => store.FindAsync(GrantId.New(), Stop));
        keys.Renew();

        Assert.Contains("credentials of this process have expired", failure.Message, StringComparison.Ordinal);
        Assert.Null(await store.FindAsync(GrantId.New(), Stop));
        Assert.Equal(2, keys.Given);
    }

    [Fact]
    public async Task Where_nobody_listens_the_error_says_so()
    {
        using var client = _wire.DynamoDb(new Uri("http://127.0.0.1:9"), retries: 0);
        var table = new DynamoTable(client, "grants", TimeProvider.System);
        var store = new DynamoGrantStore(table, new DynamoTexts(table), Unreadable.New());

        var failure = await Assert.ThrowsAsync<DynamoStoreException>(() => store.NextDueAsync(Stop));

        Assert.Contains("does not answer", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_table_is_named_with_what_makes_it()
    {
        var table = new DynamoTable(await _house.ClientAsync(), MotoFixture.Unique("missing"), TimeProvider.System);
        var store = new DynamoGrantStore(table, new DynamoTexts(table), Unreadable.New());

        foreach (var call in (Func<Task>[])[() => table.OpenAsync(Stop), () => store.FindAsync(GrantId.New(), Stop), () => store.AddAsync(Some.Allowed(), Stop), () => store.NextDueAsync(Stop)])
        {
            var failure = await Assert.ThrowsAsync<DynamoStoreException>(call);
            Assert.Contains($"table {table.Name} does not exist", failure.Message, StringComparison.Ordinal);
            Assert.Contains("store init", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_table_without_its_indexes_is_refused_at_the_start_and_at_the_use()
    {
        var client = await _house.ClientAsync();
        var name = MotoFixture.Unique("bare");
        await client.CreateTableAsync(
            new CreateTableRequest(name, [new("pk", KeyType.HASH), new("sk", KeyType.RANGE)], [new("pk", ScalarAttributeType.S), new("sk", ScalarAttributeType.S)], null)
            {
                BillingMode = BillingMode.PAY_PER_REQUEST,
            },
            Stop);
        var table = new DynamoTable(client, name, TimeProvider.System);
        var whole = await _house.GrantsAsync(_wire);
        // As DynamoDB itself puts it; the emulator has other words.
        _wire.Fail("Query", "ValidationException", message: "The table does not have the specified index: due");

        var atStart = await Assert.ThrowsAsync<DynamoStoreException>(() => table.OpenAsync(Stop));
        var made = await Assert.ThrowsAsync<DynamoStoreException>(() => table.CreateAsync(Stop));
        var store = new DynamoGrantStore(table, new DynamoTexts(table), Unreadable.New());
        var used = await Assert.ThrowsAsync<DynamoStoreException>(() => store.NextDueAsync(Stop));
        var scanned = await Assert.ThrowsAsync<DynamoStoreException>(() => store.ListLiveAsync(null, 10, Stop));
        var told = await Assert.ThrowsAsync<DynamoStoreException>(() => whole.NextDueAsync(Stop));

        Assert.Contains("lacks the index due (due_shard, due_at)", atStart.Message, StringComparison.Ordinal);
        Assert.Equal(atStart.Message, made.Message);
        Assert.All((Exception[])[used, scanned, told], failure => Assert.Contains("lacks an index", failure.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_index_of_somebody_elses_that_is_being_built_does_not_keep_anybody_from_starting_and_one_of_ours_does()
    {
        var table = await _house.TableAsync(_wire);
        _wire.Rewrite("DescribeTable", answer => answer["Table"]!["GlobalSecondaryIndexes"]!.AsArray().Add(new JsonObject { ["IndexName"] = "by-ticket", ["IndexStatus"] = "CREATING" }));
        await table.OpenAsync(Stop);

        _wire.Rewrite("DescribeTable", answer => answer["Table"]!["GlobalSecondaryIndexes"]!.AsArray().Single(index => index!["IndexName"]!.GetValue<string>() == "due")!["IndexStatus"] = "CREATING");
        Assert.Contains("is not ready yet", (await Assert.ThrowsAsync<DynamoStoreException>(() => table.OpenAsync(Stop))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_is_made_once_with_everything_that_belongs_to_it()
    {
        var table = await _house.TableAsync();
        await table.CreateAsync(Stop);
        await table.OpenAsync(Stop);
        var client = await _house.ClientAsync();

        var made = (await client.DescribeTableAsync(_house.Name, Stop)).Table;
        Assert.True(made.DeletionProtectionEnabled);
        Assert.Equal(["due", "live", "person"], made.GlobalSecondaryIndexes.Select(index => index.IndexName).Order());
        Assert.Equal("purge_at", (await client.DescribeTimeToLiveAsync(_house.Name, Stop)).TimeToLiveDescription.AttributeName);
        var backups = await client.DescribeContinuousBackupsAsync(new DescribeContinuousBackupsRequest { TableName = _house.Name }, Stop);
        Assert.Equal(PointInTimeRecoveryStatus.ENABLED, backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus);
    }

    [Fact]
    public async Task What_is_too_large_for_an_item_is_refused_before_it_is_sent()
    {
        var store = await _house.GrantsAsync(_wire);
        // Of six bits a letter: it is compressed before it is weighed.
        var grant = new Grant(Some.Allowed().State with { Reason = Incompressible(580_000) });

        var failure = await Assert.ThrowsAsync<DynamoStoreException>(() => store.AddAsync(grant, Stop));

        Assert.Contains("at most 400 KB", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(grant.State.Reason[..8], failure.Message, StringComparison.Ordinal);
        Assert.Empty(_wire.BodiesOf(Transaction));
        Assert.Equal(SaveOutcome.Saved, await store.AddAsync(new Grant(grant.State with { Reason = Incompressible(500_000) }), Stop));
    }

    private static string Incompressible(int letters) =>
        RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", letters);

    [Fact]
    public async Task More_than_DynamoDB_writes_at_once_is_refused_before_it_is_sent()
    {
        var store = await _house.GrantsAsync(_wire);
        var grant = Some.Active();
        for (var i = 0; grant.NewEvents.Count < 100; i++) grant.StepFailed($"{i}", Some.Now.AddSeconds(i));

        var failure = await Assert.ThrowsAsync<DynamoStoreException>(() => store.AddAsync(grant, Stop));

        Assert.Contains("at most 100 items at once, and this write has 101", failure.Message, StringComparison.Ordinal);
        Assert.Empty(_wire.BodiesOf(Transaction));
        Assert.Null(await store.FindAsync(grant.Id, Stop));
    }

    [Fact]
    public async Task What_DynamoDB_did_not_get_to_in_one_answer_is_asked_for_again()
    {
        var store = await _house.GrantsAsync(_wire);
        HashSet<GrantId> added = [];
        for (var i = 0; i < 3; i++)
        {
            var grant = Some.Allowed();
            await store.AddAsync(grant, Stop);
            added.Add(grant.Id);
        }

        _wire.Forget();
        _wire.LeaveUnprocessed(times: 2);
        Assert.Equal(added, (await store.ListDueAsync(Some.Now, 100, Stop)).Select(grant => grant.Id).ToHashSet());
        Assert.Equal(3, _wire.BodiesOf("BatchGetItem").Count);

        _wire.LeaveUnprocessed(times: 10);
        var failure = await Assert.ThrowsAsync<DynamoStoreException>(() => store.ListDueAsync(Some.Now, 100, Stop));
        Assert.Contains("throttling", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_go_on_past_the_megabyte_at_which_DynamoDB_ends_a_page()
    {
        var store = await _house.GrantsAsync(_wire);
        var filled = await _house.GrantsAsync(new AwsWire { Fills = true });
        var added = new List<GrantId>();
        for (var i = 0; i < 120; i++)
        {
            var grant = new Grant(Some.Allowed(Some.Now.AddSeconds(i)).State with { Reason = Incompressible(60_000), StepDueAt = Some.Now.AddSeconds(500 - i) });
            Assert.Equal(SaveOutcome.Saved, await filled.AddAsync(grant, Stop));
            added.Add(grant.Id);
        }

        _wire.Forget();
        Assert.Equal(Enumerable.Reverse(added), (await store.ListDueAsync(Some.Now.AddHours(1), 1000, Stop)).Select(grant => grant.Id));
        Assert.True(_wire.BodiesOf("Query").Count > DynamoGrantStore.DueParts.Count, "Every shard fitted into one page: the test does not test what it says.");
        Assert.Equal(Enumerable.Reverse(added), (await store.ListByRequesterAsync(Some.Engineer, 1000, Stop)).Select(grant => grant.Id));
        Assert.Equal(120, (await store.ListLiveAsync(null, 1000, Stop)).Count);
        Assert.True(_wire.BodiesOf("Scan").Count > 1);
        Assert.Equal(120, (await store.CountByStatusAsync(Stop))[GrantStatus.Approved]);
        Assert.Equal(Enumerable.Reverse(added).Take(7), (await store.ListDueAsync(Some.Now.AddHours(1), 7, Stop)).Select(grant => grant.Id));
    }

    [Fact]
    public async Task A_story_longer_than_a_page_is_told_to_its_end()
    {
        var store = await _house.GrantsAsync(_wire);
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        for (var i = 0; i < 40; i++)
        {
            grant.StepFailed($"{i} {new string('x', 30_000)}", Some.Now.AddSeconds(i));
            Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(grant, Stop));
        }

        _wire.Forget();
        var events = await store.ListEventsAsync(grant.Id, Stop);

        Assert.Equal(Enumerable.Range(1, grant.State.Events), events.Select(happened => happened.Sequence));
        Assert.True(events.Sum(happened => happened.Note?.Length ?? 0) > 1_100_000);
        Assert.Single(_wire.BodiesOf("GetItem"));
    }

    [Fact]
    public async Task What_the_index_says_too_late_is_not_believed()
    {
        var (store, other) = (await _house.GrantsAsync(_wire), await _house.GrantsAsync());
        var moved = Some.Allowed();
        var due = Some.Allowed(Some.Now.AddSeconds(1));
        await store.AddAsync(moved, Stop);
        await store.AddAsync(due, Stop);
        // Taken by another worker between our reading of the index and our reading of the grants.
        _wire.After("Query", async () =>
        {
            var theirs = (await other.FindAsync(moved.Id, Stop))!;
            Assert.Equal(SaveOutcome.Saved, await other.SaveAsync(new Grant(theirs.State with { StepDueAt = Some.Now.AddHours(2) }), Stop));
        });

        Assert.Equal([due.Id], (await store.ListDueAsync(Some.Now.AddMinutes(1), 10, Stop)).Select(grant => grant.Id));
    }

    [Fact]
    public async Task Only_what_has_ended_and_is_exported_is_ever_purged()
    {
        var store = await _house.GrantsAsync();
        var table = await _house.TableAsync();
        var grant = Some.Active();
        await store.AddAsync(grant, Stop);
        await store.MayGoAsync(grant.Id, Some.Now.AddDays(400), Stop);
        Assert.Null((await ItemAsync()).NumberOf("purge_at"));
        Assert.NotNull((await ItemAsync()).TextOf("live_database"));

        grant.Return(Some.Engineer, Some.Now.AddMinutes(1));
        await store.SaveAsync(grant, Stop);
        Assert.Null((await ItemAsync()).NumberOf("purge_at"));

        grant.End(new RemovalReceipt(Some.Now, 0, Some.Now, Some.Now, true, []), Some.Now.AddMinutes(2));
        await store.SaveAsync(grant, Stop);
        Assert.Null((await ItemAsync()).NumberOf("purge_at"));
        Assert.Null((await ItemAsync()).TextOf("live_database"));

        await store.MayGoAsync(grant.Id, Some.Now.AddDays(400), Stop);
        await store.MayGoAsync(GrantId.Parse("AAAA-AA")!, Some.Now, Stop);
        Assert.Equal(Some.Now.AddDays(400).ToUnixTimeSeconds(), (await ItemAsync()).NumberOf("purge_at"));
        Assert.Null(await table.FindAsync("GRANT#AAAA-AA", "GRANT", Stop));

        // What is told about it afterwards is not exported yet.
        var again = (await store.FindAsync(grant.Id, Stop))!;
        Assert.Equal(SaveOutcome.Saved, await store.SaveAsync(again, Stop));
        Assert.Null((await ItemAsync()).NumberOf("purge_at"));

        async Task<Dictionary<string, AttributeValue>> ItemAsync() => (await table.FindAsync($"GRANT#{grant.Id}", "GRANT", Stop))!;
    }

    [Fact]
    public async Task What_a_newer_version_or_AWS_adds_is_no_fault()
    {
        var store = await _house.GrantsAsync();
        var grant = Some.Allowed();
        await store.AddAsync(grant, Stop);
        await (await _house.ClientAsync()).UpdateItemAsync(new UpdateItemRequest
        {
            TableName = _house.Name, Key = DynamoTable.Key($"GRANT#{grant.Id}", "GRANT"), UpdateExpression = "SET novelty = :x", ExpressionAttributeValues = new() { [":x"] = new() { M = new() { ["a"] = new("b") } } },
        }, Stop);

        Assert.NotNull(await store.FindAsync(grant.Id, Stop));
        Assert.Single(await store.ListDueAsync(Some.Now, 10, Stop));
    }

    /// <summary>What a grant costs from its making to its end, in requests and in write units as AWS counts them; printed for the figures in the documents.</summary>
    [Fact]
    public async Task A_sweep_with_nothing_due_asks_once_per_part_and_a_save_is_one_request()
    {
        var store = await _house.GrantsAsync(_wire);
        var grant = Some.Allowed();
        await store.AddAsync(grant, Stop);
        Assert.Equal([Transaction], _wire.Operations);

        _wire.Forget();
        Assert.Empty(await store.ListDueAsync(Some.Now.AddDays(-1), 1000, Stop));
        Assert.Equal(Enumerable.Repeat("Query", DynamoGrantStore.DueParts.Count), _wire.Operations);

        _wire.Forget();
        Assert.Single(await store.ListDueAsync(Some.Now, 1000, Stop));
        Assert.Equal([.. Enumerable.Repeat("Query", DynamoGrantStore.DueParts.Count), "BatchGetItem"], _wire.Operations);

        _wire.Forget();
        await store.FindAsync(grant.Id, Stop);
        grant.BeginProvisioning(Domain.Grants.RoleName.ForGrant(Some.Installation, grant.Id, "erin"), Some.Now, TimeSpan.FromSeconds(60));
        await store.SaveAsync(grant, Stop);
        grant.RoleMade(16_500, Some.Plan, Some.Now);
        await store.SaveAsync(grant, Stop);
        grant.Activate(new MessageRef("D0ENGDM01", "1767225601.000200"), Some.Now);
        await store.SaveAsync(grant, Stop);
        var expiry = grant.State.Window!.Expiry;
        grant.Expire(expiry);
        await store.SaveAsync(grant, Stop);
        grant.BeginRemoval(expiry, TimeSpan.FromSeconds(60));
        await store.SaveAsync(grant, Stop);
        grant.End(new RemovalReceipt(expiry, 0, expiry, expiry, true, []), expiry);
        await store.SaveAsync(grant, Stop);
        grant.Told(NoticeKind.Ended, null, expiry);
        await store.SaveAsync(grant, Stop);

        var saves = _wire.BodiesOf(Transaction);
        Assert.Equal(7, saves.Count);
        var (units, written) = (0, "");
        Dictionary<string, string> before = new(StringComparer.Ordinal);
        foreach (var save in saves)
        {
            var items = Items(save);
            // A transaction costs twice: two units for each kilobyte begun. An index costs one for an entry made, changed or taken away, two for one that moves.
            var (own, index) = (items.Sum(item => 2 * ((Size(item) + 1023) / 1024)), 0);
            if (before.Count > 0)
            {
                index += Moved("due_shard", "due_at") ? 2 : items[0].GetValueOrDefault("status") != before["status"] ? 1 : 0;
                if (Moved("live_database", "created_at")) index++;
            }

            (units, written) = (units + own + index, $"{written}\n{string.Join(" + ", items.Select(Size))} bytes: {own} units, indexes {index}");
            before = items[0];

            bool Moved(string hash, string range) => items[0].GetValueOrDefault(hash) != before.GetValueOrDefault(hash) || items[0].GetValueOrDefault(range) != before.GetValueOrDefault(range);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{units} write units after the first save of 7{written}");
        Assert.InRange(units, 1, 90);
    }

    /// <summary>The items of a transaction, as plain text; an update by what it sets.</summary>
    private static List<Dictionary<string, string>> Items(string transaction)
    {
        using var body = JsonDocument.Parse(transaction);
        return [.. body.RootElement.GetProperty("TransactItems").EnumerateArray().Select(item => item.TryGetProperty("Put", out var put)
            ? put.GetProperty("Item").EnumerateObject().ToDictionary(attribute => attribute.Name, attribute => attribute.Value.EnumerateObject().Single().Value.ToString(), StringComparer.Ordinal)
            : Set(item.GetProperty("Update")))];

        static Dictionary<string, string> Set(JsonElement update) => update.GetProperty("ExpressionAttributeNames").EnumerateObject().ToDictionary(
            name => name.Value.GetString()!,
            name => update.GetProperty("ExpressionAttributeValues").TryGetProperty(":" + name.Name[1..], out var value) ? value.EnumerateObject().Single().Value.ToString() : "1",
            StringComparer.Ordinal);
    }

    private static int Size(Dictionary<string, string> item) => item.Sum(pair => System.Text.Encoding.UTF8.GetByteCount(pair.Key) + System.Text.Encoding.UTF8.GetByteCount(pair.Value));

    public void Dispose() => _house.Dispose();

    /// <summary>Keys as a role of a task has them: others after a while.</summary>
    private sealed class RenewedKeys : AWSCredentials
    {
        private readonly HashSet<string> _given = [];
        private int _generation = 1;

        public int Given => _given.Count;

        public void Renew() => _generation++;

        public override ImmutableCredentials GetCredentials()
        {
            _given.Add($"AKIDTEST{_generation}");
            return new ImmutableCredentials($"AKIDTEST{_generation}", AwsWire.SecretKey, AwsWire.SessionToken);
        }
    }

    private static string Token(string body)
    {
        using var json = JsonDocument.Parse(body);
        return json.RootElement.GetProperty("ClientRequestToken").GetString()!;
    }

    private static LogEvent Record(string subject) => new()
    {
        At = DateTimeOffset.UtcNow, Type = "command.create_grant", By = new Actor.Sweep(), Way = Way.Worker, Outcome = "done",
        What = [new Fact.Text("subject", subject)],
    };
}
