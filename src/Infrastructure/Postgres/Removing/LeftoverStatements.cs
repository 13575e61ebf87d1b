using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// The SQL about what a role left: where it is and what goes with the role. Who gets it is the matter of <see cref="HandOverStatements"/>,
/// what keeps it of <see cref="BlockerStatements"/>. See <see cref="RemovalStatements"/> for how values and names get into statements.
/// Where nothing else is said, the one parameter is the role's OID.
/// </summary>
internal static class LeftoverStatements
{
    private const string Here = "(0, (SELECT oid FROM pg_database WHERE datname = current_database()))";

    /// <summary>
    /// The databases in which the role owns or holds something, and whether one can go there. Further parameter: 2 which kinds of
    /// dependency count.
    /// </summary>
    public const string Whereabouts = $"""
        SELECT coalesce(b.datname, current_database())::text,
            bool_and(coalesce(b.datallowconn AND b.datconnlimit <> 0 AND b.datconnlimit <> -2, true)),
               bool_or(coalesce(b.datconnlimit, -1) = -2), max(quote_ident(pg_get_userbyid(b.datdba))), max(quote_ident(b.datname))
          FROM pg_shdepend d
          -- The whole cluster's, and still it can be handed over only in its own database.
          LEFT JOIN pg_subscription s ON d.classid = 'pg_subscription'::regclass AND s.oid = d.objid
          LEFT JOIN pg_database b ON b.oid = coalesce(s.subdbid, d.dbid)
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype::text = ANY ($2)
           AND {BlockerStatements.NotDefaults}
         GROUP BY 1 ORDER BY 1
        """;

    /// <summary>Memberships that it gave others, until 15; from 16 on they fall with it.</summary>
    public const string GivenMemberships = """
        SELECT format('REVOKE %I FROM %I', r.rolname, h.rolname),
            format('the membership of %s in %s, which it had given', h.rolname, r.rolname)
          FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles h ON h.oid = m.member WHERE m.grantor = $1::text::oid
              AND m.roleid <> m.grantor AND current_setting('server_version_num')::int < 160000 ORDER BY 1
        """;

    /// <summary>What the role owns here and in common, and can be handed over, in words.</summary>
    public const string Owned = $"""
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'o' AND d.dbid IN {Here}
           AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_auth_members'::regclass, 'pg_user_mapping'::regclass)
         ORDER BY 1
        """;

    /// <summary>
    /// What goes with the role, in words: what was for it alone, what others gave it, what it gave others. At most a thousand.
    /// </summary>
    public const string Dropped = $"""
        SELECT CASE WHEN d.classid = 'pg_policy'::regclass
            AND (SELECT p.polroles FROM pg_policy p WHERE p.oid = d.objid) <> ARRAY[$1::text::oid] THEN 'its part in ' || w.what
                    WHEN d.classid = 'pg_policy'::regclass THEN w.what || ', which was for it only'
                    WHEN d.deptype = 'o' THEN w.what
                    WHEN d.classid = 'pg_default_acl'::regclass THEN 'its part in ' || w.what
                    ELSE 'what it was given on ' || w.what END
          FROM pg_shdepend d, LATERAL (SELECT coalesce(pg_describe_object(d.classid, d.objid, d.objsubid), 'something') AS what) w
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.dbid IN {Here}
           AND (d.deptype <> 'o' OR d.classid IN ('pg_default_acl'::regclass, 'pg_auth_members'::regclass, 'pg_user_mapping'::regclass))
        UNION
        SELECT format('what it had given %s on %s', string_agg(DISTINCT CASE e.grantee WHEN 0 THEN 'everybody'
            ELSE pg_get_userbyid(e.grantee)::text END, ', '), pg_describe_object(a.classid, a.objid, a.objsubid))
          FROM (-- A role that can give something on holds it, so it is among its dependencies.
                SELECT d.classid, d.objid, d.objsubid, CASE d.classid
                           WHEN 'pg_class'::regclass THEN CASE d.objsubid WHEN 0
                               THEN (SELECT c.relacl FROM pg_class c WHERE c.oid = d.objid)
                                                                         ELSE (SELECT t.attacl FROM pg_attribute t
                                                                             WHERE t.attrelid = d.objid AND t.attnum = d.objsubid) END
                           WHEN 'pg_namespace'::regclass THEN (SELECT n.nspacl FROM pg_namespace n WHERE n.oid = d.objid)
                           WHEN 'pg_proc'::regclass THEN (SELECT p.proacl FROM pg_proc p WHERE p.oid = d.objid)
                           WHEN 'pg_type'::regclass THEN (SELECT t.typacl FROM pg_type t WHERE t.oid = d.objid)
                           WHEN 'pg_database'::regclass THEN (SELECT b.datacl FROM pg_database b WHERE b.oid = d.objid)
                           WHEN 'pg_largeobject'::regclass THEN (SELECT o.lomacl FROM pg_largeobject_metadata o WHERE o.oid = d.objid)
                               END AS acl
                  FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'a'
                      AND d.dbid IN {Here}) a, aclexplode(a.acl) e
         WHERE e.grantor = $1::text::oid AND e.grantee <> $1::text::oid GROUP BY a.classid, a.objid, a.objsubid
         ORDER BY 1 LIMIT 1000
        """;

    /// <summary>
    /// Temporary objects of sessions that a crash of the server cut off, with the statement that drops each. One whose session lives is the
    /// session's own to drop: it can be somebody else's that runs a SECURITY DEFINER function of the role's, and until 15 nobody can tell
    /// which sessions have which temporary schema. From 16 on a schema whose number no session has is nobody's in any case. Only while the
    /// role has no session.
    /// </summary>
    public static string Orphans(int major) => $"""
        SELECT format('DROP %s IF EXISTS %s CASCADE', i.type, i.identity), format('%s %s', i.type, i.identity)
          FROM pg_shdepend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'o'
             AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND i.schema ~ '^pg_temp_[0-9]+$' AND i.type IN ('table', 'view', 'sequence', 'function', 'procedure', 'aggregate', 'type')
           AND (NOT EXISTS (SELECT FROM pg_proc p WHERE p.proowner = d.refobjid AND p.prosecdef)
                {(major >= 16 ? "OR NOT EXISTS (SELECT FROM pg_stat_get_backend_idset() b(id) WHERE i.schema = 'pg_temp_' || b.id)" : "")})
         ORDER BY i.type = 'table' DESC, 1
        """;
}

/// <summary>A database in which a role left something.</summary>
/// <param name="Open">One can go there.</param>
/// <param name="Invalid">A drop of it was cut off; nobody can go there any more.</param>
/// <param name="Owner">Quoted, like <paramref name="Ident"/>; null for what no database has.</param>
internal sealed record LeftoverPlace(string Database, bool Open, bool Invalid, string? Owner, string? Ident)
{
    public static LeftoverPlace Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetBoolean(1), row.GetBoolean(2),
        row.IsDBNull(3) ? null : row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4));
}

/// <summary>A statement, and what it is about in words.</summary>
internal sealed record LeftoverStatement(string Statement, string Words)
{
    public static LeftoverStatement Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1));
}
