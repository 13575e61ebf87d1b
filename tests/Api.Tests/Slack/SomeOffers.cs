using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>What a person may ask for, in a few words.</summary>
internal static class SomeOffers
{
    public static readonly Lifetime Lifetime = new(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 0, TimeSpan.Zero);

    /// <summary>orders: read, fix-orders; billing: read; payroll and migrate exist and are not theirs.</summary>
    public static readonly Offers Usual = Of([("orders", ["read", "fix-orders"]), ("billing", ["read"])], ["orders", "billing", "payroll"], ["read", "fix-orders", "migrate"]);

    public static Offers Of((string Database, string[] Scopes)[] offered, string[]? databases = null, string[]? scopes = null) => new(
        [.. offered.Select(offer => new DatabaseOffer(DatabaseName.Parse(offer.Database)!, [.. offer.Scopes.Select(Scope)]))],
        new PolicyNames(
            (databases ?? [.. offered.Select(offer => offer.Database)]).Select(name => DatabaseName.Parse(name)!).ToHashSet(),
            (scopes ?? [.. offered.SelectMany(offer => offer.Scopes)]).Select(name => ScopeName.Parse(name)!).ToHashSet(), Complete: true));

    private static ScopeOffer Scope(string name) => new(ScopeName.Parse(name)!, "Read every table", false, "rule-1", Lifetime, null);
}
