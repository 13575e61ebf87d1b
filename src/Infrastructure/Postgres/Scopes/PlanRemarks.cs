using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>
/// Where privileges are not all there is to it: row security, and views that read with the reader's own rights. Whoever is told beforehand
/// does not take an empty answer for an empty table.
/// </summary>
internal static class PlanRemarks
{
    /// <summary>
    /// One sentence each, in the order of their things. There is none where nothing is <see cref="PlanRow.IsRemarkable"/>, which is cheaper
    /// to know.
    /// </summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(
        ClusterConnection cluster, ScopePart part, CancellationToken cancellationToken)
    {
        var rows = await cluster.RowsAsync(Statement, [part.Role, part.Rules], Row.Read, cancellationToken);
        var where = part.Target.Also.Count == 0 ? "" : $"In database {part.Database}: ";
        return
        [
            .. rows.Where(row => row.What == "rows").GroupBy(row => row.Thing, StringComparer.Ordinal)
                .Select(table => (table.Key, Words: OnRows(table.Key, [.. table])))
                .Concat(rows.Where(row => row.What != "rows").Select(row => (Key: row.Thing, Words: OnView(row))))
                .OrderBy(remark => remark.Key, StringComparer.Ordinal).Select(remark => where + remark.Words),
        ];
    }

    private static string OnRows(string table, IReadOnlyList<Row> verbs)
    {
        var nothing = verbs.Where(verb => verb.Names.Count == 0).Select(verb => verb.Verb!).ToList();
        var words = $"Row security is on for {table}";
        if (nothing.Count == verbs.Count) words += " and no policy is for this role";
        List<string> what =
        [
            .. verbs.Where(verb => verb is { Verb: "select", Names.Count: 0 }).Select(_ => "will see no rows"),
            .. verbs.Where(verb => verb is { Verb: "select", Names.Count: > 0 })
                .Select(verb => $"will see only the rows that {Policies(verb.Names)} lets through"),
            .. nothing.Where(verb => verb != "select").Select(verb => $"can {verb} none"),
        ];
        return what.Count == 0 ? $"{words}: they can change only the rows that its policies let through"
            : $"{words}: they {string.Join(", and ", what)}";
    }

    private static string OnView(Row row) => row.What == "calls"
        ? $"Reading view {row.Thing} will fail: it calls {Some(row.Names)}, which they may not run"
        : $"Reading view {row.Thing} will fail: it reads {Some(row.Names)} with the reader's own rights (security_invoker), and the " +
            "scope does not give that";

    private static string Policies(IReadOnlyList<string> names) => $"{(names.Count == 1 ? "policy" : "one of the policies")} {Some(names)}";

    private static string Some(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(5)) + (names.Count > 5 ? $" and {names.Count - 5} more" : "");

    /// <summary>
    /// What, thing, verb, names. <c>rows</c>: a table with row security, once for each thing that the scope lets do with its rows, and the
    /// policies that let this role through. <c>reads</c>: a view of the scope that reads what the scope does not give, by itself or through
    /// another view, with the reader's own rights. <c>calls</c>: one that calls functions which they may not run; that is always asked of
    /// the reader. Parameters: 1 scope role, which need not exist, 2 rules as JSON.
    /// </summary>
    private const string Statement = $"""
        WITH RECURSIVE {ScopeStatements.Wanted}
        given AS MATERIALIZED (SELECT w.objid, w.sub, w.priv FROM want w WHERE w.classid = 'pg_class'::regclass),
        verb AS (
            SELECT DISTINCT c.oid, g.priv FROM given g JOIN pg_class c ON c.oid = g.objid
             WHERE c.relrowsecurity AND g.priv IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')),
        uses AS (
            SELECT c.oid AS root, c.oid AS v FROM given g JOIN pg_class c ON c.oid = g.objid WHERE c.relkind = 'v' AND g.priv = 'SELECT'
            UNION
            SELECT u.root, b.oid
              FROM uses u JOIN pg_rewrite r ON r.ev_class = u.v AND r.ev_type = '1'
              JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
              JOIN pg_class b ON b.oid = d.refobjid AND b.relkind = 'v' AND b.oid <> u.v),
        needs AS MATERIALIZED (
            SELECT DISTINCT u.root, u.v, d.refclassid, d.refobjid, d.refobjsubid AS sub
              FROM uses u JOIN pg_rewrite r ON r.ev_class = u.v AND r.ev_type = '1'
              JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refobjid <> u.v)
        SELECT 'rows', format('%I.%I', n.nspname, c.relname), lower(v.priv), ARRAY(
                   SELECT quote_ident(p.polname) FROM pg_policy p
                    WHERE p.polrelid = c.oid AND p.polpermissive
                      AND p.polcmd IN ('*', CASE v.priv WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' ELSE 'd' END)
                      AND (0 = ANY (p.polroles) OR (SELECT s.oid FROM pg_roles s WHERE s.rolname = $1) = ANY (p.polroles)) ORDER BY 1)
          FROM verb v JOIN pg_class c ON c.oid = v.oid JOIN pg_namespace n ON n.oid = c.relnamespace
        UNION ALL
        SELECT 'reads', (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                          WHERE c.oid = x.root), NULL, array_agg(DISTINCT format('%I.%I', n.nspname, b.relname))
          FROM needs x JOIN pg_class b ON x.refclassid = 'pg_class'::regclass AND b.oid = x.refobjid
           AND b.relkind IN ('r', 'p', 'v', 'm', 'f')
          JOIN pg_namespace n ON n.oid = b.relnamespace
         WHERE EXISTS (SELECT FROM pg_class c, pg_options_to_table(c.reloptions) o
                        WHERE c.oid = x.v AND o.option_name = 'security_invoker' AND o.option_value::boolean)
           AND NOT EXISTS (SELECT FROM given g WHERE g.objid = b.oid AND g.priv = 'SELECT' AND (g.sub = 0 OR x.sub = 0 OR g.sub = x.sub))
           AND NOT CASE WHEN x.sub = 0 THEN has_any_column_privilege('public', b.oid, 'SELECT')
                        ELSE has_column_privilege('public', b.oid, x.sub::smallint, 'SELECT') END
         GROUP BY x.root
        UNION ALL
        SELECT 'calls', (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                          WHERE c.oid = x.root), NULL, array_agg(DISTINCT {ScopeStatements.Routine})
          FROM needs x JOIN pg_proc p ON x.refclassid = 'pg_proc'::regclass AND p.oid = x.refobjid
          JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE NOT has_function_privilege('public', p.oid, 'EXECUTE')
           AND NOT EXISTS (SELECT FROM want w WHERE w.classid = 'pg_proc'::regclass AND w.objid = p.oid AND w.priv = 'EXECUTE')
         GROUP BY x.root
        """;

    private sealed record Row(string What, string Thing, string? Verb, IReadOnlyList<string> Names)
    {
        public static Row Read(NpgsqlDataReader row) => new(
            row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetFieldValue<string[]>(3));
    }
}
