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
    /// Everything costly is asked only of those who are odd.
    /// </summary>
    public static string Others(string role, string loginTags, string escrowTag) => $"""
        ARRAY(SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m
               WHERE m.roleid = {role} AND current_setting('server_version_num')::int >= 160000
                 AND m.member <> (SELECT me.oid FROM pg_roles me WHERE me.rolname = current_user)
                 AND CASE WHEN m.admin_option
                            OR m.grantor <> (SELECT me.oid FROM pg_roles me WHERE me.rolname = current_user)
                               AND NOT (SELECT g.rolsuper FROM pg_roles g WHERE g.oid = m.grantor)
                            OR m.member NOT IN (SELECT d.objoid FROM pg_shdescription d WHERE d.classoid = 'pg_authid'::regclass
                                                 AND (starts_with(d.description, {loginTags}) OR d.description = {escrowTag}))
                          THEN NOT (SELECT h.rolsuper FROM pg_roles h WHERE h.oid = m.member) ELSE false END LIMIT 5)
        """;

    /// <summary>
    /// Whether we may hand it on; of a role that is not there, yes. Mostly we made it, which one row says; to look through all that we are
    /// a member of takes half a millisecond with a thousand live roles.
    /// </summary>
    public static string Ours(string role) => $"""
        {role} IS NULL OR current_setting('server_version_num')::int < 160000
            OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = {role} AND m.admin_option
                          AND m.member = (SELECT me.oid FROM pg_roles me WHERE me.rolname = current_user))
            OR coalesce(pg_has_role({role}, 'MEMBER WITH ADMIN OPTION'), false)
        """;

    /// <summary>
    /// Scope roles of the same privileges that are as we made them, oldest first. Parameters: 1 the tag, 2 how the name begins, 3 names
    /// that are not to be taken, 4 how the tags of our logins begin, 5 the tag of the escrow role.
    /// </summary>
    public static readonly string Sound = $"""
        SELECT s.rolname::text
          FROM pg_roles s JOIN pg_shdescription t ON t.objoid = s.oid AND t.classoid = 'pg_authid'::regclass
         WHERE t.description = $1 AND starts_with(s.rolname::text, $2) AND s.rolname::text <> ALL ($3)
           AND NOT (s.rolcanlogin OR s.rolsuper OR s.rolcreaterole OR s.rolcreatedb OR s.rolreplication OR s.rolbypassrls)
           AND NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.member = s.oid)
           AND cardinality({Others("s.oid", "$4", "$5")}) = 0 AND ({Ours("s.oid")})
         ORDER BY s.oid
        """;
}
