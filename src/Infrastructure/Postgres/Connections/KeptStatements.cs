using DbAccess.Application.Evidence;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>Keeps what leaves for the record of what it was done for; see <see cref="RanStatements"/>.</summary>
internal static class KeptStatements
{
    /// <summary>On its way. Nobody knows yet what comes of it.</summary>
    public static void Leaves(this ClusterConnection cluster, IReadOnlyList<Asked> statements)
    {
        if (RanStatements.Present is not { } ran) return;

        var reads = statements.Count(statement => statement.OnlyReads);
        if (reads == statements.Count)
        {
            ran.Add("", [], reads);
            return;
        }
        List<string> kept = [.. statements.Where(statement => !statement.OnlyReads).Select(statement => statement.ForRecord())];
        if (cluster.Transaction == TransactionState.Begun)
        {
            cluster.Transaction = TransactionState.Changed;
            ran.Add(Place(cluster), ["BEGIN;"], 0);
        }
        ran.Add(Place(cluster), kept, reads);
    }

    public static void Failed(this ClusterConnection cluster, IReadOnlyList<Asked> statements, Exception failure)
    {
        // What only reads and fails has changed nothing.
        if (RanStatements.Present is { } ran && statements.Any(statement => !statement.OnlyReads))
            ran.Remark(Place(cluster), InWords(statements, failure));
    }

    /// <summary>What is to be known of what was sent last.</summary>
    public static void Remark(this ClusterConnection cluster, string words) => RanStatements.Present?.Remark(Place(cluster), words);

    private static string Place(ClusterConnection cluster) =>
        $"{cluster.Connection.Database} at {cluster.Connection.Host}:{cluster.Connection.Port}";

    private static string InWords(IReadOnlyList<Asked> statements, Exception failure)
    {
        if (failure is not PostgresException refused || ClusterFault.IsLostConnection(refused))
            return $"no answer ({failure.GetType().Name}): whether that was carried out is not known";
        if (statements.Count == 1) return $"failed (SQLSTATE {refused.SqlState})";

        var stands = statements.Any(statement => statement.Barrier) ? "" : "; none of those sent together with it stands";
        return Asked.Culprit(refused) is { } at && at < statements.Count
            ? $"failed (SQLSTATE {refused.SqlState}) at: {Beginning(statements[at])}{stands}"
            : $"failed (SQLSTATE {refused.SqlState}){stands}";
    }

    private static string Beginning(Asked statement)
    {
        var text = statement.ForRecord();
        return text.Length <= 80 ? text : $"{text[..80]}…";
    }
}
