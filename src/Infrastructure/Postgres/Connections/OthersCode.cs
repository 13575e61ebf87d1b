using System.Text.RegularExpressions;
using DbAccess.Domain;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// Somebody else's code that runs inside our statements: event triggers, and modules that check passwords. What fails in it fails as often
/// as it is tried, so it is told at once, in the server's own words and with the trigger's name.
/// </summary>
internal static partial class OthersCode
{
    public const int Longest = 300;

    /// <summary>Whether the statement failed inside a function of somebody's. We have none; a block of ours is not one.</summary>
    public static bool Failed(PostgresException refused) => refused.Where is { } where && InFunction().IsMatch(where);

    /// <summary>The server's own words, without what could stand in them of our statements: the verifier of a password.</summary>
    public static string Text(PostgresException refused) =>
        Show.Text(Verifier().Replace(refused.MessageText, "(password)"), Longest);

    [GeneratedRegex(@"^(PL/\S+|SQL) function (?!inline_code_block)", RegexOptions.CultureInvariant | RegexOptions.Multiline |
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InFunction();

    [GeneratedRegex(@"SCRAM-SHA-256\$[^\s']*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Verifier();
}
