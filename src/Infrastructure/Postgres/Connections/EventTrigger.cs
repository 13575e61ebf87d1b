using DbAccess.Domain;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// An enabled event trigger of a database, those of logins (17 and later) among them: its function runs inside our statements.
/// </summary>
internal sealed record EventTrigger(string Name, string Event, string Function, string FunctionName)
{
    private const string Sql = """
        SELECT quote_ident(t.evtname), t.evtevent::text, t.evtfoid::regprocedure::text, p.proname::text
          FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid WHERE t.evtenabled <> 'D' ORDER BY 1
        """;

    public static Task<List<EventTrigger>> ListAsync(ClusterConnection cluster, CancellationToken cancellationToken) =>
        cluster.RowsAsync(Sql, [],
            row => new EventTrigger(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), cancellationToken);

    /// <summary>What is told of a statement that failed in an unforeseen way. Asks for the names on a connection that is free.</summary>
    /// <param name="what">What could not be done, as the beginning of a sentence.</param>
    public static async Task<Error> ExplainAsync(
        ClusterConnection cluster, PostgresException refused, string what, CancellationToken cancellationToken)
    {
        List<EventTrigger> triggers = [];
        try
        {
            triggers = await ListAsync(cluster, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            // Then it is told without.
        }
        var guilty = triggers.Where(trigger => refused.Where?.Contains($"{trigger.FunctionName}(", StringComparison.Ordinal) is true)
            .ToList();
        var text = $"{what}: {OthersCode.Text(refused)} (SQLSTATE {refused.SqlState}).";
        if (guilty.Count > 0)
        {
            return Error.MendedBy("postgres.others_code",
                $"{text} It comes from {Named(guilty)}, which runs inside our statements. Mend its function (one that " +
                "finds names by search_path wants a SET search_path of its own), or let it rest.",
                new Remedy("a superuser", $"in database {cluster.Connection.Database}",
                    [.. guilty.Select(trigger => $"ALTER EVENT TRIGGER {trigger.Name} DISABLE")]));
        }
        if (OthersCode.Failed(refused))
            return new Error("postgres.others_code", $"{text} It comes from a function of the database that runs inside our statements: " +
                $"{Show.Text(refused.Where!.Split('\n')[0], OthersCode.Longest)}.");
        return new Error("postgres.unexpected", triggers.Count == 0 ? text
            : $"{text} Event triggers that are enabled there: {Named(triggers)}.");
    }

    public static string Named(IReadOnlyCollection<EventTrigger> triggers) =>
        string.Join(", ", triggers.Take(10).Select(trigger =>
            $"event trigger {trigger.Name} (function {trigger.Function}, on {trigger.Event})"));
}
