using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>What the administrator is and may, and where it is logged in. The columns stand in the record's order.</summary>
/// <param name="PasswordsAreReserved">To members of rds_password (<c>rds.restrict_password_commands</c>).</param>
/// <param name="Memberships">How many roles it is a member of.</param>
/// <param name="LeaveIam">See <see cref="RdsIam"/>; empty when it is no member of rds_iam.</param>
internal sealed record Administrator(bool IsSuperuser, bool MakesRoles, bool EndsSessions, bool PasswordsAreReserved, bool SetsPasswords,
    string Ident, bool OnlyReads, bool IsEncrypted, string Version, long Memberships, IReadOnlyList<string> LeaveIam)
{
    public static readonly string Statement = $"""
        SELECT r.rolsuper, r.rolcreaterole,
               EXISTS (SELECT FROM pg_roles s WHERE s.rolname = 'pg_signal_backend' AND pg_has_role(s.oid, 'USAGE')),
               coalesce(current_setting('rds.restrict_password_commands', true) IN ('on', '1'), false),
               EXISTS (SELECT FROM pg_roles p WHERE p.rolname = 'rds_password' AND pg_has_role(p.oid, 'USAGE')),
               quote_ident(r.rolname), current_setting('transaction_read_only') = 'on',
               coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false),
               current_setting('server_version'),
               (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid),
               {RdsIam.Leave("r")}
          FROM pg_roles r WHERE r.rolname = current_user
        """;

    public static Administrator Read(NpgsqlDataReader row) => new(row.GetBoolean(0), row.GetBoolean(1), row.GetBoolean(2),
        row.GetBoolean(3), row.GetBoolean(4), row.GetString(5), row.GetBoolean(6), row.GetBoolean(7), row.GetString(8), row.GetInt64(9),
        row.GetFieldValue<string[]>(10));
}
