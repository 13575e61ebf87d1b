using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;

namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>How the checks of a cluster are made.</summary>
internal static class Checks
{
    public static Check Fault(ClusterName cluster, string check, Exception failure, string database, string lead = "")
    {
        var fault = ClusterFault.From(failure, cluster, database);
        var mend = fault.SqlState switch
        {
            "42501" => $"Let the database's owner run: GRANT CONNECT ON DATABASE {Show.Identifier(database)} TO the administrator;",
            "3D000" => "Mend the database's name in the policy file, or make the database.",
            "28P01" or "28000" => "Put the right user name and password into the administrator credentials.",
            _ => null,
        };
        return Bad(cluster, check, lead + fault.Error.Message, mend);
    }

    public static Check Ok(ClusterName cluster, string name, string what) => new(cluster.Value, name, Health.Ok, what);

    public static Check Warn(ClusterName cluster, string name, string what, string? mend = null) =>
        new(cluster.Value, name, Health.Warn, what, mend);

    public static Check Bad(ClusterName cluster, string name, string what, string? mend) =>
        new(cluster.Value, name, Health.Fail, what, mend);

    public static string Some(IEnumerable<string> things)
    {
        var all = things.ToList();
        return all.Count <= 5 ? string.Join(", ", all) : $"{string.Join(", ", all.Take(5))} and {all.Count - 5} more";
    }
}
