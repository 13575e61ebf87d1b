namespace DbAccess.Domain;

/// <summary>
/// What somebody else has to run so that we can go on: apart from the sentence, so that a card or a machine can show the statements by
/// themselves.
/// </summary>
/// <param name="Who">Who may: <c>a superuser</c>, or the quoted name of a role.</param>
/// <param name="Where">Behind "run": <c>there</c>, <c>in database "app"</c>; empty where it does not matter.</param>
/// <param name="Statements">In their order, without a semicolon at the end.</param>
public sealed record Remedy(string Who, string Where, IReadOnlyList<string> Statements)
{
    public Remedy(string who, string where, params string[] statements)
        : this(who, where, (IReadOnlyList<string>)statements)
    {
    }

    /// <summary>In their order; whoever wrote one with its semicolon has it taken off, since they are joined by them.</summary>
    public IReadOnlyList<string> Statements { get; } =
        [.. Statements.Select(statement => statement.TrimEnd().TrimEnd(';').TrimEnd()).Where(statement => statement.Length > 0)];

    /// <summary>The statements alone, as they can be pasted.</summary>
    public string Script => string.Concat(Statements.Select((statement, n) => n == 0 ? $"{statement};" : $" {statement};"));

    public override string ToString() => $"Let {Who} run{(Where.Length == 0 ? "" : $" {Where}")}: {Script}";

    public bool Equals(Remedy? other) => other is not null && ToString() == other.ToString();

    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToString());
}
