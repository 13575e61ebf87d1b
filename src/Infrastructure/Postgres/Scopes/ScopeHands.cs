using DbAccess.Infrastructure.Postgres.Making;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>
/// Whose hands a scope role is in. From PostgreSQL 16 on whoever makes a role keeps the right to hand it on; somebody else's role with our
/// name and our comment would let them at everything we grant to it. Until 15 whoever may make roles may hand on any, and nothing can be
/// told by it.
/// </summary>
internal static class ScopeHands
{
    /// <summary>
    /// Who, but for us, superusers and our own roles as we made them members, is a member of it or may hand it on: at most five, by name.
    /// Everything costly is asked only of those who are odd, and of rows that were not there when <see cref="HandsSeen"/> last saw nobody:
    /// who is given more later has a new row. With thousands of live roles that is all but one or two of them. For servers of 16 and later,
    /// in a question that has <see cref="Me"/>.
    /// </summary>
    /// <param name="since">The transaction (text) before which all was seen; null for none. One still to come counts as none.</param>
    public static string Others(string role, string loginTags, string escrowTag, string since) => $"""
        ARRAY(SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m
               WHERE m.roleid = {role}
                 AND age(m.xmin) <=
                     (SELECT CASE WHEN a.since >= 0 THEN a.since ELSE 2147483647 END FROM (SELECT age({since}::xid)) a(since))
                 AND m.member <> me.oid
                 AND CASE WHEN m.admin_option
                            OR m.grantor <> me.oid AND m.grantor NOT IN (SELECT g.oid FROM pg_roles g WHERE g.rolsuper)
                            OR {NotTagged(loginTags, escrowTag, since)}
                          THEN NOT (SELECT h.rolsuper FROM pg_roles h WHERE h.oid = m.member) ELSE false END LIMIT 5)
        """;

    /// <summary>As above of a role that nobody but us needs: a member that we, or a superuser, made one on purpose is none.</summary>
    public static string Others(string role) => $"""
        ARRAY(SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m JOIN pg_roles h ON h.oid = m.member
               WHERE m.roleid = {role} AND current_setting('server_version_num')::int >= 160000
                 AND NOT h.rolsuper AND h.rolname <> current_user
                 AND (m.admin_option OR m.grantor NOT IN (SELECT g.oid FROM pg_roles g WHERE g.rolsuper OR g.rolname = current_user))
               LIMIT 5)
        """;

    /// <summary>One by one where few are asked about; of all of them, by one reading of the tags.</summary>
    private static string NotTagged(string loginTags, string escrowTag, string since)
    {
        var ours = $"(starts_with(d.description, {loginTags}) OR d.description = {escrowTag})";
        return $"""
            CASE WHEN {since} IS NULL
                                    THEN m.member NOT IN (SELECT d.objoid FROM pg_shdescription d
                                                           WHERE d.classoid = 'pg_authid'::regclass AND {ours})
                                    ELSE NOT coalesce((SELECT {ours} FROM pg_shdescription d
                                                        WHERE d.objoid = m.member AND d.classoid = 'pg_authid'::regclass), false) END
            """;
    }

    /// <summary>Ourselves, looked up once for each question.</summary>
    public const string Me = "LEFT JOIN pg_roles me ON me.rolname = current_user";

    /// <summary>For <see cref="HandsSeen"/>: whatever is not seen by this statement is of this transaction or a later one.</summary>
    public const string Horizon = "pg_snapshot_xmin(pg_current_snapshot())::xid::text";

    /// <summary>
    /// Whether we may hand it on; of a role that is not there, yes. Mostly we made it, which one row says; to look through all that we are
    /// a member of takes half a millisecond with a thousand live roles. For servers of 16 and later, in a question that has
    /// <see cref="Me"/>.
    /// </summary>
    public static string Ours(string role) => $"""
        {role} IS NULL
            OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = {role} AND m.admin_option AND m.member = me.oid)
            OR coalesce(pg_has_role({role}, 'MEMBER WITH ADMIN OPTION'), false)
        """;

    /// <summary>
    /// Scope roles of the same privileges that are as we made them, oldest first. Parameters: 1 the tag, 2 how the name begins, 3 names
    /// that are not to be taken, 4 how the tags of our logins begin, 5 the tag of the escrow role.
    /// </summary>
    public static string Sound(int major) => $"""
        SELECT s.rolname::text
          FROM pg_roles s JOIN pg_shdescription t ON t.objoid = s.oid AND t.classoid = 'pg_authid'::regclass {Me}
         WHERE t.description = $1 AND starts_with(s.rolname::text, $2) AND s.rolname::text <> ALL ($3)
           AND NOT (s.rolcanlogin OR s.rolsuper OR s.rolcreaterole OR s.rolcreatedb OR s.rolreplication OR s.rolbypassrls)
           AND NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.member = s.oid)
           AND {(major >= 16 ? $"cardinality({Others("s.oid", "$4", "$5", "NULL::text")}) = 0 AND ({Ours("s.oid")})"
                : "$4 || $5 IS NOT NULL")}
         ORDER BY s.oid
        """;
}
