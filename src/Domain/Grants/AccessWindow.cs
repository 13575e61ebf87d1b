namespace DbAccess.Domain.Grants;

/// <summary>From <paramref name="Start"/> up to, not including, <paramref name="Expiry"/>.</summary>
public sealed record AccessWindow(DateTimeOffset Start, DateTimeOffset Expiry)
{
    public bool IsOver(DateTimeOffset now) => now >= Expiry;
}
