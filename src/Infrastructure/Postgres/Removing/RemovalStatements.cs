using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// The SQL of shutting a role out, dropping it and proving it. Values go in as parameters; where a statement takes none (all statements
/// about roles), the server itself quotes the names and literals (<c>%I</c>, <c>%L</c>), on connections whose first settings make that safe
/// (see <see cref="ClusterConnections"/>). What it left is the matter of <see cref="LeftoverStatements"/>.
/// </summary>
/// <remarks>
/// All statements but one take the same parameters: 1 OID or empty, 2 name, 3 how the tag must begin, 4 names of scope roles, 5 how their
/// tags begin. The look and the state are asked with each removal, planned once for each connection: their time goes into the number of
/// steps of their plans, more than into rows.
/// </remarks>
internal sealed class RemovalStatements
{
    /// <summary>
    /// Until 15 whoever is a member of a role can become it, and leave things behind in its name; from 16 on we give memberships with SET
    /// FALSE.
    /// </summary>
    private readonly bool _canBecomeScope;

    private static readonly RemovalStatements Until15 = new(true);
    private static readonly RemovalStatements From16 = new(false);

    private RemovalStatements(bool canBecomeScope)
    {
        _canBecomeScope = canBecomeScope;
        Look = LookStatement();
        Strike = StrikeStatement();
        State = StateStatement();
    }

    public static RemovalStatements For(int major) => major >= 16 ? From16 : Until15;

    /// <summary>
    /// What there is, and with it what <see cref="Strike"/> does in the same transaction: drop a role that has nothing and nobody, shut any
    /// other out. Further parameters: 6 whether it may drop, 7 how long it may wait for locks, 8 whether the sessions of its members were
    /// ended. <see cref="RoleLookedAt"/> reads the answer.
    /// </summary>
    public string Look { get; }

    /// <summary>
    /// A DO block, which takes no parameters. A right that we lack to shut it out does not undo the rest: what is left of it shows in the
    /// <see cref="State"/>. A role that somebody's open transaction holds is told of by the <see cref="State"/>, too, so that its sessions
    /// are ended all the same. Everything it asks the catalogs would be planned anew each time; the clean case asks nothing.
    /// </summary>
    public string Strike { get; }

    /// <summary>What every removal runs as it stands; a store may keep it once.</summary>
    public static IReadOnlyList<string> Recurring { get; } = [From16.Strike, Until15.Strike];

    /// <summary>What is left anywhere, of the role or of its OID after the drop, as <see cref="RoleState"/> reads it.</summary>
    public string State { get; }

    /// <summary>
    /// The statements that make us a member of a role, to be sent in one go; see <see cref="RoleStatements.Hold"/>. Parameter: its OID.
    /// </summary>
    public static string BecomeMember(int major) =>
        $"SELECT {RoleStatements.Hold}, " +
            $"format('GRANT %I TO CURRENT_USER{(major >= 16 ? " WITH INHERIT TRUE, SET TRUE" : "")}', r.rolname) FROM " +
            "pg_roles r WHERE r.oid = $1::text::oid";

    /// <summary>How the tag of any installation begins.</summary>
    private const string OurMark = """
        '{"dbaccess"'
        """;

    /// <summary>
    /// The role that a removal is about: one on which two of our three marks agree, the OID, the name (whose end is random) and the tag.
    /// One mark alone is not enough: a name can be taken by somebody else, an OID means another role after a dump is restored, a tag can be
    /// copied. And two are: a role that was renamed, or lost its comment, or came back under another OID, is still ours to remove. So is
    /// one that was renamed and lost its comment, if it has its scope role still.
    /// </summary>
    internal const string Found = $"""
        SELECT r.oid, r.rolname, r.rolcanlogin, r.rolconnlimit, r.rolsuper
          FROM (SELECT n.oid, n.rolname, n.rolcanlogin, n.rolconnlimit, n.rolsuper, {Tag} AS tag FROM pg_roles n
                 WHERE n.oid = nullif($1, '')::oid OR n.rolname = $2 OFFSET 0) r
         WHERE coalesce(r.oid = nullif($1, '')::oid, false)::int + (r.rolname = $2)::int + coalesce(starts_with(r.tag, $3), false)::int >= 2
            OR r.oid = nullif($1, '')::oid AND coalesce(NOT starts_with(r.tag, {OurMark}), true)
               AND EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles s ON s.oid = m.roleid
                            WHERE m.member = r.oid AND s.rolname = ANY ($4))
         ORDER BY coalesce(r.oid = nullif($1, '')::oid, false) DESC LIMIT 1
        """;

    /// <summary>
    /// The comment of a role <c>n</c>. Not a join: the planner, which does not know that it is about one role, reads the comments of all.
    /// </summary>
    private const string Tag =
        "(SELECT d.description FROM pg_shdescription d WHERE d.objoid = n.oid AND d.classoid = 'pg_authid'::regclass)";

    /// <summary>
    /// The OID that everything is asked about: the role's, or, when there is no role of that number any more, the one it had. Never that of
    /// somebody else's role.
    /// </summary>
    internal const string Subject = """
        SELECT coalesce(
            (SELECT oid FROM x),
            (SELECT k.oid FROM (SELECT coalesce(nullif($1, ''), nullif(current_setting('dbaccess.found', true), ''))::oid AS oid) k
              WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = k.oid))) AS oid
        """;

    /// <summary>Only counted: to read all that is known of each session takes a hundred times as long.</summary>
    private const string Sessions =
        "(SELECT count(*) FROM pg_stat_get_backend_idset() i WHERE pg_stat_get_backend_userid(i) = o.oid)";

    /// <summary>Not the view: it knows owners by name, and a dropped role has none.</summary>
    private static string Prepared(string oid) => $"(SELECT count(*) FROM pg_prepared_xact() p WHERE p.ownerid = {oid})";

    /// <summary>
    /// A range of one, and not an equality: a scope role has a row for each of its tables there, from which the planner concludes that any
    /// role has thousands, and reads it all.
    /// </summary>
    private static string Dependencies(string oid, string which) =>
        $"(SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid BETWEEN {oid} AND {oid}{which})";

    /// <summary>
    /// Default privileges in a role's name, in any database. By what depends, and not by whose it is: a scope role has a row for each of
    /// its tables in that other index, and as many would be read each time.
    /// </summary>
    private static string DefaultsOf(string oid) =>
        $"(SELECT count(*) FROM pg_shdepend d WHERE d.dbid = ANY ({Everywhere}) AND d.classid = 'pg_default_acl'::regclass AND " +
            $"d.deptype = 'o' AND d.refclassid = 'pg_authid'::regclass AND d.refobjid::bigint = {oid}::bigint)";

    /// <summary>By database, which is how the index goes: every live role with a setting has a row there.</summary>
    private static string Settings(string oid) =>
        $"(SELECT count(*) FROM pg_db_role_setting c WHERE c.setdatabase = ANY ({Everywhere}) AND c.setrole = {oid})";

    private const string Databases = "b AS MATERIALIZED (SELECT array_agg(b.oid) || 0::oid AS oids FROM pg_database b)";

    /// <summary>All databases, and none, of <see cref="Databases"/>.</summary>
    private const string Everywhere = "(SELECT b.oids FROM b)::oid[]";

    /// <summary>Two look-ups by index instead of one reading of all memberships.</summary>
    private static string Memberships(string oid) =>
        $"((SELECT count(*) FROM pg_auth_members m WHERE m.roleid = {oid}) + (SELECT count(*) FROM pg_auth_members m WHERE m.member = " +
            $"{oid}))";

    /// <summary>
    /// Memberships that it gave: until 15 they stay, with its number as that of whoever gave them; from 16 on they are dependencies like
    /// others. Not those in nothing, see <see cref="RoleStatements.Hold"/>.
    /// </summary>
    private const string Given = "(SELECT count(*) FROM pg_auth_members m WHERE m.grantor = o.oid AND m.roleid <> o.oid AND EXISTS " +
        "(SELECT FROM pg_roles r WHERE r.oid = m.roleid) AND EXISTS (SELECT FROM pg_roles r WHERE r.oid = m.member))";

    private const string Members =
        "(SELECT count(*) FROM pg_auth_members m WHERE m.roleid = o.oid AND pg_get_userbyid(m.member) <> current_user)";

    /// <summary>The scope roles of ours that it is a member of, or was according to the record.</summary>
    private const string ScopeRoles = $"""
        SELECT n.oid FROM pg_roles n WHERE starts_with({Tag}, $5) AND n.oid = ANY (ARRAY(
            SELECT r.oid FROM pg_roles r WHERE r.rolname = ANY ($4)
            UNION ALL SELECT m.roleid FROM o JOIN pg_auth_members m ON m.member = o.oid))
        """;

    /// <summary>
    /// Of a scope role only what it owns is wrong: what it was given is what it is for. From 16 on nobody can become it, and whoever
    /// inherits from it can still set default privileges in its name: see <see cref="Scopes.ScopeDefaults"/>.
    /// </summary>
    private string LeftOfScopes => _canBecomeScope
        ? $"coalesce((SELECT sum({Dependencies("s.oid", $" AND d.deptype = 'o' AND d.classid <> {ScopeStatements.NobodysDoing}")} + " +
            $"{Prepared("s.oid")} + {Settings("s.oid")}) FROM s), 0)"
        : $"coalesce((SELECT sum({DefaultsOf("s.oid")}) FROM s), 0)";

    private string LookStatement() => $"""
        WITH {Databases}, x AS MATERIALIZED ({Found}), o AS MATERIALIZED (SELECT oid FROM x), s AS MATERIALIZED ({ScopeRoles}),
        n AS MATERIALIZED (
            SELECT x.oid, format('%I', x.rolname) AS ident,
                   $6 AND {Sessions} = 0 AND {Dependencies("o.oid", "")} = 0 AND {Prepared("o.oid")} = 0 AND {LeftOfScopes} =
                       0{(_canBecomeScope ? $" AND {Given} = 0 AND ($8 OR {Members} = 0)" : " AND $8 IS NOT NULL")} AS clean
              FROM x, o)
        SELECT n.oid,
               ARRAY(SELECT pg_get_userbyid(s.oid)::text FROM s),
               coalesce((SELECT NOT x.rolcanlogin AND x.rolconnlimit = 0 FROM x), false),
               set_config('dbaccess.found', coalesce(n.oid::text, ''), false),
               set_config('dbaccess.ident', coalesce(n.ident, ''), true),
               set_config('dbaccess.strike', CASE WHEN n.oid IS NULL THEN 'nothing' WHEN n.clean THEN 'drop' ELSE 'contain' END, true),
               set_config('dbaccess.scopes', (SELECT coalesce(array_agg(s.oid), '{"{}"}') FROM s)::text, true),
               set_config('lock_timeout', $7, true),
               set_config('dbaccess.held', '', false), set_config('dbaccess.given', '', false)
          FROM (SELECT) AS one LEFT JOIN n ON true
        """;

    /// <summary>A block is read as a whole before it runs: what few roles need is a text in it, which is read when it is run.</summary>
    private string StrikeStatement() => $"""
        DO $do$
        DECLARE
            m record;
        BEGIN
            IF current_setting('dbaccess.strike') = 'drop' THEN
                {(_canBecomeScope ? ForgetPasswords : "")}
                EXECUTE 'DROP ROLE ' || current_setting('dbaccess.ident');
            ELSIF current_setting('dbaccess.strike') = 'contain' THEN
                EXECUTE $contain$
        {ContainStatement()}
                $contain$;
            END IF;
        END
        $do$
        """;

    private string ContainStatement() => $"""
        DO $block$
        DECLARE
            m record;
        BEGIN
            BEGIN
                EXECUTE 'ALTER ROLE ' || current_setting('dbaccess.ident') ||
                    ' NOLOGIN CONNECTION LIMIT 0 PASSWORD NULL VALID UNTIL ''1970-01-01''';
            EXCEPTION WHEN insufficient_privilege THEN
                -- Where passwords and their end are reserved to members of another role, these two are not.
                BEGIN
                    EXECUTE 'ALTER ROLE ' || current_setting('dbaccess.ident') || ' NOLOGIN CONNECTION LIMIT 0';
                EXCEPTION WHEN insufficient_privilege THEN NULL;
                END;
            WHEN lock_not_available THEN
                PERFORM set_config('dbaccess.held', 'yes', false);
            END;
            {KeepKeys}
            {(_canBecomeScope ? "" : RememberGiven)}
            FOR m IN SELECT r.rolname, a.grantor FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
                WHERE a.member = current_setting('dbaccess.found')::oid LOOP
                BEGIN
                    EXECUTE format('REVOKE %I FROM {(_canBecomeScope ? "%s" : "%s GRANTED BY %I CASCADE")}', m.rolname,
                        current_setting('dbaccess.ident'){(_canBecomeScope ? "" : ", pg_get_userbyid(m.grantor)")});
                -- From 16 on whoever is giving the scope role to somebody at this moment holds it; the lock-out must not wait for them.
                EXCEPTION WHEN insufficient_privilege OR lock_not_available THEN NULL;
                END;
            END LOOP;
            {(_canBecomeScope ? ForgetPasswords : "")}
        END
        $block$
        """;

    /// <summary>
    /// The server checks a foreign key as the owner of the table that it looks into, who must be able to use its schema: a role that has a
    /// table in somebody else's and loses what its scope gave would have their inserts and deletes fail, while its table is still its own.
    /// It keeps that one right, until it is dropped, and can do nothing with it. Part of a block with a record <c>m</c>; the role's OID
    /// comes in the setting <c>dbaccess.found</c>.
    /// </summary>
    public const string KeepKeys = """
        FOR m IN SELECT DISTINCT n.nspname, r.rolname
                      FROM pg_shdepend d JOIN pg_class c ON c.oid = d.objid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r
                          ON r.oid = d.refobjid
                     WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = current_setting('dbaccess.found')::oid AND d.deptype = 'o'
                       AND d.classid = 'pg_class'::regclass AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                       AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspowner <> d.refobjid
                       AND NOT EXISTS (SELECT FROM aclexplode(n.nspacl) e
                           WHERE e.grantee IN (0, d.refobjid) AND e.privilege_type = 'USAGE') LOOP
                    -- Whatever keeps us from it, an event trigger of theirs maybe, must not keep us from shutting the role out.
                    BEGIN
                        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', m.nspname, m.rolname);
                    EXCEPTION WHEN OTHERS THEN NULL;
                    END;
                END LOOP;
        """;

    /// <summary>From 16 on the memberships that it had handed on fall with its own, and nothing would say so.</summary>
    private const string RememberGiven = """
        PERFORM set_config('dbaccess.given', coalesce((
                    SELECT string_agg(format('the membership of %s in %s, which it had given', h.rolname, r.rolname), chr(10)
                        ORDER BY h.rolname, r.rolname)
                      FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles h ON h.oid = a.member
                          WHERE a.grantor = current_setting('dbaccess.found')::oid), ''), false);
        """;

    /// <summary>
    /// A password that a holder set on a scope role opens nothing, since nobody can log in as it; it goes all the same where we can see it.
    /// To set it to nothing each time would have everybody's removals clash on that one row.
    /// </summary>
    private const string ForgetPasswords = """
        IF has_column_privilege('pg_authid', 'rolpassword', 'SELECT') THEN
                    FOR m IN EXECUTE
                        'SELECT rolname FROM pg_authid WHERE oid = ANY (current_setting(''dbaccess.scopes'')::oid[]) AND rolpassword IS NOT NULL' LOOP
                        EXECUTE format('ALTER ROLE %I PASSWORD NULL', m.rolname);
                    END LOOP;
                END IF;
        """;

    private string StateStatement() => $"""
        WITH {Databases}, x AS MATERIALIZED ({Found}), o AS MATERIALIZED ({Subject}), s AS MATERIALIZED ({ScopeRoles})
        SELECT x.oid IS NOT NULL, x.rolname::text, coalesce(x.rolcanlogin, false), coalesce(x.rolsuper, false),
               {Sessions},
               {Dependencies("o.oid", " AND d.deptype = 'o'")} + {Prepared("o.oid")}{(_canBecomeScope ? $" + {Given}" : "")},
               {Dependencies("o.oid", " AND d.deptype <> 'o'")},
               {Memberships("o.oid")},
               {Settings("o.oid")},
               {LeftOfScopes}::bigint,
               ARRAY(SELECT s.oid::text FROM s),
               {(_canBecomeScope ? Members : "0::bigint")},
               current_setting('transaction_read_only') = 'on',
               current_setting('pg_stat_statements.max', true) IS NOT NULL,
               k.rolname::text,
               coalesce(k.rolcanlogin AND isfinite(k.rolvaliduntil) AND shobj_description(k.oid, 'pg_authid') IS NULL, false),
               coalesce(current_setting('dbaccess.held', true), '') = 'yes',
               coalesce(current_setting('dbaccess.given', true), ''),
               {(_canBecomeScope ? "true" : "false")},
               (SELECT count(*) FROM pg_stat_get_wal_senders()),
               to_regproc('pg_catalog.aurora_replica_status') IS NOT NULL
          FROM o LEFT JOIN x ON true LEFT JOIN pg_roles k ON k.oid = nullif($1, '')::oid AND k.oid IS DISTINCT FROM x.oid
        """;
}
