using System.Text.Json;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests;

public sealed class GrantJsonTests
{
    private const string Id = "K7Q3-MD";

    private static GrantSnapshot Grant { get; } = MaximalGrant.Snapshot(GrantId.Parse(Id)!);

    /// <summary>The baseline is what stores out there hold. If this fails after a change of the snapshot, old grants have become unreadable or are written otherwise: raise the version and keep reading the old one.</summary>
    [Fact]
    public async Task A_grant_is_written_as_it_always_was()
    {
        var baseline = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Sqlite", "grant-v1.json"), TestContext.Current.CancellationToken);

        Assert.Equal(JsonNode.Parse(baseline)!.ToJsonString(), JsonNode.Parse(GrantJson.Write(Grant))!.ToJsonString());
        Assert.Equal(GrantJson.Write(Grant), GrantJson.Write(GrantJson.Read(Id, baseline)));
    }

    /// <summary>Written by the first release: no several databases, narrowing, plan, and receipts with less in them. Lists that were not written are empty, not missing.</summary>
    [Fact]
    public async Task A_grant_of_the_first_release_is_read()
    {
        var first = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Sqlite", "grant-v1-first.json"), TestContext.Current.CancellationToken);

        var read = GrantJson.Read(Id, first);

        Assert.Equal((0, 0, 0, 0, 0), (read.Target.Also.Count, read.Scope.NarrowedTo.Count, read.Receipt!.Dropped.Count, read.Receipt.Remarks.Count, read.Receipt.Instances.Count));
        Assert.Null(read.Plan);
        Assert.All(read.Scope.Privileges, rule => Assert.True(rule is { Database: null, On: { Pattern: null, OfTable: null } }));
        Assert.Equal((Grant.Role, Grant.Reason, Grant.Receipt!.SessionsEnded, Grant.Scope.RunAs), (read.Role, read.Reason, read.Receipt.SessionsEnded, read.Scope.RunAs));
    }

    [Theory]
    [InlineData(typeof(GrantStatus), "Pending,Approved,Provisioning,Active,Revoking,Quarantined,Ended,Denied,Cancelled,Lapsed,Failed")]
    [InlineData(typeof(EndReason), "Expired,Returned,Revoked,Superseded")]
    [InlineData(typeof(NoticeKind), "Ending,Ended,Failed")]
    [InlineData(typeof(Domain.Scopes.Privilege), "Select,Insert,Update,Delete,Truncate,References,Trigger,Maintain,Usage,Execute")]
    [InlineData(typeof(Domain.Scopes.ObjectKind), "Table,Sequence,Function,Schema,View")]
    public void Words_that_stores_hold_keep_their_meaning(Type words, string known) =>
        Assert.Equal(known.Split(','), Enum.GetNames(words).Where(name => known.Split(',').Contains(name)));

    [Fact]
    public void A_receipt_of_an_earlier_program_says_nothing_of_what_it_did_not_look_at()
    {
        var document = JsonNode.Parse(GrantJson.Write(Grant))!;
        foreach (var later in (string[])["dropped", "remarks", "instances", "left", "overrun", "activity"]) document["grant"]!["receipt"]!.AsObject().Remove(later);

        var receipt = GrantJson.Read(Id, document.ToJsonString()).Receipt!;

        Assert.Equal(8, receipt.SessionsEnded);
        Assert.Equal((0, 0, 0), (receipt.Dropped.Count, receipt.Remarks.Count, receipt.Instances.Count));
        Assert.True(receipt is { Left: null, Overrun: null, Activity: null });
    }

    [Fact]
    public void A_plan_of_an_earlier_program_has_no_remarks()
    {
        var document = JsonNode.Parse(GrantJson.Write(Grant))!;
        document["grant"]!["plan"]!.AsObject().Remove("remarks");

        Assert.Empty(GrantJson.Read(Id, document.ToJsonString()).Plan!.Remarks);
    }

    [Fact]
    public void What_a_later_program_added_is_ignored()
    {
        var document = JsonNode.Parse(GrantJson.Write(Grant))!;
        document["note"] = "new";
        document["grant"]!["colour"] = new JsonObject { ["deep"] = true };
        document["grant"]!["scope"]!["masking"] = new JsonArray(1, 2);
        document["grant"]!["receipt"]!["digest"] = "x";

        Assert.Equal(GrantJson.Write(Grant), GrantJson.Write(GrantJson.Read(Id, document.ToJsonString())));
    }

    [Theory]
    [InlineData("""{"v":2,"grant":{}}""", "version 2")]
    [InlineData("""{"grant":{}}""", "not a grant's document")]
    [InlineData("""{"v":"1","grant":{}}""", "not a grant's document")]
    [InlineData("""{"v":1}""", "not a grant's document")]
    [InlineData("""{"v":1,"grant":null}""", "empty")]
    [InlineData("""{"v":1,"grant":{}}""", "damaged")]
    [InlineData("""["hush"]""", "not a grant's document")]
    [InlineData("hush", "damaged")]
    [InlineData("", "damaged")]
    public void A_document_that_cannot_be_read_is_named_and_not_shown(string document, string why)
    {
        var failure = Assert.Throws<GrantDocumentException>(() => GrantJson.Read(Id, document));

        Assert.Equal(Id, failure.Grant);
        Assert.Contains(Id, failure.Message, StringComparison.Ordinal);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status", "\"Hush\"")]
    [InlineData("status", "3")]
    [InlineData("requester", "\"hush\"")]
    [InlineData("role", "\"pg_hush\"")]
    [InlineData("duration", "\"hush\"")]
    [InlineData("createdAt", "\"hush\"")]
    [InlineData("reason", "null")]
    [InlineData("blockers", "[\"hush\",7]")]
    public void A_damaged_field_is_named_and_not_shown(string field, string value)
    {
        var document = JsonNode.Parse(GrantJson.Write(Grant))!;
        document["grant"]![field] = JsonNode.Parse(value);

        var failure = Assert.Throws<GrantDocumentException>(() => GrantJson.Read(Id, document.ToJsonString()));

        Assert.Contains(field, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", failure.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_document_under_another_grants_key_is_refused() =>
        Assert.Contains("another grant's", Assert.Throws<GrantDocumentException>(() => GrantJson.Read("AAAA-AA", GrantJson.Write(Grant))).Message, StringComparison.Ordinal);

    [Fact]
    public void Nothing_of_a_grant_is_forgotten()
    {
        var written = JsonDocument.Parse(GrantJson.Write(Grant)).RootElement.GetProperty("grant").EnumerateObject().Select(field => field.Name);

        var properties = typeof(GrantSnapshot).GetProperties().Where(property => property.SetMethod is not null).Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name));
        Assert.Equal(properties.Order(), written.Order());
    }
}
