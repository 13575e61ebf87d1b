using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Tests;

/// <summary>Where stores tell of what they cannot read.</summary>
internal static class Unreadable
{
    public static UnreadableGrants New(CapturedLog? log = null, TimeProvider? clock = null)
    {
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(log ?? new CapturedLog()));
        return new UnreadableGrants(clock ?? TimeProvider.System, factory.CreateLogger<UnreadableGrants>());
    }

    public static UnreadableRequests Requests(CapturedLog? log = null, TimeProvider? clock = null)
    {
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(log ?? new CapturedLog()));
        return new UnreadableRequests(clock ?? TimeProvider.System, factory.CreateLogger<UnreadableRequests>());
    }
}
