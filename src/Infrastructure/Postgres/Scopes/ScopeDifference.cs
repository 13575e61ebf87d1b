using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>One difference between what a scope role should have and what it has. Names are quoted by the server. The columns of
/// <see cref="ScopeStatements.Differences"/> stand in the record's order.</summary>
/// <param name="OwnerIsPowerful">A superuser, one of PostgreSQL's own roles, or of the cloud's.</param>
/// <param name="What">missing, spurious, grantable (wanted, but may be handed on), absent (no such object), default-missing,
/// default-spurious, foreign, owned, beside (things of others where the scope means everything; never to be given).</param>
/// <param name="Mend">Of what is foreign: the statement that takes it back, but for the scope role's name at its end. Of what is
/// missing: what makes us able to give it.</param>
/// <param name="IsStrangers">It is about a thing of somebody who has nothing to do with the scope: what they give of their own is
/// theirs to give, and no reason to keep everybody else out.</param>
internal sealed record ScopeDifference(string What, string Kind, string Ident, string? Column, string? Privilege, string? Owner,
    bool CanChange, string? Grantor, bool OwnerIsPowerful, string? Mend, bool IsStrangers)
{
    /// <summary>Of default privileges that are for no schema alone.</summary>
    public const string Unnamed = "(unnamed)";

    public static ScopeDifference Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), Text(row, 2) ?? Unnamed, Text(row, 3), Text(row, 4), Text(row, 5),
        !row.IsDBNull(6) && row.GetBoolean(6), Text(row, 7), !row.IsDBNull(8) && row.GetBoolean(8), Text(row, 9),
        !row.IsDBNull(10) && row.GetBoolean(10));

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}

/// <summary>What a comparison found.</summary>
internal sealed class ScopeDifferences
{
    public ScopeDifferences(IReadOnlyCollection<ScopeDifference> found)
    {
        // What is missing is never theirs to decide: a scope that names their thing asks for it.
        Given = [.. found.Where(d => d is { IsStrangers: true, CanChange: false, What: "spurious" or "grantable" or "default-spurious"
            or "foreign" or "beside" })];
        All = [.. found.Except(Given)];
    }

    /// <summary>What is to be brought in line.</summary>
    public List<ScopeDifference> All { get; }

    /// <summary>
    /// What strangers gave the scope role on things of their own, and we cannot take back: told, and otherwise left as it is.
    /// </summary>
    public List<ScopeDifference> Given { get; }
}
