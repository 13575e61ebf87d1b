using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>The owner that the sessions of a scope act as (<c>run_as</c>), and the statements that let a role do so.</summary>
/// <param name="Grants">The membership, and what lets a role in that inherits nothing (until PostgreSQL 15).</param>
/// <param name="Direct">What of it the role has directly, as the server describes it.</param>
/// <param name="Setting">Makes each new session the owner's.</param>
internal sealed record OwnerToActAs(string[] Grants, string[] Direct, string Setting)
{
    /// <summary>Refuses an owner that is not there, that has powers no scope may lend, or that the administrator cannot hand on.</summary>
    public static async Task<(Error? Why, OwnerToActAs Owner)> FindAsync(
        ClusterConnection cluster, DatabaseTarget target, PrivilegeScope scope, string owner, string role,
            CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand(MakingStatements.RunAs(cluster.Major), cluster.Connection);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = owner });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = role });
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. scope.DatabasesOf(target)] });
        await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (ident, administrator) = (reader.GetString(5), reader.GetString(6));
        Error? why = null;
        if (!reader.GetBoolean(0))
            why = new Error("postgres.missing_object", $"Cluster {target.Cluster} has no role {ident}, as which scope {scope.Name} runs.");
        else if (reader.GetBoolean(1))
            why = new Error("postgres.run_as_too_strong",
                $"Scope {scope.Name} runs as {ident}, which is, or is a member of, a superuser, a predefined role or one that makes " +
                "roles or databases, replicates or bypasses row security. No scope may lend that: name an owner without it.");
        else if (!reader.GetBoolean(2))
            why = new Error("postgres.cannot_grant",
                $"The administrator {administrator} may not hand on {ident}, as which scope {scope.Name} runs. Let a superuser run: " +
                $"GRANT {ident} TO {administrator} WITH ADMIN OPTION;");
        return (why, new OwnerToActAs(
            [reader.GetString(3), .. reader.GetFieldValue<string[]>(7)], reader.GetFieldValue<string[]>(8), reader.GetString(4)));
    }
}
