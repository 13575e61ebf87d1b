namespace DbAccess.Domain.Policies;

/// <summary>One rule of the policy, and what it had to do with a question.</summary>
/// <param name="Decides">It is the rule that the answer rests on.</param>
/// <param name="Why">A clause: why it covers the question, or why it does not.</param>
public sealed record PolicyTrace(string List, string Id, bool Decides, string Why)
{
    /// <summary>Every rule in the order in which the policy looks at them. Pure; the verdict itself is the policy's.</summary>
    public static IReadOnlyList<PolicyTrace> Of(AccessPolicy policy, AccessQuestion question)
    {
        if (!policy.Databases.TryGetValue(question.Database, out var database) || !database.Scopes.Contains(question.Scope)) return [];

        var traces = new List<PolicyTrace>();
        string? first = null;
        foreach (var rule in policy.Forbid)
        {
            // In force, it forbids also by a group that cannot be read.
            var why = rule.IsInForce(question.Latest) ? Outside(rule.Subject, question, question.Unreadable) : "not in force then";
            Add("forbid", rule.Id, why, $"forbids {question.Scope} on {question.Database}");
        }

        foreach (var rule in policy.Allow)
        {
            var who = string.Join(", ", rule.Subject.Who.Where(question.Groups.Contains));
            Add("allow", rule.Id, NotFor(rule, question) ?? Outside(rule.Subject, question, new HashSet<string>()),
                $"covers {question.Scope} on {question.Database} for {who}");
        }

        return traces;

        void Add(string list, string id, string? whyNot, string covers)
        {
            var decides = whyNot is null && first is null;
            traces.Add(new PolicyTrace(
                list, id, decides, whyNot ?? (decides ? covers : $"{covers}, but {first} comes before it")));
            if (decides) first = id;
        }
    }

    public override string ToString() => $"{(Decides ? '*' : ' ')} {List}.{Id}: {Why}";

    private static string? NotFor(AccessRule rule, AccessQuestion question)
    {
        if (rule.BreakGlass is not null && !question.BreakGlass) return "only for requests that say break-glass";
        if (rule.BreakGlass is null && question.BreakGlass) return "not for break-glass";
        return rule.When?.Covers(question.Start) is false ? $"outside its hours ({rule.When}: {rule.When.Calendar})" : null;
    }

    private static string? Outside(RuleSubject subject, AccessQuestion question, IReadOnlySet<string> unreadable)
    {
        if (!subject.Covers(question.Database)) return $"is about {string.Join(", ", subject.Databases)}";
        if (!subject.Covers(question.Scope)) return $"is about {string.Join(", ", subject.Scopes)}";
        if (subject.Who.Any(group => question.Groups.Contains(group) || unreadable.Contains(group))) return null;
        var unclear = subject.Who.Where(question.Unreadable.Contains).ToList();
        return unclear.Count == 0 ? $"is for {string.Join(", ", subject.Who)}"
            : $"is for {string.Join(", ", unclear)}, which cannot be read from Slack right now";
    }
}
