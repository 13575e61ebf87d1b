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
}

/// <summary>Which objects a privilege is for.</summary>
/// <param name="Kind">What kind of object.</param>
/// <param name="Schema">The schema they are in (for <see cref="ObjectKind.Schema"/>: the schema itself).</param>
/// <param name="Name">One object of that name; null means every object of the kind in the schema, those made later included.</param>
public sealed record ObjectSelector(ObjectKind Kind, string Schema, string? Name)
{
    public override string ToString() => (Kind, Name) switch
    {
        (ObjectKind.Schema, _) => $"schema {Schema}",
        (_, null) => $"{KindWord}s in schema {Schema}",
        _ => $"{KindWord} {Schema}.{Name}",
    };

    private string KindWord => Kind switch
    {
        ObjectKind.Table => "table",
        ObjectKind.Sequence => "sequence",
        ObjectKind.Function => "function",
        _ => "schema",
    };
}

/// <summary>Privileges on some objects.</summary>
/// <param name="Columns">For tables only: the columns that the privileges are for; empty means the whole table.</param>
public sealed record PrivilegeRule(ObjectSelector On, IReadOnlyList<string> Columns, IReadOnlyList<Privilege> Allow)
{
    /// <summary>In words for people: <c>update (status, updated_at) on table public.orders</c>.</summary>
    public override string ToString()
    {
        var verbs = string.Join(", ", Allow.Select(p => p.ToString().ToLowerInvariant()));
        return Columns.Count == 0 ? $"{verbs} on {On}" : $"{verbs} ({string.Join(", ", Columns)}) on {On}";
    }
}
