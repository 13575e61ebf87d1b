namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>From where on something is told.</summary>
/// <param name="Skew">Warned of; the server lets a role in by its own clock.</param>
/// <param name="BadSkew">With more than this, roles end at a wrong time.</param>
/// <param name="LiveRoles">From 16 on every role that an administrator made is a membership of it, and looking them through takes longer
/// with thousands.</param>
/// <param name="AclEntries">A table's list of privileges overflows at about 2,440.</param>
internal sealed record DoctorLimits(TimeSpan Skew, TimeSpan BadSkew, int LiveRoles, int AclEntries)
{
    public static DoctorLimits Default { get; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(30), 2_000, 1_000);
}
