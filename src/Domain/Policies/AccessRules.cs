using System.Text.RegularExpressions;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Policies;

/// <summary>A database of the policy file, and the scopes that may be asked for on it.</summary>
public sealed record PolicyDatabase(DatabaseTarget Target, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<ScopeName> Scopes);

/// <summary>A group of people: by name, by a Slack user group, or both.</summary>
/// <param name="SlackUsergroup">The id of a Slack user group (<c>S…</c>), or null.</param>
public sealed record PolicyGroup(string Name, IReadOnlySet<string> Users, string? SlackUsergroup);

/// <summary>
/// What a rule is about: who, on which databases, with which scopes. <c>*</c> stands for all of them, <c>tag:key=value</c> for the
/// databases with that tag.
/// </summary>
public sealed record RuleSubject(IReadOnlyList<string> Who, IReadOnlyList<string> Databases, IReadOnlyList<string> Scopes)
{
    /// <summary>The databases that <see cref="Databases"/> means by their tags, found when the policy was read.</summary>
    public IReadOnlySet<string> Tagged { get; init; } = new HashSet<string>();

    public bool Covers(IReadOnlySet<string> groups, DatabaseName database, ScopeName scope) =>
        Who.Any(groups.Contains) && Covers(database, scope);

    public bool Covers(DatabaseName database, ScopeName scope) => Covers(database) && Covers(scope);

    public bool Covers(DatabaseName database) =>
        Databases.Any(name => name is "*" || name == database.Value) || Tagged.Contains(database.Value);

    public bool Covers(ScopeName scope) => Scopes.Any(name => name is "*" || name == scope.Value);
}

/// <summary>Forbids, whatever the allow rules say. Always, or from a day (00:00 UTC) up to, not including, another.</summary>
public sealed record ForbidRule(string Id, RuleSubject Subject, DateTimeOffset? From, DateTimeOffset? Until)
{
    public bool IsInForce(DateTimeOffset now) => (From is null || now >= From) && (Until is null || now < Until);
}

/// <summary>How long a rule gives access for. <paramref name="Min"/> is null unless the rule sets one.</summary>
public sealed record Lifetime(TimeSpan Default, TimeSpan Max, TimeSpan? Min, int ExtendTimes, TimeSpan ExtendBy);

/// <summary>What a request must bring: a reason of some length, and a word in it that the ticket pattern matches.</summary>
public sealed record Requirements(int ReasonMin, Regex? Ticket);

/// <summary>One step of an approval: this many different people of these groups.</summary>
public sealed record ApprovalStage(int Any, IReadOnlyList<string> Of);

/// <summary>Who has to agree, how long they have, and the channel they are asked in (null: direct messages).</summary>
/// <param name="Stages">In order: the next is asked when the one before is full.</param>
/// <param name="Lapse">From filing on.</param>
public sealed record Approval(IReadOnlyList<ApprovalStage> Stages, TimeSpan Lapse, string? Channel)
{
    /// <summary>How long after a stage was asked it is reminded, the shortest first.</summary>
    public IReadOnlyList<TimeSpan> Remind { get; init; } = [];
}

/// <summary>Gives at once to whoever says <c>break-glass</c>, and owes a review from then on.</summary>
/// <param name="Tell">The channel that is told and asked for the review; null: a direct message to each of those who may give it.</param>
/// <param name="Within">How long the review may take before somebody else is told of it.</param>
public sealed record BreakGlass(string? Tell, ApprovalStage Review, TimeSpan Within);

/// <summary>How much one person may have by one rule. Null where the rule sets no limit.</summary>
/// <param name="Day">Given in the last 24 hours.</param>
/// <param name="AtOnce">Waiting, being made or live.</param>
public sealed record Caps(int? Day, int? AtOnce);

/// <summary>Allows. Who, what, how long and who approves stand together and are never mixed across rules.</summary>
/// <param name="Approval">Null when the rule decides at once.</param>
public sealed record AccessRule(string Id, RuleSubject Subject, Lifetime Lifetime, Requirements Require, Approval? Approval)
{
    /// <summary>Not null: the rule is for requests that say <c>break-glass</c> and for no other; then it has no approval.</summary>
    public BreakGlass? BreakGlass { get; init; }

    public Caps? Caps { get; init; }

    /// <summary>When it covers anything; null for always.</summary>
    public CalendarUse? When { get; init; }

    /// <summary>Whether it is looked at for a request like this, whoever asks and for whatever.</summary>
    internal bool IsFor(AccessQuestion question) =>
        BreakGlass is not null == question.BreakGlass && When?.Covers(question.Start) is not false;
}
