using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Domain.Scopes;

/// <summary>A named set of privileges and the objects they cover. It is copied onto a grant when the grant is decided, so that a later edit of the policy gives nobody more.</summary>
/// <param name="Description">One line for the form and the approver.</param>
/// <param name="Settings">Guard rails for honest users, set on the role (<c>statement_timeout</c>). Never a limit: the holder can change them.</param>
/// <param name="Connections">How many sessions the role may have at once.</param>
/// <param name="RunAs">The owner that sessions act as (migrations), or null.</param>
/// <param name="HighRisk">Marked for approvers.</param>
public sealed record PrivilegeScope(
    ScopeName Name,
    string Description,
    IReadOnlyList<PrivilegeRule> Privileges,
    IReadOnlyDictionary<string, string> Settings,
    int Connections,
    string? RunAs,
    bool HighRisk)
{
    /// <summary>
    /// A hash of the privileges on one database (hex), never equal when different things are allowed there. Settings, description and
    /// connection limit belong to the temporary role and are not part of it.
    /// </summary>
    public string Fingerprint(string database)
    {
        string[] pieces = [database, Name.Value, RunAs ?? "", .. Privileges.Select(Canonical).Order(StringComparer.Ordinal)];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Joined(pieces))));
    }

    // PostgreSQL's names may hold any character but NUL, so no separator would do: the length before each piece tells where it ends.
    private static string Joined(IReadOnlyCollection<string> pieces) =>
        string.Concat(pieces.Select(piece => string.Create(CultureInfo.InvariantCulture, $"{piece.Length}:{piece}")).Prepend(string.Create(CultureInfo.InvariantCulture, $"{pieces.Count};")));

    private static string Canonical(PrivilegeRule rule) => Joined(
    [
        ((int)rule.On.Kind).ToString(CultureInfo.InvariantCulture), rule.On.Schema, rule.On.Name is null ? "all" : "one", rule.On.Name ?? "",
        Joined([.. rule.Columns.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]),
        Joined([.. rule.Allow.Distinct().Order().Select(p => p.ToString())]),
    ]);
}
