using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.TestKit.Fakes;

/// <summary>A policy under which everybody may have the usual scope on the usual database, for as long as they like.</summary>
public sealed class SomePolicy(DatabaseTarget? target = null, PrivilegeScope? scope = null) : IPolicySource
{
    public AccessPolicy Current { get; set; } = Of(target ?? Some.Target(), scope ?? Some.ReadScope());

    public static AccessPolicy Of(DatabaseTarget target, PrivilegeScope scope) => new(
        "hash",
        new Dictionary<DatabaseName, PolicyDatabase> { [target.Name] = new(target, new Dictionary<string, string>(), [scope.Name]) },
        new Dictionary<ScopeName, PrivilegeScope> { [scope.Name] = scope },
        new Dictionary<string, PolicyGroup>(StringComparer.Ordinal),
        [],
        [
            new AccessRule("oncall-read", new RuleSubject(["everyone"], ["*"], ["*"]),
                new Lifetime(TimeSpan.FromHours(1), Durations.Longest, null, 0, TimeSpan.Zero), new Requirements(0, null), null),
        ]);
}

/// <summary>What giving asks again (seal, directory and policy), where there are no clusters.</summary>
public static class Warrants
{
    public static IServiceCollection AddWarrants(this IServiceCollection services, IPolicySource? policies = null) => services
        .AddSingleton<ISeal>(new FakeSeal()).AddSingleton<IDirectory>(new FakeDirectory()).AddSingleton(policies ?? new SomePolicy())
        .AddSingleton<IGhostHunt>(new NoGhosts());
}
