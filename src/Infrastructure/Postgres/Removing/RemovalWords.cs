using DbAccess.Domain;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>What a removal says to people, with what mends it. Pure.</summary>
internal static class RemovalWords
{
    public const string NoRoomAtFirst =
        "the server had no room left for locks at first, so some sessions may have been ended that are not counted";

    public const string GoesOn = "what it left is being handed over, which takes longer than one try; it goes on by itself";

    public static string Held(string name) =>
        $"another session's open transaction, or a prepared one, holds {name} (a GRANT to it that was not committed, or the like). It is " +
            "tried again; to see whose: SELECT datname, usename, format('SELECT pg_terminate_backend(%s)', pid) AS statement FROM " +
            "pg_stat_activity WHERE state LIKE 'idle in transaction%' UNION ALL SELECT database, owner, format('ROLLBACK PREPARED %L', " +
            "gid) FROM pg_prepared_xacts;";

    public static string CanStillLogIn(string name) =>
        $"the role {name} can still log in: the administrator may not change it. Run as a superuser: ALTER ROLE {Show.Identifier(name)} " +
            "NOLOGIN;";

    public static string MadeSuperuser(string name) =>
        $"somebody has made the role {name} a superuser, so that only a superuser may change it, end its sessions or drop it. It is " +
            $"tried again. Run as a superuser: ALTER ROLE {Show.Identifier(name)} NOSUPERUSER;";

    public static string MayNotBeDropped(string name) =>
        $"{name} may not be dropped by our administrator, which lacks CREATEROLE, or from PostgreSQL 16 on the admin option on it " +
            $"(another administrator has made it). Run as a stronger role: DROP ROLE {Show.Identifier(name)};";

    public static string ComesBack(string name) =>
        $"something of {name} is still there after its clean-up, or comes back; it is tried again";

    public static string Waiting(RemovalCase removal, RoleState left, WaitingSession one) =>
        $"session {one.Pid} of {left.Name ?? removal.Role.Role.Value} was told to end, and to do so waits for {one.Mode} on {one.What}, " +
            $"which {one.Holder} holds; whoever wants that table meanwhile waits behind it. No statement but one that ends its holder " +
            $"helps. Run as the same user or a superuser: {one.End};";

    public static string NotEnded(RemovalCase removal, RoleState left, long sessions) =>
        $"{sessions} sessions of {left.Name ?? removal.Role.Role.Value} did not end. {EndAll(removal)}";

    public static Error MembersNotEnded(RemovalCase removal, RoleState left, string administrator) => new("postgres.not_locked_out",
        $"{left.Name ?? removal.Role.Role.Value} was given on to others, who may act through it, and our administrator may not end their " +
            "sessions. Run as a superuser: SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = " +
            $"a.usesysid WHERE pg_has_role(r.oid, {removal.Oid}, 'MEMBER') AND NOT r.rolsuper; and, so that we may: GRANT " +
            $"pg_signal_backend TO {Show.Identifier(administrator)};");

    public static Error NotProved(RemovalCase removal, RoleState left) => new("postgres.not_proved", left.Sessions > 0
        ? $"Sessions of the dropped role {removal.Role.Role} are still there on cluster {removal.Role.Target.Cluster}. {EndAll(removal)}"
        : $"In the name of the dropped role {removal.Role.Role} or of its scope role, cluster {removal.Role.Target.Cluster} still has " +
            $"{left.InWords()}; see pg_shdepend, pg_auth_members and pg_prepared_xact() for OID {removal.Oid}.");

    public static Error Renamed(RemovalCase removal, string heir) => new("postgres.renamed",
        $"On cluster {removal.Role.Target.Cluster} the number of role {removal.Role.Role} (OID {removal.Oid}) belongs to " +
            $"{Show.Identifier(heir)}, which has neither its name nor any comment, but an end, as our roles have. If it is the role of " +
            $"{removal.Role.Grant}, run: ALTER ROLE {Show.Identifier(heir)} RENAME TO {Show.Identifier(removal.Role.Role.Value)}; and it " +
            $"is removed. If it is another, run: COMMENT ON ROLE {Show.Identifier(heir)} IS 'what it is for'; and it is left alone.");

    public static string InNothing(RemovalCase removal, long memberships) =>
        $"somebody gave the role away or gave it another at the moment it was dropped, and PostgreSQL keeps {memberships} memberships in " +
            "nothing on record, which give nobody anything; no statement takes them away but a superuser's DELETE FROM pg_auth_members " +
            $"WHERE {removal.Oid} IN (roleid, member)";

    public static string HasHeir(RemovalCase removal, string heir) =>
        $"the number that the role had (OID {removal.Oid}) belongs to another role now, {heir}, which was left alone";

    public static Error Unreached(RemovalCase removal, IReadOnlyList<string> readers) => new("postgres.reader",
        $"On cluster {removal.Role.Target.Cluster}, {string.Join(" and ", readers)}: whether {removal.Role.Role} has a session there is " +
            "not known. Mend it, or take it out of the administrator credentials.");

    /// <param name="follower">An instance that follows the writer, in words.</param>
    public static string NotSwept(string follower) =>
        $"{follower} follows the writer and is not among the readers of the administrator credentials, and could not be reached: " +
            "sessions there were not looked for. If people can log in there, list it as a reader; their sessions can read until then";

    private static string EndAll(RemovalCase removal) =>
        $"Run as a superuser: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {removal.Oid};";
}
