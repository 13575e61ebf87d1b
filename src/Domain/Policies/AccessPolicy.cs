using System.Globalization;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Policies;

/// <summary>
/// Who may ask for what, for how long, and who must agree: a pure decision from a policy file that was read and checked. Forbids come first
/// and always win; then the first allow rule that covers the request; no rule, no access.
/// </summary>
/// <param name="Hash">SHA-256 of the file (hex), remembered on every grant.</param>
public sealed record AccessPolicy(
    string Hash,
    IReadOnlyDictionary<DatabaseName, PolicyDatabase> Databases,
    IReadOnlyDictionary<ScopeName, PrivilegeScope> Scopes,
    IReadOnlyDictionary<string, PolicyGroup> Groups,
    IReadOnlyList<ForbidRule> Forbid,
    IReadOnlyList<AccessRule> Allow)
{
    /// <summary>The file as it was read, so that it can be looked up what was in force; empty where that is not known.</summary>
    public string Text { get; init; } = "";

    /// <summary>Where there is no policy: it has no name and no rule, so nothing is allowed by it. Its hash is empty.</summary>
    public static readonly AccessPolicy Nothing = new(
        "", new Dictionary<DatabaseName, PolicyDatabase>(), new Dictionary<ScopeName, PrivilegeScope>(),
            new Dictionary<string, PolicyGroup>(StringComparer.Ordinal), [], []);

    /// <summary>The group that everybody is in.</summary>
    public const string Everyone = "everyone";

    public AccessVerdict Decide(AccessQuestion question)
    {
        if (!Databases.TryGetValue(question.Database, out var database))
            return Refused("policy.unknown_database",
                $"There is no database {question.Database}. {Offer("You can ask for", OfferedDatabases(question.Groups))}");
        if (!Scopes.TryGetValue(question.Scope, out var scope))
            return Refused("policy.unknown_scope",
                $"There is no scope {question.Scope}. " +
                $"{Offer($"On {question.Database} you can ask for", OfferedScopes(question.Groups, question.Database))}");
        if (!database.Scopes.Contains(question.Scope))
            return Refused("policy.scope_not_offered",
                $"{question.Scope} is not offered on {question.Database}. " +
                $"{Offer($"On {question.Database} you can ask for", OfferedScopes(question.Groups, question.Database))}");

        var forbid = Forbid.FirstOrDefault(
            rule => rule.IsInForce(question.Latest) && (rule.Subject.Covers(question.Groups, question.Database, question.Scope)
                || rule.Subject.Covers(question.Unreadable, question.Database, question.Scope)));
        if (forbid is not null)
        {
            var until = forbid.Until is { } end ? $" until {SaidInstants.Write(end)}" : "";
            return Refused("policy.forbidden",
                $"{question.Scope} on {question.Database} is forbidden{until} (rule {forbid.Id}). " +
                Offer($"On {question.Database} you can still ask for",
                    OfferedScopes(question.Groups, question.Database, question.Start)));
        }

        var rule = Allow.FirstOrDefault(
            candidate => candidate.IsFor(question) && candidate.Subject.Covers(question.Groups, question.Database, question.Scope));
        if (Unclear(rule, question) is { } unclear) return unclear;
        return rule is null ? NoRule(question) : Judge(rule, question, database.Target, scope);
    }

    /// <summary>
    /// A rule that might come first, were its group readable: it gives nothing now, and where it asks for approval it is not passed by.
    /// </summary>
    private AccessVerdict.Refused? Unclear(AccessRule? rule, AccessQuestion question)
    {
        var first = Allow.TakeWhile(candidate => candidate != rule).FirstOrDefault(candidate => candidate.IsFor(question)
            && candidate.Subject.Covers(question.Unreadable, question.Database, question.Scope)
            && (rule is null || (candidate.Approval is not null && rule.Approval is null)));
        return first is null ? null : Refused("policy.group_unreadable",
            $"Rule {first.Id} is for {string.Join(", ", first.Subject.Who.Where(question.Unreadable.Contains))}, and whether you are one " +
                "of " +
            $"them cannot be read from Slack right now. Try again in a minute; if it stays so, tell an administrator of DbAccess.");
    }

    /// <summary>Groups whose members may end anybody's access and use what is for administrators; none when the file names none.</summary>
    public IReadOnlyList<string> Admins { get; init; } = [];

    /// <summary>What rules mean by <c>when</c>, by name.</summary>
    public IReadOnlyDictionary<string, Calendar> Calendars { get; init; } = new Dictionary<string, Calendar>(StringComparer.Ordinal);

    public IReadOnlyList<PolicyTest> Tests { get; init; } = [];

    /// <summary>How people reach clusters, where the file says so.</summary>
    public IReadOnlyDictionary<ClusterName, ConnectHints> Connect { get; init; } = new Dictionary<ClusterName, ConnectHints>();

    /// <summary>
    /// Who may end other people's access to a database: whoever may say yes to it may also say stop, and the administrators.
    /// </summary>
    public IReadOnlyList<string> Revokers(DatabaseName database) =>
    [
        .. Allow
            .Where(rule => rule.Approval is not null && rule.Subject.Covers(database))
            .SelectMany(rule => rule.Approval!.Stages)
            .SelectMany(stage => stage.Of)
            .Concat(Admins)
            .Distinct(StringComparer.Ordinal),
    ];

    /// <summary>The databases that somebody in these groups may ask for at all, by name.</summary>
    /// <param name="breakGlass">To whoever says that it is an emergency.</param>
    public IReadOnlyList<DatabaseName> OfferedDatabases(IReadOnlySet<string> groups, bool breakGlass = false) =>
    [
        .. Databases.Keys.Where(name => OfferedScopes(groups, name, breakGlass: breakGlass).Count > 0)
            .OrderBy(name => name.Value, StringComparer.Ordinal),
    ];

    /// <summary>The scopes that somebody in these groups may ask for on a database, as the file orders them.</summary>
    /// <param name="now">When given, what is forbidden at that time or outside a rule's hours is left out.</param>
    public IReadOnlyList<ScopeName> OfferedScopes(
        IReadOnlySet<string> groups, DatabaseName database, DateTimeOffset? now = null, bool breakGlass = false) =>
        Databases.TryGetValue(database, out var entry)
            ? [.. entry.Scopes.Where(scope => Scopes.ContainsKey(scope)
                && RuleFor(groups, database, scope, now, breakGlass) is not null
                && !(now is { } at && Forbid.Any(rule => rule.IsInForce(at) && rule.Subject.Covers(groups, database, scope))))]
            : [];

    /// <summary>The rule that would answer, were nothing forbidden; null when none would.</summary>
    /// <param name="at">When given, only a rule within whose hours this is.</param>
    /// <param name="breakGlass">Rules for break-glass, and no others; otherwise those are left out.</param>
    public AccessRule? RuleFor(
        IReadOnlySet<string> groups, DatabaseName database, ScopeName scope, DateTimeOffset? at = null, bool breakGlass = false) =>
        Allow.FirstOrDefault(rule => rule.BreakGlass is not null == breakGlass && (at is null || rule.When?.Covers(at.Value) is not false)
            && rule.Subject.Covers(groups, database, scope));

    private static AccessVerdict Judge(AccessRule rule, AccessQuestion question, DatabaseTarget target, PrivilegeScope scope)
    {
        var what = $"{question.Scope} on {question.Database}";
        var duration = question.Duration ?? rule.Lifetime.Default;
        if (duration > rule.Lifetime.Max)
            return Refused("policy.too_long",
                $"The longest for {what} is {Durations.Write(rule.Lifetime.Max)} (rule {rule.Id}); you asked for " +
                $"{Durations.Write(duration)}. Ask for {Durations.Write(rule.Lifetime.Max)} or less.", Durations.Write(rule.Lifetime.Max));
        if (rule.Lifetime.Min is { } min && duration < min)
            return Refused("policy.too_short",
                $"The shortest for {what} is {Durations.Write(min)} (rule {rule.Id}). Ask for {Durations.Write(min)} or more.",
                Durations.Write(min));
        if (question.Reason.Trim().Length < rule.Require.ReasonMin)
            return Refused("policy.reason_too_short",
                $"Rule {rule.Id} wants a reason of at least {rule.Require.ReasonMin} characters for {what}. Say what is broken and what " +
                "you are going to do.");

        // Nobody types a ticket apart at 3 a.m.: it is the first word of the reason that looks like one.
        var ticket = rule.Require.Ticket is { } pattern ? Words(question.Reason).FirstOrDefault(word => pattern.IsMatch(word)) : null;
        if (rule.Require.Ticket is not null && ticket is null)
            return Refused("policy.ticket",
                $"Rule {rule.Id} wants a ticket for {what}: put it into the reason (a word that matches {rule.Require.Ticket}).");

        return new AccessVerdict.Terms(rule, target, scope, duration, ticket);
    }

    private static AccessVerdict.Refused Refused(string code, string message, string? meant = null) =>
        new(new Error(code, message) { Meant = meant });

    private AccessVerdict.Refused NoRule(AccessQuestion question)
    {
        var what = $"{question.Scope} on {question.Database}";
        var kind = Allow.Where(rule => rule.BreakGlass is not null == question.BreakGlass).ToList();
        var closed = kind.Where(rule => rule.When is not null && rule.Subject.Covers(question.Groups, question.Database, question.Scope));
        if (Closed(what, closed, question) is { } later) return later;

        var nearest = kind.FirstOrDefault(rule => rule.Subject.Covers(question.Database, question.Scope));
        var how = question.BreakGlass ? " by break-glass" : "";
        var why = nearest is null
            ? $"No rule allows {what} to anybody{how}."
            : $"{what} is{how} for {string.Join(", ", nearest.Subject.Who)} (rule {nearest.Id}), and you are not among them.";
        return Refused("policy.no_rule", $"{why} {Alternatives(question)}");
    }

    /// <summary>What a rule gives at other times: the one that does so soonest is named, with when.</summary>
    private AccessVerdict.Refused? Closed(string what, IEnumerable<AccessRule> rules, AccessQuestion question)
    {
        var (rule, next) = rules.Select(rule => (rule, Next: rule.When!.Next(question.Start)))
            .OrderBy(pair => pair.Next ?? DateTimeOffset.MaxValue).FirstOrDefault();
        if (rule?.When is not { } hours) return null;

        var zone = hours.Calendar.Zone;
        var from = next is { } at
            ? string.Create(CultureInfo.InvariantCulture,
                $"; next from {SaidInstants.Write(at)} ({ZonedTimes.Local(zone, at):ddd HH:mm} {zone})") : "";
        return Refused("policy.outside_hours",
            $"{what} is yours at other times (rule {rule.Id}: {hours}, which is {hours.Calendar}){from}. {Alternatives(question)}");
    }

    private string Alternatives(AccessQuestion question)
    {
        var scopes = OfferedScopes(question.Groups, question.Database, question.Start);
        return scopes.Count > 0
            ? Offer($"On {question.Database} you can ask for", scopes) : Offer("You can ask for", OfferedDatabases(question.Groups));
    }

    private static IEnumerable<string> Words(string text) => text.Split(
            [' ', '\n', '\t', ',', ';', ':', '(', ')', '[', ']'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string Offer<T>(string lead, IReadOnlyList<T> names) => names.Count == 0
        ? "There is nothing you can ask for here; ask whoever keeps the access policy."
        : $"{lead}: {string.Join(", ", names.Take(15))}{(names.Count > 15 ? ", …" : "")}.";
}
