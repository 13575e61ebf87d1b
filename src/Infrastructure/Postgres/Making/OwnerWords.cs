using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// Why nobody can act as an owner, each with what mends it. Owners and administrators are names as SQL writes them. Pure.
/// </summary>
internal static class OwnerWords
{
    private const string Superuser = "a superuser";

    public static Error NotThere(string owner, PrivilegeScope scope, ClusterName cluster) => new("postgres.missing_object",
        $"Cluster {cluster} has no role {owner}, as which scope {scope.Name} runs.");

    public static Error TooStrong(string owner, PrivilegeScope scope) => new("postgres.run_as_too_strong",
        $"Scope {scope.Name} runs as {owner}, which is, or is a member of, a superuser, a predefined role or one that makes roles " +
        "or databases, replicates or bypasses row security. No scope may lend that: name an owner without it.");

    public static Error CanLogIn(string owner, PrivilegeScope scope) => Error.MendedBy("postgres.run_as_can_log_in",
        $"Scope {scope.Name} runs as {owner}, which can log in. Who acts as it could set its password and log in with it after " +
        "their end. Let the application log in as another role that is a member of it.",
        new Remedy(Superuser, "", $"ALTER ROLE {owner} NOLOGIN PASSWORD NULL"));

    public static Error Iam(string owner, PrivilegeScope scope, string[] leave) => Error.MendedBy("postgres.run_as_iam",
        $"Scope {scope.Name} runs as {owner}, which is a member of rds_iam: RDS takes no password from whoever is a member of " +
        "that, a role that acts as it and an administrator that may hand it on among them.",
        new Remedy(Superuser, "", leave));

    public static Error NotHandedOn(string owner, PrivilegeScope scope, string administrator) => Error.MendedBy("postgres.cannot_grant",
        $"The administrator {administrator} may not hand on {owner}, as which scope {scope.Name} runs.",
        new Remedy(Superuser, "", $"GRANT {owner} TO {administrator} WITH ADMIN OPTION"));
}
