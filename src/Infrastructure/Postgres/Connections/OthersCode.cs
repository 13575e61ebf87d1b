using System.Text.RegularExpressions;
using DbAccess.Domain;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// Somebody else's code that runs inside our statements: event triggers, and modules that check passwords. What fails in it fails as often
/// as it is tried, so it is told at once, in the server's own words and with the trigger's name.
/// </summary>
internal static partial class OthersCode
{
    private const int Longest = 300;

    /// <summary>The enabled event triggers of the database, those of logins (17 and later) among them: name, event, function.</summary>
    public const string EventTriggers = """
        SELECT quote_ident(t.evtname), t.evtevent::text, t.evtfoid::regprocedure::text, p.proname::text
          FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid WHERE t.evtenabled <> 'D' ORDER BY 1
        """;

    /// <summary>A row of <see cref="EventTriggers"/>.</summary>
    public sealed record Trigger(string Name, string Event, string Function, string FunctionName)
    {
        public static Trigger Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3));
    }

    /// <summary>Whether the statement failed inside a function of somebody's. We have none; a block of ours is not one.</summary>
    public static bool Failed(PostgresException refused) => refused.Where is { } where && InFunction().IsMatch(where);

    /// <summary>The server's own words, without what could stand in them of our statements: the verifier of a password.</summary>
    public static string Text(PostgresException refused) =>
        Show.Text(Verifier().Replace(refused.MessageText, "(password)"), Longest);

    /// <summary>What is told of a statement that failed in an unforeseen way. Asks for the names on a connection that is free.</summary>
    /// <param name="what">What could not be done, as the beginning of a sentence.</param>
    public static async Task<Error> ExplainAsync(
            ClusterConnection cluster, PostgresException refused, string what, CancellationToken cancellationToken)
    {
        List<Trigger> triggers = [];
        try
        {
            triggers = await cluster.RowsAsync(EventTriggers, [], Trigger.Read, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            // Then it is told without.
        }
        var guilty = triggers.Where(trigger => refused.Where?.Contains($"{trigger.FunctionName}(", StringComparison.Ordinal) is true)
            .ToList();
        var text = $"{what}: {Text(refused)} (SQLSTATE {refused.SqlState}).";
        if (guilty.Count > 0)
        {
            return Error.MendedBy("postgres.others_code",
                $"{text} It comes from {Named(guilty)}, which runs inside our statements. Mend its function (one that " +
                "finds names by search_path wants a SET search_path of its own), or let it rest.",
                new Remedy("a superuser", $"in database {cluster.Connection.Database}",
                    [.. guilty.Select(trigger => $"ALTER EVENT TRIGGER {trigger.Name} DISABLE")]));
        }
        if (Failed(refused))
            return new Error("postgres.others_code", $"{text} It comes from a function of the database that runs inside our statements: " +
                $"{Show.Text(refused.Where!.Split('\n')[0], Longest)}.");
        return new Error("postgres.unexpected", triggers.Count == 0 ? text
            : $"{text} Event triggers that are enabled there: {Named(triggers)}.");
    }

    public static string Named(IReadOnlyCollection<Trigger> triggers) =>
        string.Join(", ", triggers.Take(10).Select(trigger =>
            $"event trigger {trigger.Name} (function {trigger.Function}, on {trigger.Event})"));

    [GeneratedRegex(@"^(PL/\S+|SQL) function (?!inline_code_block)", RegexOptions.CultureInvariant | RegexOptions.Multiline |
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InFunction();

    [GeneratedRegex(@"SCRAM-SHA-256\$[^\s']*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Verifier();
}
