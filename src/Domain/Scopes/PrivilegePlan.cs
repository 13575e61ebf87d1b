using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Domain.Scopes;

/// <summary>One thing in one database, and what the plan gives on it.</summary>
/// <param name="Kind">In one word: <c>table</c>, <c>view</c>, <c>sequence</c>, <c>function</c>, <c>schema</c>, <c>database</c>.</param>
/// <param name="Name">As the server writes it, quoted where need be: <c>public."Order Items"</c>.</param>
/// <param name="Privileges">On the whole of it, sorted: <c>select</c>, <c>update</c>.</param>
/// <param name="Columns">By privilege, the columns it is limited to, sorted; empty when nothing is given by column.</param>
/// <param name="Rows">How many rows the server believes it has; null where that means nothing or was never counted. An estimate, no part of
/// the hash.</param>
/// <param name="Bytes">Its size on disk with indexes; null where it has none. No part of the hash.</param>
public sealed record PlannedObject(
    string Database,
    string Kind,
    string Name,
    string Owner,
    IReadOnlyList<string> Privileges,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Columns,
    long? Rows,
    long? Bytes);

/// <summary>What is given on everything that an owner makes later in a schema (default privileges).</summary>
/// <param name="Kind"><c>tables</c>, <c>sequences</c>, <c>functions</c>.</param>
/// <param name="Privileges">Empty for an owner whose later things the administrator cannot give: it is no member of it. Then it is no part
/// of the hash.</param>
public sealed record PlannedLater(string Database, string Owner, string Schema, string Kind, IReadOnlyList<string> Privileges);

/// <summary>Something that everybody may do in the database, the holder among them, whatever the scope says.</summary>
public sealed record PublicPrivilege(string Database, string Kind, string Name, string Privilege);

/// <summary>
/// A scope expanded on the live databases: everything that a role of it will be able to do, as a value. Two plans with the same hash give
/// exactly the same privileges; whoever agreed to one agreed to the other.
/// </summary>
/// <param name="RunAs">The owner that sessions act as, who can do whatever an owner can; null mostly.</param>
public sealed record PrivilegePlan(
    ScopeName Scope,
    IReadOnlyList<PlannedObject> Objects,
    IReadOnlyList<PlannedLater> Later,
    IReadOnlyList<PublicPrivilege> Public,
    string? RunAs)
{
    /// <summary>
    /// What the holder will not see or do although they have the privilege (row security, views with the reader's own rights), one sentence
    /// each. No part of the hash: nobody gives or refuses that here.
    /// </summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>More lines than this are no help to anybody; the rest is counted.</summary>
    private const int MostLines = 200;

    /// <summary>
    /// SHA-256 (hex) of what the plan gives: objects, columns, privileges, owners' later objects and the owner it acts as. Estimates and
    /// what PUBLIC gives are no part of it: they change by themselves, and nobody can grant or refuse them here. For several databases it
    /// is made of the hashes for each.
    /// </summary>
    public string Hash => Together(
            [.. Objects.Select(thing => thing.Database).Distinct(StringComparer.Ordinal).DefaultIfEmpty("").Select(HashFor)]);

    /// <summary>One hash for those of several databases, in whatever order they come.</summary>
    internal static string Together(IReadOnlyList<string> hashes) => hashes.Count == 1
        ? hashes[0]
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Concat(hashes.Order(StringComparer.Ordinal)))));

    private string HashFor(string database)
    {
        var lines = Objects.Where(thing => thing.Database == database)
            .Select(thing =>
                Line("object", thing.Database, thing.Kind, thing.Name,
                [.. thing.Privileges, .. thing.Columns.OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .SelectMany(entry => (string[])["(" + entry.Key, .. entry.Value, ")"])]))
            .Concat(Later.Where(later => later.Database == database && later.Privileges.Count > 0)
                .Select(later => Line("later", later.Database, later.Kind, later.Schema, [later.Owner, .. later.Privileges])))
            .Order(StringComparer.Ordinal)
            .Prepend(Line("scope", Scope.Value, RunAs ?? "", "", []));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines) hash.AppendData(Encoding.UTF8.GetBytes(line));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>In one line, for a record or a card: <c>12 tables, 3 sequences in orders</c>.</summary>
    public string Summary
    {
        get
        {
            var counts = Objects.Where(thing => thing.Kind is not ("database" or "schema"))
                .GroupBy(thing => thing.Kind, StringComparer.Ordinal)
                .Select(group =>
                    string.Create(CultureInfo.InvariantCulture, $"{group.Count():N0} {group.Key}{(group.Count() == 1 ? "" : "s")}"))
                .ToList();
            var what = counts.Count == 0 ? RunAs is null
                ? "nothing but the connection" : "no privileges of its own" : string.Join(", ", counts);
            var where = string.Join(", ", Objects.Select(thing => thing.Database).Distinct(StringComparer.Ordinal));
            return $"{what} in {where}{(RunAs is null ? "" : $", acting as {RunAs}")}";
        }
    }

    /// <summary>The whole plan for people, one line for each thing; long lists are cut and counted.</summary>
    public IEnumerable<string> Print()
    {
        yield return $"Scope {Scope}: {Summary}.";
        if (RunAs is not null) yield return $"Sessions act as {RunAs}: whatever that owner may do, they may.";
        foreach (var database in Objects.Select(thing => thing.Database).Distinct(StringComparer.Ordinal))
        {
            yield return $"In database {database}:";
            var here = Objects.Where(thing => thing.Database == database).ToList();
            foreach (var thing in here.Take(MostLines)) yield return $"  {Describe(thing)}";
            if (here.Count > MostLines)
                yield return string.Create(CultureInfo.InvariantCulture, $"  … and {here.Count - MostLines:N0} more");
            foreach (var later in Later.Where(later => later.Database == database))
            {
                yield return later.Privileges.Count > 0
                    ? $"  {string.Join(", ", later.Privileges)} on {later.Kind} that {later.Owner} makes later in schema {later.Schema}"
                    : $"  nothing on {later.Kind} that {later.Owner} makes later in schema {later.Schema}, until the next grant: the " +
                        $"administrator is no member of {later.Owner}";
            }
            var everybody = Public.Where(leak => leak.Database == database).ToList();
            if (everybody.Count == 0) continue;

            yield return "  Everybody has already, so the holder too:";
            foreach (var leak in everybody.Take(MostLines)) yield return $"    {leak.Privilege} on {leak.Kind} {leak.Name}";
            if (everybody.Count > MostLines)
                yield return string.Create(CultureInfo.InvariantCulture, $"    … and {everybody.Count - MostLines:N0} more");
        }
        foreach (var remark in Remarks.Take(MostLines)) yield return $"{remark}.";
        if (Remarks.Count > MostLines)
            yield return string.Create(CultureInfo.InvariantCulture, $"… and {Remarks.Count - MostLines:N0} more remarks of this kind.");
        yield return $"Plan {Hash[..12]}";
    }

    internal static string Describe(PlannedObject thing)
    {
        var verbs = string.Join(", ", thing.Privileges.Concat(thing.Columns.OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => $"{entry.Key} ({string.Join(", ", entry.Value)})")));
        var size = (thing.Rows, thing.Bytes) switch
        {
            ({ } rows, { } bytes) => string.Create(CultureInfo.InvariantCulture, $", about {rows:N0} rows, {Size(bytes)}"),
            (null, { } bytes) => string.Create(CultureInfo.InvariantCulture, $", {Size(bytes)}"),
            _ => "",
        };
        return $"{verbs} on {thing.Kind} {thing.Name} (owner {thing.Owner}{size})";
    }

    private static string Size(long bytes) => bytes switch
    {
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{(bytes + 1023) / 1024} kB"),
        < 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):0.#} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.#} GB"),
    };

    /// <summary>Names may hold anything but NUL, so NUL parts them and a second one ends the line.</summary>
    private static string Line(string what, string database, string kind, string name, IReadOnlyList<string> rest) =>
        string.Join('\0', [what, database, kind, name, .. rest]) + "\0\0";
}
