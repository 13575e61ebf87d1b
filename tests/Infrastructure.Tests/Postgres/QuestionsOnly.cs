using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>
/// Listens in all tests of roles to what leaves as a question, whose text goes on no record, and fails where it could be more: a word that
/// changes something, or a function that the server itself calls volatile and that nobody has looked at here.
/// </summary>
internal static partial class QuestionsOnly
{
    /// <summary>Volatile, for they do not answer the same twice; looked at: none of them changes anything but our own session.</summary>
    private static readonly HashSet<string> Looked = new(StringComparer.Ordinal)
    {
        "clock_timestamp", "pg_blocking_pids", "pg_is_in_recovery", "pg_partition_ancestors", "pg_prepared_xact", "pg_stat_statements", "aurora_replica_status",
        // Ours until the end of the session or transaction.
        "set_config", "pg_try_advisory_xact_lock",
    };

    private static readonly ConcurrentDictionary<string, bool> Passed = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<int, Task<HashSet<string>>> VolatileOn = new();

    public static StatementSeam On(PostgresServer server) => StatementSeam.Closed with
    {
        Before = async (connection, statements, _) =>
        {
            foreach (var statement in statements.Where(statement => statement.OnlyReads && !Passed.ContainsKey(statement.Sql)))
            {
                var found = Changes(statement.Sql, await VolatileOn.GetOrAdd(connection.PostgreSqlVersion.Major, _ => ReadAsync(server)));
                if (found is not null)
                    throw new InvalidOperationException($"It is asked as a question, and has {found} in it: ask by Doing…, or look at it in QuestionsOnly: {statement.Sql}");
                Passed[statement.Sql] = true;
            }
        },
    };

    /// <summary>What in it could change something; null when nothing could.</summary>
    public static string? Changes(string sql, HashSet<string> volatiles)
    {
        // A transaction in which nothing was changed ends as a question.
        if (sql is "COMMIT" or "ROLLBACK") return null;

        var text = Literal().Replace(Comment().Replace(sql, " "), "''");
        if (!Begins().IsMatch(text)) return text.Trim().Split(' ')[0];
        if (Word().Match(text) is { Success: true } word) return word.Value;
        return Call().Matches(text).Select(call => call.Groups["name"].Value.ToLowerInvariant()).FirstOrDefault(name => volatiles.Contains(name) && !Looked.Contains(name));
    }

    private static async Task<HashSet<string>> ReadAsync(PostgresServer server)
    {
        await using var connection = new NpgsqlConnection(server.SuperuserConnectionString + ";Pooling=false");
        await connection.OpenAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand("SELECT DISTINCT proname::text FROM pg_proc WHERE provolatile = 'v'", connection);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        HashSet<string> names = new(StringComparer.Ordinal) { "pg_stat_statements", "aurora_replica_status" };
        while (await reader.ReadAsync(CancellationToken.None)) names.Add(reader.GetString(0));
        return names;
    }

    [GeneratedRegex(@"^\s*(SELECT|WITH)\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Begins();

    [GeneratedRegex(@"\b(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|INTO|CALL|DO|CREATE|ALTER|DROP|GRANT|REVOKE|LOCK|COMMENT|REASSIGN|NOTIFY|FOR\s+(NO\s+KEY\s+|KEY\s+)?(UPDATE|SHARE))\b",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Word();

    [GeneratedRegex(@"\b(?<name>[A-Za-z_][A-Za-z0-9_]*)\s*\(", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Call();

    [GeneratedRegex(@"--[^\n]*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Comment();

    [GeneratedRegex(@"E?'(?:[^']|'')*'|""(?:[^""]|"""")*""", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Literal();
}
