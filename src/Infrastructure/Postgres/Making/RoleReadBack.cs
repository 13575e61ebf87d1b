using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres.Scopes;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>What a role turned out to be, from the catalogs. The columns stand in the record's order.</summary>
internal sealed record RoleReadBack(
    uint Oid, bool HasPowers, bool CanLogIn, bool Inherits, bool CanConnect, string[] Memberships, string[] Direct)
{
    public const int Columns = 7;

    /// <summary>Parameter: the role's name.</summary>
    public static string Statement(int major) => $"""
        SELECT r.oid,
               r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
               r.rolcanlogin, r.rolinherit,
               has_database_privilege(r.oid, current_database(), 'CONNECT'),
               ARRAY(SELECT g.rolname::text || CASE WHEN m.admin_option THEN ' with admin' ELSE '' END{Options(major)}
                       FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
               ARRAY(SELECT CASE WHEN d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                                 THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                                 ELSE format('something in database %I', (SELECT datname FROM pg_database WHERE oid = d.dbid)) END
                       FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'a' LIMIT 10)
          FROM pg_roles r WHERE r.rolname = $1
        """;

    public static RoleReadBack Read(NpgsqlDataReader row) => new(
        row.GetFieldValue<uint>(0), row.GetBoolean(1), row.GetBoolean(2), row.GetBoolean(3), row.GetBoolean(4),
        row.GetFieldValue<string[]>(5), row.GetFieldValue<string[]>(6));

    /// <summary>In what it is not what was ordered, in words.</summary>
    public List<string> Faults(int major, RoleOrder order, IEnumerable<ScopePart> parts, RolePreparation state)
    {
        List<string> faults = [];
        if (HasPowers) faults.Add("it has a power that we did not give (superuser, createrole, createdb, replication or bypassrls)");
        if (!CanLogIn) faults.Add("it cannot log in");
        var is16 = major >= 16;
        if (Inherits != (is16 || order.Scope.RunAs is null)) faults.Add(Inherits ? "it inherits" : "it does not inherit");
        if (!CanConnect) faults.Add($"it may not connect to {order.Target.Name}");
        List<string> expected = [.. parts.Select(part => part.Role + (is16 ? " with inherit" : ""))];
        if (order.Scope.RunAs is { } owner) expected.Add(owner + (is16 ? " with set" : ""));
        if (!Memberships.Order(StringComparer.Ordinal).SequenceEqual(expected.Order(StringComparer.Ordinal), StringComparer.Ordinal))
            faults.Add($"it is a member of {(Memberships.Length == 0 ? "nothing" : string.Join(", ", Memberships))} " +
                $"instead of {string.Join(" and ", expected)} alone");
        var direct = Direct.Except(state.Direct, StringComparer.Ordinal).ToList();
        if (direct.Count > 0) faults.Add($"somebody gave it something directly: {string.Join(", ", direct)}");
        return faults;
    }

    private static string Options(int major) => major < 16 ? ""
        : " || CASE WHEN m.set_option THEN ' with set' ELSE '' END || CASE WHEN m.inherit_option THEN ' with inherit' ELSE '' END";
}
