using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// The SQL of handing over what a role owns in one database: in portions, each a transaction of its own. The blocks take no parameters;
/// what they need comes in settings (<see cref="Set"/>), and names are found and quoted by the server as they are at that
/// moment, since a type that moves takes its name out of the signatures of functions.
/// </summary>
internal static class HandOverStatements
{
    private const string Here = "(SELECT oid FROM pg_database WHERE datname = current_database())";

    /// <summary>An eighth of the server's room for locks, at most a thousand.</summary>
    private const string Room = """
        greatest(20, least(1000, current_setting('max_locks_per_transaction')::bigint *
                   (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint) / 8))
        """;

    /// <summary>How many things go at a time.</summary>
    public const int AtOnce = 1_000;

    /// <summary>
    /// A thing that lies in a schema. <paramref name="Locks"/>: to hand a table over takes one lock for it and for each of its indexes, its
    /// TOAST and its sequences, to alter anything else one for itself, and all sessions of the server share the room for some thousands of
    /// them. <paramref name="Room"/>: how many we allow ourselves at a time.
    /// </summary>
    internal sealed record Thing(uint Class, uint Oid, long Locks, long Room)
    {
        public static Thing Read(NpgsqlDataReader row) =>
            new(row.GetFieldValue<uint>(0), row.GetFieldValue<uint>(1), row.GetInt64(2), row.GetInt64(3));
    }

    /// <summary>
    /// The next things to be handed over, tables first: whoever writes to a table that points to one of them waits for nothing else. A
    /// sequence of a column goes with its table, a member of an extension with the extension. Parameters: 1 the role's OID, 2 those that
    /// are left out (OIDs), 3 how many.
    /// </summary>
    public const string Things = $"""
        SELECT d.classid, d.objid,
               CASE WHEN c.oid IS NULL THEN 1 ELSE 1 + (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid)
                 + CASE c.reltoastrelid WHEN 0 THEN 0 ELSE 2 END
                 + (SELECT count(*) FROM pg_depend s WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = c.oid AND s.refobjsubid <> 0
                     AND s.classid = 'pg_class'::regclass AND s.deptype IN ('a', 'i')) END,
               {Room}
          FROM pg_shdepend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'o' AND d.dbid = {Here}
           AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_collation'::regclass,
               'pg_conversion'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
               'pg_ts_config'::regclass, 'pg_ts_dict'::regclass, 'pg_statistic_ext'::regclass)
           AND (d.classid <> 'pg_class'::regclass OR c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
               AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend s WHERE s.classid = 'pg_class'::regclass AND s.objid = c.oid
                   AND s.refclassid = 'pg_class'::regclass AND s.refobjsubid <> 0 AND s.deptype IN ('a', 'i'))))
           AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND (e.deptype = 'e'
               -- Another session's temporary objects: nobody may name them.
               OR e.refclassid = 'pg_namespace'::regclass AND (SELECT n.nspname ~ '^pg_temp' FROM pg_namespace n WHERE n.oid = e.refobjid)))
           AND d.objid <> ALL ($2)
         ORDER BY d.classid <> 'pg_class'::regclass, d.classid, d.objid LIMIT $3
        """;

    /// <summary>
    /// Schemas of the role in which nobody else has anything; one that others use is no schema of the role's, whoever made it its owner.
    /// As <see cref="Things"/>, and last: what lies in them is named with them.
    /// </summary>
    public const string Schemas = $"""
        SELECT 'pg_namespace'::regclass::oid, n.oid, 1::bigint, {Room}
          FROM pg_shdepend d JOIN pg_namespace n ON n.oid = d.objid
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.classid = 'pg_namespace'::regclass
           AND d.deptype = 'o' AND d.dbid = {Here} AND d.objid <> ALL ($2)
           AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relowner NOT IN (n.nspowner, $4::text::regrole))
           AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proowner NOT IN (n.nspowner, $4::text::regrole))
           AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid AND t.typowner NOT IN (n.nspowner, $4::text::regrole))
         ORDER BY n.oid LIMIT $3
        """;

    /// <summary>
    /// Hands a portion over. Of each thing: it loses every privilege but the owner's, since whoever has it now was given it by somebody
    /// whose access is over; what runs with its owner's rights runs with its caller's; it moves out of a schema that others use, into one
    /// of the new owner's: nobody finds it there by its bare name, and its keys can be checked, which the server does as the owner of the
    /// table, who must be able to use its schema. Then it changes hands. Answers in settings: <c>dbaccess.told</c>, an array of what
    /// was done; <c>dbaccess.stays</c>, statements for what we may not move, run by somebody stronger.
    /// </summary>
    public const string HandOver = """
        DO $do$
        DECLARE
            x oid := current_setting('dbaccess.oid')::oid;
            heir text := current_setting('dbaccess.heir');
            heir_oid oid := CASE heir WHEN 'CURRENT_USER' THEN quote_ident(current_user)::regrole ELSE heir::regrole END;
            prefix text := current_setting('dbaccess.kept');
            mine oid[];
            nsps oid[] := '{}';
            places text[] := '{}';
            told text[] := '{}';
            stays text[] := '{}';
            d record;
            i record;
            g record;
            kind text;
            line text;
            lines text[];
            whom text;
            nsp oid;
            place text;
            other text;
        BEGIN
            mine := ARRAY(SELECT n.oid FROM pg_namespace n WHERE n.nspowner = x
                AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relowner NOT IN (x, heir_oid))
                AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proowner NOT IN (x, heir_oid))
                AND NOT EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid AND t.typowner NOT IN (x, heir_oid)));
            -- In words before anything is moved.
            lines := ARRAY(SELECT pg_describe_object(u.classid, u.objid, 0)
                             FROM unnest(current_setting('dbaccess.classes')::oid[], current_setting('dbaccess.objects')::oid[])
                                 WITH ORDINALITY u(classid, objid, n) ORDER BY u.n);
            FOR d IN SELECT u.classid, u.objid, u.n
                  FROM unnest(current_setting('dbaccess.classes')::oid[], current_setting('dbaccess.objects')::oid[])
                      WITH ORDINALITY u(classid, objid, n) ORDER BY u.n LOOP
                SELECT * INTO i FROM pg_identify_object(d.classid, d.objid, 0);
                CONTINUE WHEN i.identity IS NULL;
                kind := CASE WHEN i.type IN ('function', 'procedure', 'aggregate') THEN 'ROUTINE'
                             WHEN i.type = 'statistics object' THEN 'STATISTICS' ELSE i.type END;
                line := lines[d.n];
                IF d.classid = 'pg_proc'::regclass AND (SELECT p.prosecdef AND p.prokind <> 'a' FROM pg_proc p WHERE p.oid = d.objid) THEN
                    EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', i.identity);
                ELSIF i.type = 'view' AND current_setting('server_version_num')::int >= 150000 THEN
                    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', i.identity);
                END IF;

                whom := NULL;
                FOR g IN SELECT a.target, e.grantee, bool_or(a.given) AS given
                           FROM (SELECT format('%s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass)
                                            AS target, c.relacl AS acl, true AS given
                                   FROM pg_class c
                                  WHERE d.classid = 'pg_class'::regclass AND (c.oid = d.objid OR c.relkind = 'S' AND c.oid IN (
                                      SELECT s.objid FROM pg_depend s WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = d.objid
                                          AND s.refobjsubid <> 0 AND s.classid = 'pg_class'::regclass AND s.deptype IN ('a', 'i')))
                                 UNION ALL
                                 -- To take all of a table takes the privileges on its columns, too; somebody may have no others.
                                 SELECT format('TABLE %s', i.identity), t.attacl, true FROM pg_attribute t
                                  WHERE d.classid = 'pg_class'::regclass AND t.attrelid = d.objid AND t.attacl IS NOT NULL
                                 UNION ALL
                                 SELECT format('ROUTINE %s', i.identity), coalesce(p.proacl, acldefault('f', p.proowner)),
                                        p.proacl IS NOT NULL FROM pg_proc p WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid
                                 UNION ALL
                                 SELECT format('TYPE %s', i.identity), coalesce(t.typacl, acldefault('T', t.typowner)),
                                        t.typacl IS NOT NULL FROM pg_type t
                                  WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typtype <> 'm'
                                 UNION ALL
                                 SELECT format('SCHEMA %s', i.identity), n.nspacl, true FROM pg_namespace n
                                  WHERE d.classid = 'pg_namespace'::regclass AND n.oid = d.objid) a, aclexplode(a.acl) e
                          WHERE e.grantee <> x GROUP BY a.target, e.grantee ORDER BY 1, 2 LOOP
                    EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', g.target,
                        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END);
                    IF g.given THEN
                        whom := concat_ws(', ', whom, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee)::text END);
                    END IF;
                END LOOP;
                IF whom IS NOT NULL THEN line := format('%s, taken from %s', line, whom); END IF;

                place := NULL;
                IF i.type = 'schema' THEN
                    IF NOT starts_with(i.name, prefix) THEN
                        place := format('%s_%s', left(prefix, 50), d.objid);
                        BEGIN
                            EXECUTE format('ALTER SCHEMA %s RENAME TO %I', i.identity, place);
                            line := format('%s, which is called %s now', line, place);
                        EXCEPTION WHEN insufficient_privilege OR duplicate_schema THEN
                            stays := stays || format('ALTER SCHEMA %s RENAME TO %I', i.identity, place || '_');
                        END;
                    END IF;
                ELSIF i.schema !~ '^pg_' AND NOT starts_with(i.schema, prefix) AND i.schema::regnamespace <> ALL (mine) THEN
                    nsp := i.schema::regnamespace;
                    IF array_position(nsps, nsp) IS NULL THEN
                        place := format('%s_%s', left(prefix, 50), nsp);
                        -- Somebody may have taken the name, who would be the master of all that lies there.
                        IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = place AND n.nspowner <> heir_oid
                                AND NOT (heir = 'CURRENT_USER' AND n.nspowner <> x AND pg_has_role(n.nspowner, 'USAGE'))) THEN
                            place := format('%s_%s_%s', left(prefix, 44), nsp, substr(md5(random()::text), 1, 5));
                        END IF;
                        BEGIN
                            IF to_regnamespace(quote_ident(place)) IS NULL THEN
                                EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %s', place, heir);
                            END IF;
                        EXCEPTION WHEN insufficient_privilege THEN
                            stays := stays || format('CREATE SCHEMA %I AUTHORIZATION %s', place, heir);
                            place := '';
                        END;
                        nsps := nsps || nsp;
                        places := places || place;
                    END IF;
                    place := places[array_position(nsps, nsp)];
                    IF place = '' THEN
                        stays := stays || format('ALTER %s %s SET SCHEMA %I', kind, i.identity, format('%s_%s', left(prefix, 50), nsp));
                        -- So that at least keys can be checked.
                        BEGIN
                            EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', i.schema, heir);
                        EXCEPTION WHEN insufficient_privilege THEN NULL;
                        END;
                    ELSE
                        EXECUTE format('ALTER %s %s SET SCHEMA %I', kind, i.identity, place);
                        line := format('%s, in schema %s now', line, place);
                        FOR g IN SELECT m.oid, m.identity FROM pg_range r CROSS JOIN LATERAL (SELECT t.oid, o.identity FROM pg_type t,
                                pg_identify_object('pg_type'::regclass, t.oid, 0) o
                                WHERE t.oid = r.rngmultitypid AND t.typnamespace = nsp) m
                             WHERE d.classid = 'pg_type'::regclass AND r.rngtypid = d.objid LOOP
                            EXECUTE format('ALTER TYPE %s SET SCHEMA %I', g.identity, place);
                        END LOOP;
                        -- The functions that make a range belong to nobody but the server.
                        FOR g IN SELECT p.oid::regprocedure::text AS name FROM pg_range r JOIN pg_depend f
                                ON f.refclassid = 'pg_type'::regclass AND f.refobjid IN (r.rngtypid, r.rngmultitypid)
                                AND f.classid = 'pg_proc'::regclass AND f.deptype = 'i' JOIN pg_proc p ON p.oid = f.objid
                             WHERE d.classid = 'pg_type'::regclass AND r.rngtypid = d.objid AND p.pronamespace = nsp LOOP
                            stays := stays || format('ALTER FUNCTION %s SET SCHEMA %I', g.name, place);
                        END LOOP;
                    END IF;
                END IF;

                SELECT * INTO i FROM pg_identify_object(d.classid, d.objid, 0);
                EXECUTE format('ALTER %s %s OWNER TO %s', kind, i.identity, heir);
                told := told || line;
            END LOOP;
            PERFORM set_config('dbaccess.told', told::text, true), set_config('dbaccess.stays', stays::text, true);
        END
        $do$
        """;

    /// <summary>As <see cref="HandOver"/>, of the next large objects, as many as there is room for.</summary>
    public const string HandOverLargeObjects = $$"""
        DO $do$
        DECLARE
            x oid := current_setting('dbaccess.oid')::oid;
            heir text := current_setting('dbaccess.heir');
            o record;
            g record;
            told text[] := '{}';
        BEGIN
            FOR o IN SELECT m.oid, m.lomacl FROM pg_shdepend d JOIN pg_largeobject_metadata m ON m.oid = d.objid
                 WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x AND d.classid = 'pg_largeobject'::regclass
                   AND d.deptype = 'o' AND d.dbid = {{Here}} LIMIT {{Room}} LOOP
                FOR g IN SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who
                      FROM aclexplode(o.lomacl) e WHERE e.grantee <> x LOOP
                    EXECUTE format('REVOKE ALL ON LARGE OBJECT %s FROM %s CASCADE', o.oid, g.who);
                END LOOP;
                EXECUTE format('ALTER LARGE OBJECT %s OWNER TO %s', o.oid, heir);
                told := told || format('large object %s%s', o.oid, (SELECT ', taken from ' || string_agg(DISTINCT
                    CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee)::text END, ', ')
                      FROM aclexplode(o.lomacl) e WHERE e.grantee <> x));
            END LOOP;
            PERFORM set_config('dbaccess.told', told::text, true), set_config('dbaccess.stays', '{}', true);
        END
        $do$
        """;

    /// <summary>What the last block did, and the statements for what it could not.</summary>
    public const string Told =
        "SELECT current_setting('dbaccess.told')::text[], current_setting('dbaccess.stays')::text[]";

    /// <summary>Parameters: 1 the role's OID, 2 the new owner, 3 prefix of the schemas for what is moved, 4 classes, 5 OIDs.</summary>
    public const string Set = """
        SELECT set_config('dbaccess.oid', $1, true), set_config('dbaccess.heir', $2, true), set_config('dbaccess.kept', $3, true),
            set_config('dbaccess.classes', $4::oid[]::text, true), set_config('dbaccess.objects', $5::oid[]::text, true),
            set_config('dbaccess.told', '{}', true), set_config('dbaccess.stays', '{}', true)
        """;

    /// <summary>
    /// What belongs to no schema and acts by itself or lets others act: subscriptions are switched off, servers of foreign data are
    /// nobody's but their owner's. Before the rest changes hands, in its transaction; the OID comes in <c>dbaccess.oid</c>.
    /// </summary>
    public const string Disarm = """
        DO $do$
        DECLARE
            x oid := current_setting('dbaccess.oid')::oid;
            f record;
        BEGIN
            IF EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x
                AND d.classid = 'pg_subscription'::regclass) THEN
                FOR f IN SELECT s.subname FROM pg_subscription s WHERE s.subowner = x
                    AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.subenabled LOOP
                    EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', f.subname);
                END LOOP;
            END IF;
            FOR f IN SELECT DISTINCT s.srvname, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who
                FROM pg_foreign_server s, aclexplode(s.srvacl) e WHERE s.srvowner = x AND e.grantee <> x LOOP
                EXECUTE format('REVOKE ALL ON FOREIGN SERVER %I FROM %s CASCADE', f.srvname, f.who);
            END LOOP;
        END
        $do$
        """;
}
