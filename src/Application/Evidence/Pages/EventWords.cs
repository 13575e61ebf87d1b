using DbAccess.Domain.Principals;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>What the log says in fixed names, said to people.</summary>
internal static class EventWords
{
    /// <summary>What happened, in a few words; a type that is not known here is shown as it is.</summary>
    public static string Type(LoggedEvent one) => one.Type switch
    {
        "grant.requested" => "Asked for",
        "grant.planned" => "Plan drawn up, card shown to those who decide",
        "grant.plan_shrank" => "Plan gives less than was agreed to",
        "grant.asked_again" => "Plan gives more: asked again",
        "grant.agreed" => "Agreed",
        "grant.approved" => "Approved",
        "grant.denied" => "Denied",
        "grant.withdrawn" => "Withdrawn: what it rested on is gone",
        "grant.cancelled" => "Cancelled",
        "grant.lapsed" => "Lapsed: nobody decided in time",
        "grant.offered" => "Less was offered",
        "grant.offer_accepted" => "The offer was accepted",
        "grant.offer_declined" => "The offer was declined",
        "grant.decision_dropped" => "An earlier yes no longer counts",
        "grant.provisioning" => "Making the role begins",
        "grant.statements" => "Statements run on the database",
        "grant.role_made" => "Role made",
        "grant.ready" => "Ready for its holder to be shown the password",
        "grant.activated" => "Live: the holder has the credentials",
        "grant.extension_asked" => "More time asked for",
        "grant.extension_denied" => "More time denied",
        "grant.extension_withdrawn" => "More time: nobody could decide any more",
        "grant.extension_lapsed" => "More time: nobody decided",
        "grant.extension_cancelled" => "More time: taken back",
        "grant.extended" => "Extended",
        "grant.end_kept" => "The end stays as it was",
        "grant.clamped" => "Shortened to what the rule gives",
        "grant.revoking" => one.Text("reason") switch
        {
            "Expired" => "Time is over: taking it away",
            "Returned" => "Given back: taking it away",
            "Revoked" => "Revoked: taking it away",
            "Superseded" => "What it rested on is gone: taking it away",
            _ => "Taking it away",
        },
        "grant.quarantined" => "Locked out; the role cannot be removed yet",
        "grant.still_quarantined" => "Still locked out and not removed",
        "grant.ended" => "Ended",
        "grant.failed" => "Failed",
        "grant.abandoned" => "Making was given up",
        "grant.step_failed" => "A step failed and is tried again",
        "grant.role_name_taken" => "The role's name was taken",
        "grant.not_revealed" => "Given back: nobody had the password shown",
        "grant.reviewed" => "Reviewed: all right",
        "grant.review_bad" => "Reviewed: not all right",
        "grant.review_late" => "Review not made in time",
        "grant.password_asked" => "New password asked for",
        "grant.password_renewed" => "New password set",
        "grant.password_not_renewed" => "New password could not be set",
        "notice.told" => "Told",
        "notice.untold" => "Could not be told",
        "press.refused" => "A press was refused",
        "command.create_grant" => "Command: ask",
        "command.approve_grant" => "Command: approve",
        "command.deny_grant" => "Command: deny",
        "command.cancel_grant" => "Command: cancel",
        "command.return_grant" => "Command: give back",
        "command.revoke_grant" => "Command: revoke",
        "command.extend_grant" => "Command: extend",
        "command.review_grant" => "Command: review",
        "command.offer_less" => "Command: offer less",
        _ => one.Type,
    };

    public static string Way(string way) => way switch
    {
        "slack.command" => "typed in Slack",
        "slack.press" => "button in Slack",
        "slack.form" => "form in Slack",
        "slack.event" => "event of Slack",
        "cli" => "command line",
        "function" => "AWS Lambda",
        "worker" => "DbAccess itself",
        _ => way,
    };

    public static string Outcome(string? outcome) => outcome switch
    {
        null or "done" => "",
        "failed" => "failed",
        _ => $"refused: {outcome}",
    };

    public static bool IsPerson(string actor) => Actor.Parse(actor) is Actor.Person;

    /// <summary>Names of people by <c>TEAM/USER</c>: what they were called on record, else what <paramref name="called"/> says.</summary>
    public static Dictionary<string, string> Names(IEnumerable<LoggedEvent> events, IReadOnlyDictionary<string, string> called)
    {
        var names = new Dictionary<string, string>(called, StringComparer.Ordinal);
        foreach (var one in events)
        {
            if (one is { Type: "grant.requested" } && one.Text("requester") is { } id && one.Text("handle") is { Length: > 0 } handle)
                names[id] = handle;
        }

        return names;
    }

    /// <summary>Whoever did it: a name where there is one, else the id that Slack has.</summary>
    public static string Who(string actor, IReadOnlyDictionary<string, string> names) => Actor.Parse(actor) switch
    {
        Actor.Person person => names.TryGetValue(actor, out var name) ? name : person.Id.User,
        Actor.Rule rule => $"rule {rule.Name}",
        Actor.Operator account => $"operator {account.Account}",
        Actor.Sweep => "DbAccess",
        _ => actor,
    };
}
