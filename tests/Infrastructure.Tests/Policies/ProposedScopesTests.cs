using System.Globalization;
using DbAccess.Application.Evidence.Pages;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Policies;
using DbAccess.TestKit.Evidence;

namespace DbAccess.Infrastructure.Tests.Policies;

/// <summary>What a report proposes is text for the policy file, so the policy file has to take it.</summary>
public sealed class ProposedScopesTests
{
    [Fact]
    public void A_proposed_scope_is_read_as_what_was_used()
    {
        var proposed = Proposed(
            [
                "select on table public.\"Order \"\"Items\"\"\" in orders", "update (\"we ird\") on table public.\"Order \"\"Items\"\"\" in orders",
                "select on foreign table public.far in orders", "select on materialized view reporting.totals in orders",
                "execute on function api.refund(integer, text) in orders", "select on table public.unused in orders",
                "usage on sequence public.orders_id_seq in orders", "usage on schema public in orders", "connect on database orders in orders",
                "select on tables that owner makes later in public in orders",
            ],
            ["1 1 UPDATE public.\"Order \"\"Items\"\"\" SET \"we ird\" = $1", "1 1 SELECT * FROM far, reporting.totals"]);

        var reading = PolicyYaml.Read(
            $"""
            version: 1
            clusters: {"{ c: { } }"}
            databases: {"{ orders: { cluster: c, database: orders, scopes: [fix-orders] } }"}
            {proposed}
            allow:
              - {"{ id: r, who: [everyone], databases: [\"*\"], scopes: [fix-orders], lifetime: {default: 1h, max: 1h}, approval: none }"}
            """);

        Assert.Empty(reading.Faults);
        Assert.Equal(
            [
                "execute on function api.refund", "select on table public.Order \"Items\"", "select on table public.far",
                "select on view reporting.totals", "update (we ird) on table public.Order \"Items\"",
                "usage on sequence public.orders_id_seq",
            ],
            reading.Policy!.Scopes[ScopeName.Parse("fix-orders")!].Privileges.Select(rule => rule.ToString())
                .Order(StringComparer.Ordinal));
    }

    private static string Proposed(IReadOnlyList<string> gives, IReadOnlyList<string> ran)
    {
        var report = new AuditReport("dbaccess/prod", new ReportPeriod(SomeMonth.From, SomeMonth.Until));
        foreach (var one in new SomeLog().Grant(new GrantPlot { Yes = ["U0DANA001"], Gives = gives, Ran = ran }).Events) report.Add(one);
        using var file = new StringWriter(CultureInfo.InvariantCulture);
        ReportFile.Of(report).Single(one => one.Name == "proposed-scopes.yaml").Write(file);
        return file.ToString();
    }
}
