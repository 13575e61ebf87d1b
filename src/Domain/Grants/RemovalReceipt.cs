namespace DbAccess.Domain.Grants;

/// <summary>What a removal found and did, from the catalogs and the sessions, not from what we believed.</summary>
/// <param name="LockedOutAt">When the role could no longer log in.</param>
/// <param name="SessionsEnded">How many sessions were cut.</param>
/// <param name="LastSessionGoneAt">When the last session was seen gone (equal to <paramref name="LockedOutAt"/> when there was none).</param>
/// <param name="ProvedAt">When a second look found no role, no session and nothing owned; null while that is not so.</param>
/// <param name="Existed">False when the role was gone already.</param>
/// <param name="HandedOver">What the role owned and the escrow role now has, in words.</param>
public sealed record RemovalReceipt(
    DateTimeOffset LockedOutAt,
    int SessionsEnded,
    DateTimeOffset LastSessionGoneAt,
    DateTimeOffset? ProvedAt,
    bool Existed,
    IReadOnlyList<string> HandedOver);
