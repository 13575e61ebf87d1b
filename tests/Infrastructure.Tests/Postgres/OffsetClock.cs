namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>The real clock, set wrong.</summary>
internal sealed class OffsetClock : TimeProvider
{
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
}
