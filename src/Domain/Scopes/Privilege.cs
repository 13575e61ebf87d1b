using System.Text.Json.Serialization;

namespace DbAccess.Domain.Scopes;

/// <summary>One PostgreSQL privilege; the names are those of the <c>GRANT</c> statement.</summary>
public enum Privilege
{
    Select,
    Insert,
    Update,
    Delete,
    Truncate,
    References,
    Trigger,

    /// <summary>PostgreSQL 17 and later: VACUUM, ANALYZE, REINDEX and the like on a table.</summary>
    Maintain,

    /// <summary>On a schema or a sequence.</summary>
    Usage,

    /// <summary>On a function or procedure.</summary>
    Execute,
}

/// <summary>The kinds of object that a scope can name.</summary>
public enum ObjectKind
{
    /// <summary>Tables, partitioned tables, views, materialized views and foreign tables: whatever <c>GRANT … ON TABLE</c> takes.</summary>
    Table,

    Sequence,

    /// <summary>Functions and procedures.</summary>
    Function,

    Schema,

    /// <summary>Views and materialized views alone.</summary>
    View,
}

/// <summary>Which objects a privilege is for.</summary>
/// <param name="Kind">What kind of object.</param>
/// <param name="Schema">The schema they are in (for <see cref="ObjectKind.Schema"/>: the schema itself).</param>
/// <param name="Name">One object of that name; null means every object of the kind in the schema, those made later included.</param>
public sealed record ObjectSelector(ObjectKind Kind, string Schema, string? Name)
{
    /// <summary>
    /// Without a <see cref="Name"/>: only the objects whose name matches, where <c>*</c> stands for any letters and <c>?</c> for one, case
    /// and all. What is made later belongs to it too, from the next comparison on: PostgreSQL's default privileges know no names.
    /// </summary>
    public string? Pattern { get; init; }

    /// <summary>
    /// Sequences only: those that belong to a column of this table of the same schema (serial and identity columns). There need be none.
    /// </summary>
    public string? OfTable { get; init; }

    /// <summary>
    /// <see cref="Schema"/> is a pattern: the rule is for each schema whose name matches, those made later from the next grant or
    /// comparison on. Goes with a whole schema only.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SchemaIsPattern { get; init; }

    /// <summary>Whether an object of this name is among those that are meant, as far as names tell.</summary>
    public bool Covers(string name) => Name is null ? Pattern is null || Matches(Pattern, name) : Name == name;

    /// <summary>Whether this schema is meant, as far as names tell.</summary>
    public bool CoversSchema(string name) => SchemaIsPattern ? Matches(Schema, name) : Schema == name;

    public override string ToString()
    {
        var of = OfTable is null ? "" : $" of table {Schema}.{OfTable}";
        return (Kind, Name, Pattern) switch
        {
            (ObjectKind.Schema, _, _) => $"schema {Schema}",
            (_, null, null) => OfTable is null ? $"{KindWord}s in schema {Schema}" : $"{KindWord}s{of}",
            (_, null, { } pattern) => $"{KindWord}s {Schema}.{pattern}{of}",
            _ => $"{KindWord} {Schema}.{Name}{of}",
        };
    }

    private string KindWord => Kind switch
    {
        ObjectKind.Table => "table",
        ObjectKind.View => "view",
        ObjectKind.Sequence => "sequence",
        ObjectKind.Function => "function",
        _ => "schema",
    };

    /// <summary>The usual walk with one step back: linear for what people write, never exponential.</summary>
    private static bool Matches(string pattern, string name)
    {
        int at = 0, walked = 0, star = -1, from = 0;
        while (walked < name.Length)
        {
            if (at < pattern.Length && (pattern[at] == '?' || pattern[at] == name[walked]) && pattern[at] != '*')
            {
                at++;
                walked++;
            }
            else if (at < pattern.Length && pattern[at] == '*')
            {
                (star, from) = (at++, walked);
            }
            else if (star >= 0)
            {
                (at, walked) = (star + 1, ++from);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(at).TrimStart('*').Length == 0;
    }
}

/// <summary>Privileges on some objects.</summary>
/// <param name="Columns">For tables only: the columns that the privileges are for; empty means the whole table.</param>
public sealed record PrivilegeRule(ObjectSelector On, IReadOnlyList<string> Columns, IReadOnlyList<Privilege> Allow)
{
    /// <summary>
    /// The one database (by PostgreSQL's name) that the rule is for, where the scope is given on several; null for all of them.
    /// </summary>
    public string? Database { get; init; }

    /// <summary>In words for people: <c>update (status, updated_at) on table public.orders</c>.</summary>
    public override string ToString()
    {
        var verbs = string.Join(", ", Allow.Select(p => p.ToString().ToLowerInvariant()));
        var place = Database is null ? "" : $" in {Database}";
        return Columns.Count == 0 ? $"{verbs} on {On}{place}" : $"{verbs} ({string.Join(", ", Columns)}) on {On}{place}";
    }
}

/// <summary>A table or view, as people name it.</summary>
public sealed record TableName(string Schema, string Name)
{
    /// <summary>As SQL writes it, so that two different tables never look the same.</summary>
    public override string ToString() => $"{SqlNames.Write(Schema)}.{SqlNames.Write(Name)}";
}
