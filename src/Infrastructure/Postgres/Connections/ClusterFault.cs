using System.Net.Sockets;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// Something a cluster did, in our words. What Npgsql or the server said never travels further than here as it is: a text of theirs may
/// quote the statement, and with it the verifier, which is taken out (<see cref="OthersCode.Text"/>).
/// </summary>
internal sealed class ClusterFault(Error error, bool mayPass, string? sqlState = null) : Exception(error.Message)
{
    public Error Error { get; } = error;

    /// <summary>True when trying again later can help; false when somebody has to change something first.</summary>
    public bool MayPass { get; } = mayPass;

    public string? SqlState { get; } = sqlState;

    /// <summary>As good as always: the server's one table of locks, which all its sessions share, is full.</summary>
    public const string OutOfMemory = "53200";

    /// <summary>
    /// Anything that a connection can fail with. Npgsql gives a connection up by itself after some errors of the server (those of class
    /// 53), and whoever uses it next is told so with an InvalidOperationException.
    /// </summary>
    public static bool IsOfConnection(Exception failure) => failure is ClusterFault or NpgsqlException or IOException or SocketException
        or TimeoutException or InvalidOperationException { Source: "Npgsql" };

    /// <summary>
    /// Clashes with somebody else's work, ours included: the same again will do. XX000 is "tuple concurrently updated" and its kin, 23505
    /// two that write one row of a catalog; in a table of somebody's it is their trigger's, and no clash of ours.
    /// </summary>
    public static bool IsContention(Exception failure) => failure is PostgresException postgres && (postgres.SqlState switch
    {
        "40P01" or "55P03" or "40001" => true,
        "XX000" => !OthersCode.Failed(postgres),
        "23505" => postgres.SchemaName == "pg_catalog" && !OthersCode.Failed(postgres),
        _ => false,
    });

    /// <summary>
    /// Something was made, dropped or renamed between our look and our statement: another look will do. Where a function of somebody's
    /// does not find something, it will not find it the next time either.
    /// </summary>
    public static bool IsOvertaken(Exception failure) =>
        failure is PostgresException { SqlState: "42710" or "42704" or "42P01" or "3F000" or "42703" or "42883" } postgres
            && !OthersCode.Failed(postgres);

    /// <summary>
    /// Nothing that we know of, and so nothing that passes by itself: somebody else's code inside our statements, or a mistake of ours.
    /// </summary>
    public static bool IsUnforeseen(PostgresException refused) =>
        From(refused, "", "") is { Error.Code: "postgres.unexpected", MayPass: false };

    /// <summary>The connection is gone or leads to the wrong instance; whether the last statement was carried out is not known.</summary>
    public static bool IsLostConnection(Exception failure) => failure switch
    {
        // The last three are the server's limits of quiet and of long sessions, which end the connection.
        PostgresException postgres => postgres.SqlState is "57P01" or "57P02" or "57P03" or "25006" or "25P03" or "25P04" or "57P05"
            || postgres.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException
            or InvalidOperationException { Source: "Npgsql" } => true,
        _ => false,
    };

    public static bool IsRejection(Exception failure) => failure is PostgresException { SqlState: "28P01" or "28000" };

    public static ClusterFault From(Exception failure, ClusterName cluster, string database) => failure switch
    {
        ClusterFault fault => fault,
        PostgresException postgres => From(postgres, cluster.Value, database),
        NpgsqlException { InnerException: System.Security.Authentication.AuthenticationException } => new(
            new Error("postgres.tls",
                $"The certificate of cluster {cluster} could not be verified. Set PGSSLROOTCERT to its authority, or mend sslmode in its " +
                "administrator credentials."), mayPass: true),
        TimeoutException or NpgsqlException { InnerException: TimeoutException } => new(
            new Error("postgres.timeout", $"Cluster {cluster} did not answer in time."), mayPass: true),
        _ => new(new Error("postgres.unreachable", $"Cluster {cluster} cannot be reached, or the connection was lost."), mayPass: true),
    };

    private static ClusterFault From(PostgresException refused, string cluster, string database)
    {
        var state = refused.SqlState;
        var (code, message, mayPass) = state switch
        {
            "53300" => ("postgres.full",
                $"Cluster {cluster} has no connection left, or its database {database} has reached its CONNECTION LIMIT", true),
            OutOfMemory => ("postgres.full", $"On cluster {cluster} {ClusterWords.NoRoomForLocks}", true),
            _ when state.StartsWith("53", StringComparison.Ordinal) =>
                ("postgres.full", $"Cluster {cluster} is out of memory, disk or connections", true),
            "57P03" => ("postgres.starting", $"Cluster {cluster} is starting up or shutting down", true),
            "57014" => ("postgres.timeout", $"Cluster {cluster} took longer than our limit for one statement", true),
            "25006" => ("postgres.read_only", $"Cluster {cluster} led us to an instance that only reads; its writer may be moving", true),
            // Where a function of somebody's says so, it is not about our password.
            "28P01" or "28000" when !OthersCode.Failed(refused) =>
                ("postgres.rejected",
                $"Cluster {cluster} rejects the administrator: its user name, password or permission to log in is wrong. Mend the " +
                "administrator credentials" + (state == "28000"
                    ? "; on RDS whoever is a member of rds_iam, through the owner of some tables too, is let in by IAM only, and the " +
                        "master user takes that membership back" : ""), true),
            "3D000" => ("postgres.no_database", $"Cluster {cluster} has no database {database}", false),
            "42501" => ("postgres.not_allowed", $"The administrator of cluster {cluster} lacks a right", false),
            _ when state is "57P01" or "57P02" || state.StartsWith("08", StringComparison.Ordinal) =>
                ("postgres.unreachable", $"Cluster {cluster} closed the connection", true),
            _ when IsContention(refused) =>
                ("postgres.busy", $"Somebody else's work on cluster {cluster} kept getting in the way", true),
            "25P03" or "25P04" or "57P05" =>
                ("postgres.timeout", $"Cluster {cluster} ended our session, quiet or at work for too long", true),
            _ when state.StartsWith("58", StringComparison.Ordinal) =>
                ("postgres.unreachable", $"Cluster {cluster} has trouble with its disk or its system", true),
            _ => ("postgres.unexpected", $"Cluster {cluster} answered with something unexpected: {OthersCode.Text(refused)}",
                IsOvertaken(refused)),
        };
        return new(new Error(code, $"{message} (SQLSTATE {state})."), mayPass, state);
    }
}
