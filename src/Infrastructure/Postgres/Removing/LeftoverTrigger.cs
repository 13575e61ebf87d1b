using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>A trigger that runs a function of a role's, with the rights of whoever writes to the table.</summary>
/// <param name="Statement">Switches it off or drops it.</param>
/// <param name="Owner">Of the table.</param>
/// <param name="IsDropped">Since to switch it off would not do.</param>
/// <param name="Definition">For the receipt, when it is dropped.</param>
internal sealed record LeftoverTrigger(string Statement, string Words, string Owner, bool IsOnView, bool IsDropped, string Definition)
{
    /// <summary>
    /// Triggers of the role's making, before anything is handed over: who would know of them later? Answers those that run still, each with
    /// what stops it.
    /// </summary>
    public static async Task<List<string>> SwitchOffAsync(ClusterConnection cluster, string database, LeftoverRole subject,
        RemovalFindings findings, CancellationToken cancellationToken)
    {
        List<string> running = [];
        foreach (var trigger in await cluster.RowsAsync(Sql, [subject.Oid], Read, cancellationToken))
        {
            var what = $"{trigger.Words} in database {database}";
            var remedy = new Remedy($"{trigger.Owner} or a superuser", "there", trigger.Statement);
            if (trigger.IsOnView)
            {
                // Nothing is dropped that somebody else may need.
                running.Add($"{what} runs a function that {subject.Ident} made, with the rights of whoever writes to the view. {remedy}");
                continue;
            }
            try
            {
                await cluster.BatchAsync(
                    subject.IsScope ? [new(subject.BeMember), new(trigger.Statement), new(subject.BeNoMember)] : [new(trigger.Statement)],
                    _ => Task.FromResult(true), cancellationToken);
                if (trigger.IsDropped) findings.Dropped(
                    [$"{trigger.Words} (database {database}), which ran a function that {subject.Ident} made and would have kept " +
                    $"everybody from adding partitions: {trigger.Definition}"]);
                else findings.Remark($"{what} was switched off: it runs a function that {subject.Ident} made");
            }
            catch (PostgresException failure)
                when (failure.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.LockNotAvailable)
            {
                running.Add($"{what} runs a function that {subject.Ident} made, with the rights of whoever writes to the table, and " +
                    $"could not be {(trigger.IsDropped ? "dropped" : "switched off")} ({failure.MessageText}, SQLSTATE " +
                    $"{failure.SqlState}). {remedy}");
            }
        }
        return running;
    }

    private static LeftoverTrigger Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetBoolean(4), row.GetString(5));

    /// <summary>
    /// Triggers that run a function of the role's: nobody's leave is asked when they do, and it is with the rights of whoever writes to the
    /// table, which may be more than the role ever had. The statement that switches each off, which one it is, and the table's owner. Those
    /// on views cannot be switched off, only dropped: on views of its own they go out of use with the views, see <see cref="HandOver"/>.
    /// Those on partitioned tables must not be: a partition that is made later gets a copy, also of one that is off, and its maker would
    /// have to be allowed to use the function. They are dropped, and their definition kept on the receipt. Last, whether it is to be
    /// dropped, and that definition.
    /// </summary>
    private const string Sql = """
        SELECT CASE WHEN c.relkind = 'v' OR k.cloned THEN format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
            ELSE format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname) END,
               format('trigger %I on %s %s', t.tgname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, t.tgrelid::regclass),
                   quote_ident(pg_get_userbyid(c.relowner)), c.relkind = 'v', k.cloned, pg_get_triggerdef(t.oid)
          FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid JOIN pg_class c ON c.oid = t.tgrelid CROSS JOIN
              LATERAL (SELECT c.relkind = 'p' AND t.tgtype & 1 = 1 AS cloned) k
         -- A copy on a partition goes with what it is a copy of.
         WHERE p.proowner = $1::text::oid AND NOT t.tgisinternal AND t.tgparentid = 0 AND (t.tgenabled <> 'D' OR k.cloned)
             AND c.relpersistence <> 't' AND NOT (c.relkind = 'v' AND c.relowner = p.proowner)
         ORDER BY 2
        """;
}
