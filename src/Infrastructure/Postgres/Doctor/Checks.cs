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
        var remedy = fault.SqlState == "42501"
            ? new Remedy("the database's owner", "", $"GRANT CONNECT ON DATABASE {Show.Identifier(database)} TO the administrator") : null;
        var mend = fault.SqlState switch
        {
            "42501" => remedy!.ToString(),
            "3D000" => "Mend the database's name in the policy file, or make the database.",
            "28P01" or "28000" => "Put the right user name and password into the administrator credentials.",
            _ => null,
        };
        return Bad(cluster, check, lead + fault.Error.Message, mend) with { Remedy = remedy };
    }

    public static Check Ok(ClusterName cluster, string name, string what) => new(cluster.Value, name, Health.Ok, what);

    public static Check Warn(ClusterName cluster, string name, string what, string? mend = null, Remedy? remedy = null) =>
        new(cluster.Value, name, Health.Warn, what, mend ?? remedy?.Script) { Remedy = remedy };

    public static Check Bad(ClusterName cluster, string name, string what, string? mend) =>
        new(cluster.Value, name, Health.Fail, what, mend);

    public static Check Bad(ClusterName cluster, string name, string what, Remedy remedy) =>
        Bad(cluster, name, what, remedy.Script) with { Remedy = remedy };

    /// <summary>What a request would be refused for.</summary>
    public static Check Bad(ClusterName cluster, string name, string about, Error refusal) =>
        Bad(cluster, name, $"{about}: {refusal.Message}", refusal.Remedy?.Script) with { Remedy = refusal.Remedy };

    public static string Some(IEnumerable<string> things)
    {
        var all = things.ToList();
        return all.Count <= 5 ? string.Join(", ", all) : $"{string.Join(", ", all.Take(5))} and {all.Count - 5} more";
    }
}
