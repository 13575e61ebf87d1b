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

/// <summary>What a rule is about: who, on which databases, with which scopes. <c>*</c> stands for all of them.</summary>
public sealed record RuleSubject(IReadOnlyList<string> Who, IReadOnlyList<string> Databases, IReadOnlyList<string> Scopes)
{
    public bool Covers(IReadOnlySet<string> groups, DatabaseName database, ScopeName scope) =>
        Who.Any(groups.Contains) && Covers(database, scope);

    public bool Covers(DatabaseName database, ScopeName scope) =>
        Databases.Any(name => name is "*" || name == database.Value) && Scopes.Any(name => name is "*" || name == scope.Value);
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
public sealed record Approval(IReadOnlyList<ApprovalStage> Stages, TimeSpan Lapse, string? Channel);

/// <summary>Allows. Who, what, how long and who approves stand together and are never mixed across rules.</summary>
/// <param name="Approval">Null when the rule decides at once.</param>
public sealed record AccessRule(string Id, RuleSubject Subject, Lifetime Lifetime, Requirements Require, Approval? Approval);
