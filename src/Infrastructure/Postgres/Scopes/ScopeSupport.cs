using DbAccess.Domain;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>What a server can give at all.</summary>
internal static class ScopeSupport
{
    private static readonly Dictionary<ObjectKind, Privilege[]> Supported = new()
    {
        [ObjectKind.Table] = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Truncate,
            Privilege.References, Privilege.Trigger, Privilege.Maintain],
        [ObjectKind.Sequence] = [Privilege.Usage, Privilege.Select, Privilege.Update],
        [ObjectKind.Function] = [Privilege.Execute],
        [ObjectKind.Schema] = [Privilege.Usage],
        [ObjectKind.View] = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Truncate,
            Privilege.References, Privilege.Trigger, Privilege.Maintain],
    };

    private static readonly Privilege[] OnColumns = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.References];

    /// <summary>What no server could give, or this version could not. Null when the scope can be asked for.</summary>
    public static Error? Lack(PrivilegeScope scope, int major)
    {
        foreach (var rule in scope.Privileges)
        {
            var allowed = rule.Columns.Count > 0 ? OnColumns : Supported[rule.On.Kind];
            if (rule.Columns.Count > 0 && rule.On.Kind is not (ObjectKind.Table or ObjectKind.View))
                return new Error(
                    "postgres.unsupported", $"Scope {scope.Name} names columns of something that is neither a table nor a view ({rule}).");
            if (rule.Allow.FirstOrDefault(p => !allowed.Contains(p), (Privilege)(-1)) is var bad && bad != (Privilege)(-1))
                return new Error("postgres.unsupported",
                    $"Scope {scope.Name} asks for {Word(bad)} on {rule.On}{(rule.Columns.Count > 0 ? " by column" : "")}, which " +
                    "PostgreSQL does not have.");
            if (major < 17 && rule.Allow.Contains(Privilege.Maintain))
                return new Error("postgres.unsupported",
                    $"Scope {scope.Name} asks for maintain on {rule.On}, which PostgreSQL has from version 17 on; this server is {major}.");
        }
        return null;
    }

    private static string Word(Privilege privilege) => privilege.ToString().ToLowerInvariant();
}
