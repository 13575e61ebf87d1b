using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests;

/// <summary>Where stores tell of what they cannot read.</summary>
/// <remarks>Without a clock it stands still: what a slow machine met a minute ago is not forgotten in the middle of a test.</remarks>
internal static class Unreadable
{
    public static UnreadableGrants New(CapturedLog? log = null, TimeProvider? clock = null)
    {
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(log ?? new CapturedLog()));
        return new UnreadableGrants(clock ?? new FakeTimeProvider(), factory.CreateLogger<UnreadableGrants>());
    }

    public static UnreadableRequests Requests(CapturedLog? log = null, TimeProvider? clock = null)
    {
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(log ?? new CapturedLog()));
        return new UnreadableRequests(clock ?? new FakeTimeProvider(), factory.CreateLogger<UnreadableRequests>());
    }
}
