using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>Why a database could not be mended.</summary>
internal sealed record Obstacle(string State, string Text)
{
    public bool MayNotConnect { get; init; }

    public bool IsLock => State == PostgresErrorCodes.LockNotAvailable;

    /// <summary>Memory, locks, disk or connections. Npgsql takes the connection for broken after any of them.</summary>
    public bool IsFull => State.StartsWith("53", StringComparison.Ordinal);

    public bool MayHelpToBeAnother => !IsLock && !IsFull;

    /// <summary>No secret in these statements, so the server may speak for itself.</summary>
    public static Obstacle Told(PostgresException failure) => failure.SqlState switch
    {
        // Somebody else's session has a lock on something of the role's; it is left alone, and we come back.
        PostgresErrorCodes.LockNotAvailable => new(failure.SqlState, "another session holds a lock on something of the role's"),
        ClusterFault.OutOfMemory => new(failure.SqlState, ClusterWords.NoRoomForLocks),
        _ => new(failure.SqlState, $"{failure.MessageText} (SQLSTATE {failure.SqlState})"),
    };

    /// <summary>Of one database. Null for what concerns the whole walk: it starts again.</summary>
    public static Obstacle? Of(Exception failure) => failure switch
    {
        ClusterFault fault => fault.SqlState is null ? null : new Obstacle(
            fault.SqlState, fault.Error.Message) { MayNotConnect = fault.SqlState == PostgresErrorCodes.InsufficientPrivilege },
        PostgresException postgres when !ClusterFault.IsLostConnection(postgres) && !ClusterFault.IsContention(postgres)
            && postgres.SqlState != PostgresErrorCodes.UndefinedObject => Told(postgres),
        _ => null,
    };

    /// <summary>Of one statement or one transaction: as <see cref="Of"/>, but a lock that was waited for in vain is one, too.</summary>
    public static bool IsOne(PostgresException failure) => !ClusterFault.IsLostConnection(failure)
        && (failure.SqlState == PostgresErrorCodes.LockNotAvailable || !ClusterFault.IsContention(failure));
}
