using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Desk;

/// <summary>
/// Ending more than one grant is confirmed by a typed word. The form carries whose access it is, never authority: whoever submits it is
/// checked as if they had typed it. Pure.
/// </summary>
internal static class RevokeForm
{
    public const string Kind = CardActions.EveryoneOut;
    public const string Confirm = "confirm";
    public const string Reason = "reason";
    private const string Word = "revoke";

    /// <param name="channel">Where the answer goes; comes back with the form.</param>
    public static ChatForm Draw(RevokeTarget target, string why, string? channel) => new(
        Kind, "End access", "End it now", $"{Write(target)}\n{channel}",
        [new ChatPart.Text(
            $"This ends {Whose(target)} at once: sessions are cut, and the roles are removed. Whoever holds it is told that it " +
            "was you and why.")],
        [
            new FormField.Text(Confirm, $"Type the word {Word}", null, null, Multiline: false, MinLength: 1, MaxLength: 20),
            new FormField.Text(Reason, "Why", "The holders are told, and it goes on the audit record.", why, Multiline: true, MinLength: 1,
                CreateGrant.LongestReason),
        ]);

    /// <summary>Reads what was filled in. On a mistake the fields it is about, with words; nothing was ended then.</summary>
    public static (RevokeTarget? Target, string Why, IReadOnlyDictionary<string, string> Faults) Read(
        string? context, string team, Func<string, string?> field)
    {
        var faults = new Dictionary<string, string>(StringComparer.Ordinal);
        var target = Parse(context?.Split('\n')[0] ?? "", team);
        var why = field(Reason)?.Trim() ?? "";
        if (target is null) faults[Confirm] = "This form is out of date. Close it and type the command again.";
        else if (!string.Equals(field(Confirm)?.Trim(), Word, StringComparison.OrdinalIgnoreCase))
            faults[Confirm] = $"Type the word {Word} to end {Whose(target)}.";
        if (why.Length == 0) faults[Reason] = "Say why.";
        return faults.Count == 0 ? (target, why, faults) : (null, why, faults);
    }

    public static string? ChannelIn(string? context) => context?.Split('\n') is [_, { Length: > 0 } channel] ? channel : null;

    public static string Write(RevokeTarget target) => target switch
    {
        RevokeTarget.Holder { Id: var person } => $"person {person.User}",
        RevokeTarget.Everybody { Database: { } database } => $"database {database}",
        _ => "all",
    };

    /// <summary>Null for what <see cref="Write"/> did not write.</summary>
    public static RevokeTarget? Parse(string text, string team) => text.Split(' ') switch
    {
        ["all"] => new RevokeTarget.Everybody(null),
        ["person", var user] when PrincipalId.Parse(team, user) is { } person => new RevokeTarget.Holder(person),
        ["database", var name] when DatabaseName.Parse(name) is { } database => new RevokeTarget.Everybody(database),
        _ => null,
    };

    private static string Whose(RevokeTarget target) => target switch
    {
        RevokeTarget.Holder { Id: var person } => $"all access of {person.User}",
        RevokeTarget.Everybody { Database: { } database } => $"everybody's access to {database}",
        _ => "everybody's access to every database",
    };
}
