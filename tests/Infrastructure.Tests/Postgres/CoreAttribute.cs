using Xunit.v3;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>
/// A test of roles that <c>scripts/test</c> runs on every version of PostgreSQL, 14 to 18; the others run on two, unless it is told <c>--all-postgres</c>.
/// For what differs by version or must never break anywhere. All of them together stay under 20 seconds on a quiet machine.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class CoreAttribute : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("suite", "core")];
}
