using System.Globalization;

namespace DbAccess.Domain.Grants;

/// <summary>What a removal found and did, from the catalogs and the sessions, not from what we believed.</summary>
/// <param name="LockedOutAt">When the role could no longer log in.</param>
/// <param name="SessionsEnded">How many sessions were cut, on all instances.</param>
/// <param name="LastSessionGoneAt">When the last session was seen gone (equal to <paramref name="LockedOutAt"/> when there was
/// none).</param>
/// <param name="ProvedAt">When a second look found no role, no session and nothing owned; null while that is not so.</param>
/// <param name="Existed">False when the role was gone already.</param>
/// <param name="HandedOver">What the role owned and the escrow role now has, in words.</param>
public sealed record RemovalReceipt(
    DateTimeOffset LockedOutAt,
    int SessionsEnded,
    DateTimeOffset LastSessionGoneAt,
    DateTimeOffset? ProvedAt,
    bool Existed,
    IReadOnlyList<string> HandedOver)
{
    /// <summary>
    /// What could not be handed over, since it was for this role alone, and went with it: policies, default privileges, privileges others
    /// gave it. In words.
    /// </summary>
    public IReadOnlyList<string> Dropped { get; init => field = value ?? []; } = [];

    /// <summary>
    /// What else was done, in words: sessions of others that had its access through it, what it had left under its scope role.
    /// </summary>
    public IReadOnlyList<string> Remarks { get; init => field = value ?? []; } = [];

    /// <summary>Where sessions were looked for: the writer and every reader.</summary>
    public IReadOnlyList<InstanceCheck> Instances { get; init => field = value ?? []; } = [];

    /// <summary>
    /// What the last look found left, by category; all zero is the proof. Null when nobody looked (records of an earlier version).
    /// </summary>
    public RemovalProof? Left { get; init; }

    /// <summary>
    /// How long after the end of the grant's window the last session was gone; zero when it was gone before. Null where no window was
    /// known.
    /// </summary>
    public TimeSpan? Overrun { get; init; }

    /// <summary>The sessions that were ended: the first <see cref="MostSessions"/> by name, and how many they were in all is
    /// <see cref="SessionsEnded"/>. Those of others, who had the role's access through it, stand among them with their user.</summary>
    public IReadOnlyList<EndedSession> Sessions { get; init => field = value ?? []; } = [];

    public const int MostSessions = 50;

    /// <summary>What the role ran, where the server counts that. Null where it does not, or we may not read it.</summary>
    public ActivityDigest? Activity { get; init; }

    /// <summary>
    /// As <see cref="LockedOutAt"/>, of a removal that was given up before the role could be shut out, and had ended sessions all the same.
    /// </summary>
    public static readonly DateTimeOffset NotYet = DateTimeOffset.MinValue;

    /// <summary>This receipt and an earlier one of the same role as one.</summary>
    internal RemovalReceipt After(RemovalReceipt? earlier) => earlier is null ? this : this with
    {
        LockedOutAt = earlier.LockedOutAt == NotYet ? LockedOutAt : earlier.LockedOutAt,
        LastSessionGoneAt = SessionsEnded > 0 ? LastSessionGoneAt : earlier.LastSessionGoneAt,
        SessionsEnded = earlier.SessionsEnded + SessionsEnded,
        Existed = earlier.Existed || Existed,
        HandedOver = [.. earlier.HandedOver.Union(HandedOver)],
        Dropped = [.. earlier.Dropped.Union(Dropped)],
        Remarks = [.. earlier.Remarks.Union(Remarks)],
        Instances =
        [
            .. earlier.Instances.Concat(Instances).GroupBy(check => (check.Instance, check.IsWriter))
                .Select(same => same.Last() with { SessionsFound = same.Sum(check => check.SessionsFound),
                    SessionsEnded = same.Sum(check => check.SessionsEnded) }),
        ],
        Activity = Activity ?? earlier.Activity,
        Sessions = [.. earlier.Sessions.Union(Sessions).Take(MostSessions)],
    };

    /// <summary>Measured against the end of the grant's window.</summary>
    internal RemovalReceipt Against(AccessWindow? window) => window is null ? this : this with
    {
        Overrun = LastSessionGoneAt > window.Expiry ? LastSessionGoneAt - window.Expiry : TimeSpan.Zero,
    };
}

/// <summary>A session that was ended. What the administrator may not see is null.</summary>
/// <param name="Instance"><c>host:port</c>.</param>
/// <param name="Since">When it began.</param>
/// <param name="Client">Its address; null also where it came through a local socket.</param>
/// <param name="Application">What it called itself.</param>
/// <param name="User">The role that had logged in.</param>
public sealed record EndedSession(string Instance, int Pid, DateTimeOffset? Since, string? Client, string? Application, string User)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Instance} pid {Pid} {User}") +
        Part(" since ", Since is { } since ? Canonical.Instant(since) : null) + Part(" from ", Client) + Part(" as ", Application);

    private static string Part(string words, string? value) => string.IsNullOrEmpty(value) ? "" : words + value;
}

/// <summary>One instance on which sessions were looked for.</summary>
/// <param name="Instance"><c>host:port</c>.</param>
/// <param name="IsWriter">False for a reader.</param>
/// <param name="CheckedAt">When none was left there.</param>
public sealed record InstanceCheck(string Instance, bool IsWriter, int SessionsFound, int SessionsEnded, DateTimeOffset CheckedAt);

/// <summary>How many of each there still were at the last look.</summary>
/// <param name="Roles">The role itself: 0 or 1.</param>
/// <param name="Sessions">On all instances.</param>
/// <param name="Owned">Objects in any database and prepared transactions, the role's own and, where it could act as its scope role, that
/// role's.</param>
/// <param name="Privileges">Rights that name it, policies included.</param>
/// <param name="Memberships">In other roles and of others in it.</param>
/// <param name="Settings">Its own and, where it could act as its scope role, that role's.</param>
public sealed record RemovalProof(int Roles, int Sessions, int Owned, int Privileges, int Memberships, int Settings);

/// <summary>What a role ran, as the server counted it; without any value that stood in the statements.</summary>
/// <param name="Statements">How many different ones there were, also when <paramref name="Most"/> shows fewer.</param>
/// <param name="Calls">Of all of them.</param>
/// <param name="Rows">Of all of them.</param>
/// <param name="Most">The most frequent ones, shortened.</param>
public sealed record ActivityDigest(long Statements, long Calls, long Rows, IReadOnlyList<ActivityLine> Most);

/// <param name="Statement">Values are shown as <c>?</c> or <c>$1</c>; at most 500 characters.</param>
public sealed record ActivityLine(string Statement, long Calls, long Rows);
