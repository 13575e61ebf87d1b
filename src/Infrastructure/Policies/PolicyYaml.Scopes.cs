using System.Text.RegularExpressions;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    /// <summary>The part that reads scopes: what is given, on what, and as whom.</summary>
    private sealed partial class Reader
    {
        private static readonly Dictionary<string, Privilege> Words = Enum.GetValues<Privilege>()
            .ToDictionary(privilege => privilege.ToString().ToLowerInvariant(), StringComparer.Ordinal);

        private static readonly Dictionary<ObjectKind, Privilege[]> OnKind = new()
        {
            [ObjectKind.Table] = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Truncate,
                Privilege.References, Privilege.Trigger, Privilege.Maintain],
            // The server takes truncate and references on a view too, where they do nothing. Maintain refreshes a materialized view.
            [ObjectKind.View] =
                [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Trigger, Privilege.Maintain],
            [ObjectKind.Sequence] = [Privilege.Usage, Privilege.Select, Privilege.Update],
            [ObjectKind.Function] = [Privilege.Execute],
            [ObjectKind.Schema] = [Privilege.Usage],
        };

        private static readonly Privilege[] OnColumns = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.References];

        /// <summary>
        /// Administrators' roles of the clouds. That an owner has none of their powers is checked on the server each time; this only says
        /// it sooner.
        /// </summary>
        private static readonly string[] Administrators =
            ["rds_superuser", "rdsadmin", "cloudsqlsuperuser", "cloudsqladmin", "azure_pg_admin", "azuresu", "alloydbsuperuser"];

        private PrivilegeScope? Scope(YamlText key, YamlNode value, PolicyLines lines)
        {
            var path = $"scopes.{Show.Text(key.Value)}";
            var name = ScopeName.Parse(key.Value);
            if (name is null)
                Fault(key, $"scopes has '{Show.Text(key.Value)}', which is no name: small letters, digits, '-' and '_', at most 63");
            if (Fields(value, path, [], ["description", "privileges", "settings", "connections", "run_as", "risk"]) is not { } fields)
                return null;

            var description = fields.TryGetValue("description", out var descriptionNode)
                ? Line(descriptionNode, $"{path}.description", 200) : null;
            var privileges = new List<PrivilegeRule>();
            if (fields.TryGetValue("privileges", out var privilegesNode) && Items(privilegesNode, $"{path}.privileges") is { } items)
            {
                for (var i = 0; i < items.Count; i++)
                {
                    if (PrivilegeRule(items[i], $"{path}.privileges[{i + 1}]") is not { } rule) continue;
                    lines.Privileges[(key.Value, privileges.Count)] = items[i];
                    privileges.Add(rule);
                }
            }

            string? runAs = null;
            if (fields.TryGetValue("run_as", out var runAsNode) && Text(runAsNode, $"{path}.run_as") is { } owner)
            {
                (runAs, var wrong) = SqlNames.Single(owner.Value);
                if (wrong is not null) Fault(owner, $"{path}.run_as {wrong}");
                else if (IsNobodysOwner(runAs!))
                    Fault(owner, $"{path}.run_as is '{Show.Text(runAs!)}', which is a role of the server's or of ours and no owner of " +
                        "tables; name the role that owns what the migration changes");
            }

            if (!fields.ContainsKey("privileges") && !fields.ContainsKey("run_as"))
                Fault(key, $"{path} gives nothing: it needs 'privileges' or 'run_as'");

            var settings = fields.TryGetValue("settings", out var settingsNode)
                ? RoleSettings(settingsNode, $"{path}.settings") : new Dictionary<string, string>(StringComparer.Ordinal);
            var connections = fields.TryGetValue("connections", out var connectionsNode)
                ? Number(connectionsNode, $"{path}.connections", 1, 100) : 2;
            if (fields.TryGetValue("risk", out var riskNode) && Text(riskNode, $"{path}.risk") is { Value: not "high" } risk)
                Fault(risk, $"{path}.risk is '{Show.Text(risk.Value)}'; the only word here is 'high'");

            return name is null ? null : new PrivilegeScope(
                name, description ?? name.Value, privileges, settings, connections, runAs, riskNode is not null);
        }

        private PrivilegeRule? PrivilegeRule(YamlNode node, string path)
        {
            if (Fields(node, path, ["on", "allow"], ["columns", "database"]) is not { } fields) return null;

            ObjectSelector? on = null;
            if (fields.TryGetValue("on", out var onNode) && Text(onNode, $"{path}.on") is { } onText)
            {
                (on, var wrong) = SelectorWords.Read(onText.Value);
                if (wrong is not null) Fault(onText, $"{path}.on is '{Show.Text(onText.Value)}', which {wrong}");
            }

            var columns = new List<string>();
            var columnsNode = fields.GetValueOrDefault("columns");
            foreach (var text in columnsNode is null ? [] : Texts(columnsNode, $"{path}.columns"))
            {
                var (column, wrong) = SqlNames.Single(text.Value);
                if (column is not null) columns.Add(column);
                else Fault(text, $"{path}.columns has '{Show.Text(text.Value)}', which {wrong}");
            }

            // PostgreSQL has no columns of "all tables", and a column list that fits some tables and not others is nobody's intent.
            if (columnsNode is not null && on is not null and not { Kind: ObjectKind.Table or ObjectKind.View, Name: not null })
                Fault(columnsNode, $"{path}.columns goes with one table or view ('on: table X.Y'), not with '{Show.Text(on.ToString())}'");

            var database = fields.TryGetValue("database", out var databaseNode)
                && Text(databaseNode, $"{path}.database") is { } databaseText ? ServersName(databaseText, $"{path}.database") : null;

            var allow = new List<Privilege>();
            foreach (var text in fields.TryGetValue("allow", out var allowNode) ? Texts(allowNode, $"{path}.allow") : [])
            {
                if (Word(text, $"{path}.allow", on, columnsNode is not null
                    && on is null or { Kind: ObjectKind.Table or ObjectKind.View }) is { } privilege) allow.Add(privilege);
            }

            return on is null ? null : new PrivilegeRule(on, columns, allow) { Database = database };
        }

        private Privilege? Word(YamlText text, string path, ObjectSelector? on, bool columns)
        {
            var allowed = on is null ? [.. Words.Values] : OnKind[on.Kind];
            if (!Words.TryGetValue(text.Value, out var privilege))
            {
                Fault(text, text.Value.ToLowerInvariant() switch
                {
                    "all" or "*" => $"{path} says '{Show.Text(text.Value)}': name each privilege, so that an approver sees what is given",
                    "create" => $"{path} says 'create', which no scope gives: what a temporary role makes would outlive it",
                    _ => $"{path} names '{Show.Text(text.Value)}', which is not a privilege{Show.Hint(text.Value, allowed.Select(Name))}",
                });
                return null;
            }

            if (!allowed.Contains(privilege))
            {
                Fault(text, $"{path} names '{text.Value}', which does not exist for {KindWord(on!.Kind)}; there is " +
                    $"{string.Join(", ", allowed.Select(Name))}");
                return null;
            }

            if (columns && !OnColumns.Contains(privilege))
            {
                Fault(text, $"{path} names '{text.Value}', which cannot be given on columns; there is " +
                    $"{string.Join(", ", OnColumns.Select(Name))}");
                return null;
            }

            return privilege;
        }

        private Dictionary<string, string> RoleSettings(YamlNode node, string path)
        {
            if (node is YamlMap { Entries: var entries })
            {
                foreach (var (key, _) in entries)
                {
                    if (!SettingName().IsMatch(key.Value))
                        Fault(key, $"{path} has '{Show.Text(key.Value)}', which is no PostgreSQL setting: small letters, digits, '_' and " +
                            "'.'");
                    // These change who the session is, which is not a guard rail.
                    if (key.Value is "role" or "session_authorization") Fault(key, $"{path} may not set '{key.Value}'");
                }
            }

            return TextMap(node, path);
        }

        private static bool IsNobodysOwner(string role) => role.StartsWith("pg_", StringComparison.Ordinal)
            || Administrators.Contains(role, StringComparer.Ordinal) || RoleName.Parse(role) is not null;

        private static string Name(Privilege privilege) => privilege.ToString().ToLowerInvariant();

        private static string KindWord(ObjectKind kind) => kind switch
        {
            ObjectKind.Table => "a table",
            ObjectKind.View => "a view",
            ObjectKind.Sequence => "a sequence",
            ObjectKind.Function => "a function",
            _ => "a schema",
        };
    }

    [GeneratedRegex("^[a-z_][a-z0-9_.]{0,62}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SettingName();
}
