using DbAccess.Domain;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>What is said of a cluster that cannot be worked with, with what helps. Pure.</summary>
internal static class ClusterWords
{
    public const string NoRoomForLocks =
        "the server has no room left for locks (or no memory; SQLSTATE 53200). Who holds most of them: SELECT pid, count(*), " +
        "format('SELECT pg_terminate_backend(%s)', pid) AS statement FROM pg_locks GROUP BY pid ORDER BY 2 DESC LIMIT 5; where no login " +
        "succeeds any more, whoever is logged in already or on the machine can end that session (pg_ctl kill TERM with its pid), or a " +
        "restart. For more room, raise max_locks_per_transaction. It is tried again";

    public static Error NotAsked(string cluster, string sslMode) => new("postgres.authentication",
        $"Whoever answers as cluster {cluster} does not ask for the administrator's password by SCRAM, and with sslmode {sslMode} nobody " +
        "verifies who that is: nothing was sent. Set \"sslmode\":\"verify-full\" in its administrator credentials, or store its " +
        "password as SCRAM (password_encryption); \"require_auth\":\"any\" there takes whatever is asked for.");
}
