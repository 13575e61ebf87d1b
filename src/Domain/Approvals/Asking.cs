using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Approvals;

/// <summary>One person's yes, as it was said.</summary>
/// <param name="Stage">The stage whose place it fills, 0 for the first.</param>
/// <param name="PlanHash">Of the plan that the person was shown.</param>
public sealed record Agreement(PrincipalId By, string Called, int Stage, DateTimeOffset At, string PolicyHash, string PlanHash);

/// <summary>Less than was asked for, offered by an approver: theirs is the first yes to it, if the requester takes it.</summary>
/// <param name="Agreement">What it counts as then.</param>
public sealed record CounterOffer(
    PrivilegeScope Scope, TimeSpan Duration, AgreedPlan Plan, string Rule, Agreement Agreement);

/// <summary>
/// What people are asked for one request, and what they have said so far. Stages are asked in order; one person fills one place in the
/// whole request. A value: every change is another one, and nothing here knows the time.
/// </summary>
public sealed record Asking
{
    /// <summary>As the rule had them when it was asked; a policy edited later does not change what was asked.</summary>
    public required IReadOnlyList<ApprovalStage> Stages { get; init; }

    public required DateTimeOffset AskedAt { get; init; }

    /// <summary>Nobody decided by then: it is over.</summary>
    public required DateTimeOffset LapsesAt { get; init; }

    /// <summary>How long after a stage was asked its people are reminded, once each.</summary>
    public IReadOnlyList<TimeSpan> Remind { get; init => field = value ?? []; } = [];

    /// <summary>Where they are asked; null: each of them directly.</summary>
    public string? Channel { get; init; }

    /// <summary>When the present stage was asked.</summary>
    public DateTimeOffset StageSince { get; init; }

    /// <summary>How many reminders of the present stage went out.</summary>
    public int Reminded { get; init; }

    /// <summary>What they are asked to allow; null until the databases were looked at, and nobody can agree before.</summary>
    public AgreedPlan? Plan { get; init; }

    /// <summary>What has come to it since it was asked the first time; empty mostly.</summary>
    public IReadOnlyList<string> Grew { get; init => field = value ?? []; } = [];

    /// <summary>It gives less by now than was agreed to, which whoever gets it is told.</summary>
    public bool Shrank { get; init; }

    public IReadOnlyList<Agreement> Agreements { get; init => field = value ?? []; } = [];

    public CounterOffer? Offer { get; init; }

    /// <summary>Those whom a rule names are asked from now on.</summary>
    public static Asking Of(Approval approval, DateTimeOffset now) => new()
    {
        Stages = approval.Stages, AskedAt = now, LapsesAt = now + approval.Lapse, Remind = approval.Remind, Channel = approval.Channel,
        StageSince = now,
    };

    /// <summary>The stage that is asked now; null when all have agreed.</summary>
    public int? Stage
    {
        get
        {
            for (var stage = 0; stage < Stages.Count; stage++)
            {
                if (Missing(stage) > 0) return stage;
            }

            return null;
        }
    }

    /// <summary>When the next reminder is due; null when there is none left.</summary>
    public DateTimeOffset? RemindAt => Plan is not null && Reminded < Remind.Count ? StageSince + Remind[Reminded] : null;

    /// <summary>How many of a stage are still to agree.</summary>
    public int Missing(int stage) => Math.Max(0, Stages[stage].Any - Agreements.Count(agreement => agreement.Stage == stage));

    /// <summary>Those of a stage who are still to agree: <c>1 of dba</c>, or <c>1 more of dba</c> where some have.</summary>
    public string StillToAgree(int stage) => Missing(stage) is var missing && missing < Stages[stage].Any
        ? $"{missing} more of {string.Join(", ", Stages[stage].Of)}" : ApprovalErrors.Words(Stages[stage]);

    /// <summary>Whether this person may decide now, by the groups they are in; null when they may.</summary>
    /// <param name="unreadable">Groups of which nobody can say now whether they are in them.</param>
    public Error? RefusalFor(PrincipalId person, IReadOnlySet<string> groups, IReadOnlySet<string> unreadable)
    {
        if (Agreements.Any(agreement => agreement.By == person)) return ApprovalErrors.Already();
        if (Stage is not { } stage) return ApprovalErrors.Decided();
        if (Stages[stage].Of.Any(groups.Contains)) return null;
        if (Stages[stage].Of.Where(unreadable.Contains).ToList() is { Count: > 0 } unclear) return ApprovalErrors.Unclear(unclear);
        if (Stages.Skip(stage + 1).Any(later => later.Of.Any(groups.Contains))) return ApprovalErrors.NotYourTurn(Stages[stage]);
        return Stages.Take(stage).Any(earlier => earlier.Of.Any(groups.Contains))
            ? ApprovalErrors.StageFull(Stages[stage]) : ApprovalErrors.NotApprover(Stages[stage]);
    }

    /// <summary>With one more yes. Whoever asks has seen to it that <see cref="RefusalFor"/> refuses nothing.</summary>
    public Asking With(Agreement agreement)
    {
        var after = this with { Agreements = [.. Agreements, agreement] };
        return after.Stage == Stage ? after : after with { StageSince = agreement.At, Reminded = 0 };
    }

    /// <summary>Without what somebody said who may not decide any more; null when they had said nothing.</summary>
    public Asking? Without(PrincipalId person, DateTimeOffset now)
    {
        var offered = Offer?.Agreement.By == person;
        var left = Agreements.Where(agreement => agreement.By != person).ToList();
        if (!offered && left.Count == Agreements.Count) return null;

        var after = this with { Agreements = left, Offer = offered ? null : Offer };
        return after.Stage == Stage ? after : after with { StageSince = now, Reminded = 0 };
    }

    /// <summary>Asked from the beginning, since it would give more than was agreed to.</summary>
    public Asking Again(AgreedPlan plan, IReadOnlyList<string> grew, DateTimeOffset now) => this with
    {
        Agreements = [], Offer = null, Plan = plan, Grew = grew, LapsesAt = now + (LapsesAt - AskedAt), AskedAt = now, StageSince = now,
        Reminded = 0,
    };
}
