using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace DbAccess.Domain.Databases;

/// <summary>
/// What people type for a database: a key of the policy file, in small letters. What PostgreSQL calls it is
/// <see cref="DatabaseTarget.Database"/>.
/// </summary>
public sealed partial record DatabaseName
{
    private DatabaseName(string value) => Value = value;

    public string Value { get; }

    public static DatabaseName? Parse(string? text) => text is not null && Shape().IsMatch(text) ? new DatabaseName(text) : null;

    public override string ToString() => Value;

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,62}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Shape();
}

/// <summary>
/// The name of a database cluster: a key of the policy file, and the name of its administrator credentials. It is part of a file path and
/// of an S3 key, hence the narrow shape.
/// </summary>
public sealed partial record ClusterName
{
    private ClusterName(string value) => Value = value;

    public string Value { get; }

    public static ClusterName? Parse(string? text) => text is not null && Shape().IsMatch(text) ? new ClusterName(text) : null;

    public override string ToString() => Value;

    [GeneratedRegex("^[a-z0-9][a-z0-9_-]{0,62}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Shape();
}

/// <summary>Where a grant leads: what people call it, its cluster, and the name the server knows it by.</summary>
/// <param name="Database">The PostgreSQL database, at most 63 bytes, any characters but NUL. With several: the one that the connection
/// strings name.</param>
public sealed record DatabaseTarget(DatabaseName Name, ClusterName Cluster, string Database)
{
    // Lists that a stored record of an earlier release does not have come in as null: the reader is generated code, which sets every
    // property.

    /// <summary>Further databases of the same cluster that a grant on it leads to as well; mostly none.</summary>
    public IReadOnlyList<string> Also { get; init => field = value ?? []; } = [];

    /// <summary>
    /// True: roles are made even where everybody may create things in a schema, and so get in the way of how others' names resolve.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool AllowPublicCreate { get; init; }

    /// <summary>All of them, the first one first.</summary>
    public IReadOnlyList<string> All() => [Database, .. Also];

    public bool Equals(DatabaseTarget? other) => other is not null && Name == other.Name && Cluster == other.Cluster
        && All().SequenceEqual(other.All(), StringComparer.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Name, Cluster, Database);
}
