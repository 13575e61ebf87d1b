using System.Text;
using DbAccess.Application.Evidence;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>A statement that is to leave. Unless it is said that it only reads, it counts as changing something, and is kept.</summary>
internal sealed record Asked(string Sql, params Given[] Values)
{
    internal const string Position = "dbaccess.statement";

    /// <summary>What came before stands, whatever happens to those that follow.</summary>
    public bool Barrier { get; init; }

    /// <summary>
    /// Changes nothing on the target, and is not kept. To set something for our own session only (<c>set_config</c>) changes nothing there;
    /// to end somebody's session does.
    /// </summary>
    public bool OnlyReads { get; private init; }

    /// <summary>What stands in it and is not for the record: the verifier of a password.</summary>
    public string? Secret { get; init; }

    /// <summary>The position of the statement of a batch that failed; null when the server did not say.</summary>
    public static int? Culprit(PostgresException refused) => refused.Data[Position] as int?;

    public static Asked Reading(string sql, params Given[] values) => new(sql, values) { OnlyReads = true };

    /// <summary>As it goes on record: without its secret, each value in the line below.</summary>
    public string ForRecord()
    {
        var text = Secret is null ? Sql : Sql.Replace(Secret, RanStatements.Hidden, StringComparison.Ordinal);
        if (Values.Length == 0) return $"{text};";

        var kept = new StringBuilder(text).Append(";\n-- ");
        foreach (var (n, value) in Values.Index())
            kept.Append(n == 0 ? "" : ", ").Append('$').Append(n + 1).Append(" = ").Append(RanStatements.Value(value.ToString()));
        return kept.ToString();
    }
}
