namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>The SQL of changing what a scope role has amid the work of others, and of making one.</summary>
internal static class ScopeLocks
{
    /// <summary>
    /// One at a time keeps the scope role. Others may hold this lock too, even strangers on purpose, so that it is only tried: being right
    /// does not depend on it.
    /// </summary>
    public const string TryScopeLock = "SELECT pg_try_advisory_xact_lock(hashtextextended('dbaccess:' || $1, 0))";

    /// <summary>
    /// Hands the locks of some tables to <see cref="TakeLocks"/>, in the order of their names. So that other changes of a table wait takes
    /// a right to change rows; with the right to read, only those wait that want it to themselves. Views, sequences and foreign tables
    /// cannot be locked by themselves. A name that is gone is named too: it may come back before we grant, and would not be locked then.
    /// Parameters: 1 names, quoted, 2 whether the weak lock is to do.
    /// </summary>
    public const string NameLocks = """
        SELECT set_config('dbaccess.tables', ARRAY(
            SELECT i.ident || ' IN ' || CASE WHEN $2 OR NOT coalesce(has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), false)
                THEN 'ACCESS SHARE' ELSE 'SHARE UPDATE EXCLUSIVE' END || ' MODE NOWAIT'
              FROM unnest($1) AS i(ident) LEFT JOIN pg_class c ON c.oid = to_regclass(i.ident)
             WHERE c.oid IS NULL OR c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT, UPDATE, DELETE, TRUNCATE')
             ORDER BY i.ident COLLATE "C")::text, true)
        """;

    /// <summary>Takes each lock that is free at once, and leaves the names of the others.</summary>
    public const string TakeLocks = """
        DO $do$
        DECLARE
            t text;
            taken text[] := '{}';
        BEGIN
            FOREACH t IN ARRAY current_setting('dbaccess.tables')::text[] LOOP
                BEGIN
                    EXECUTE 'LOCK TABLE ONLY ' || t;
                EXCEPTION WHEN lock_not_available OR undefined_table OR wrong_object_type OR invalid_schema_name THEN
                    taken := array_append(taken, regexp_replace(t, ' IN (ACCESS SHARE|SHARE UPDATE EXCLUSIVE) MODE NOWAIT$', ''));
                END;
            END LOOP;
            PERFORM set_config('dbaccess.tables', taken::text, true);
        END
        $do$
        """;

    public const string LocksNotTaken = "SELECT current_setting('dbaccess.tables')::text[]";

    public const string CreateScopeRole =
        "SELECT format('CREATE ROLE %I NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE', $1), format('COMMENT ON ROLE %I IS %L', $1, $2)";
}
