using System.Globalization;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Evidence;

/// <summary>What a grant's own event says on the evidence log: the event, and of the state it was saved with what belongs to it.</summary>
public static class GrantFacts
{
    private static readonly string[] AboutPlan =
    [
        "grant.planned", "grant.plan_shrank", "grant.asked_again", "grant.agreed", "grant.approved", "grant.offer_accepted",
        "grant.role_made", "grant.activated",
    ];

    /// <param name="state">As it is saved together with the event.</param>
    public static LogEvent Of(GrantSnapshot state, GrantEvent happened, string way, string? trace) => new()
    {
        At = happened.At, Type = happened.Type, By = happened.By, Way = way, Grant = state.Id, Number = happened.Sequence,
        Rule = state.Rule, PolicyHash = state.PolicyHash, PlanHash = PlanOf(state, happened.Type), Trace = trace,
        What = [.. Facts(state, happened).OfType<Fact>()],
    };

    private static string? PlanOf(GrantSnapshot state, string type) => type is "grant.offered"
        ? state.Asking?.Offer?.Plan.Hash
        : AboutPlan.Contains(type, StringComparer.Ordinal) ? state.Plan?.Hash ?? state.Asking?.Plan?.Hash : null;

    private static IEnumerable<Fact?> Facts(GrantSnapshot state, GrantEvent happened)
    {
        yield return Text("from", happened.From?.ToString());
        yield return Text("to", happened.To.ToString());
        // The first one's note is the reason, and what was run has a field of its own.
        if (happened.Type is not ("grant.requested" or GrantEvent.Statements)) yield return Sealed("note", happened.Note);
        foreach (var fact in happened.Type switch
        {
            "grant.requested" => Requested(state),
            "grant.planned" or "grant.plan_shrank" or "grant.asked_again" => Planned(state.Asking?.Plan),
            "grant.agreed" or "grant.approved" => [Texts("agreed", [.. (state.Asking?.Agreements ?? []).Select(yes => yes.By.ToString())])],
            "grant.offered" => Offered(state.Asking?.Offer),
            "grant.provisioning" or "grant.activated" => Role(state),
            GrantEvent.Statements => [Text("role", state.Role?.Value), Sealed("sql", happened.Note)],
            "grant.role_made" =>
            [
                .. Role(state), state.RoleOid is { } oid ? new Fact.Number("oid", oid) : null, Text("summary", state.Plan?.Summary),
                Texts("gives", happened.Gives ?? []),
            ],
            "grant.extended" => [Instant("expiry", state.Window?.Expiry), new Fact.Number("extensions", state.Extensions)],
            "grant.revoking" => [Text("reason", state.EndReason?.ToString())],
            "grant.quarantined" or "grant.still_quarantined" => [Texts("blockers", state.Blockers), .. Receipt(state.Receipt)],
            "grant.ended" or "grant.failed" => Receipt(state.Receipt),
            _ => Array.Empty<Fact?>(),
        }) yield return fact;
    }

    private static IEnumerable<Fact?> Requested(GrantSnapshot state)
    {
        yield return new Fact.Text("requester", state.Requester.ToString());
        yield return new Fact.Text("handle", state.Handle);
        yield return Text("asked_by", state.AskedBy?.ToString());
        yield return new Fact.Text("database", state.Target.Name.Value);
        if (state.Target.All().ToList() is { Count: > 1 } all) yield return new Fact.Texts("databases", all);
        yield return new Fact.Text("cluster", state.Target.Cluster.Value);
        yield return new Fact.Text("scope", state.Scope.Name.Value);
        yield return Texts("only", state.Scope.NarrowedTo);
        yield return new Fact.Sealed("reason", state.Reason);
        yield return Text("ticket", state.Ticket);
        yield return Seconds(state.Duration);
        yield return Instant("starts", state.StartsAt);
        if (state.BreakGlass) yield return new Fact.Flag("break_glass", true);
        yield return Texts("stages", [.. (state.Asking?.Stages ?? []).Select(ApprovalErrors.Words)]);
    }

    private static IEnumerable<Fact?> Planned(AgreedPlan? plan) => [Text("summary", plan?.Summary), Texts("gives", plan?.Gives ?? [])];

    private static IEnumerable<Fact?> Offered(CounterOffer? offer) => offer is null ? [] :
        [new Fact.Text("scope", offer.Scope.Name.Value), Seconds(offer.Duration), new Fact.Text("summary", offer.Plan.Summary)];

    private static IEnumerable<Fact?> Role(GrantSnapshot state) =>
        [Text("role", state.Role?.Value), Instant("start", state.Window?.Start), Instant("expiry", state.Window?.Expiry)];

    private static IEnumerable<Fact?> Receipt(RemovalReceipt? receipt)
    {
        if (receipt is null) yield break;

        yield return new Fact.Flag("existed", receipt.Existed);
        if (receipt.LockedOutAt != RemovalReceipt.NotYet) yield return Instant("locked_out", receipt.LockedOutAt);
        yield return new Fact.Number("sessions_ended", receipt.SessionsEnded);
        yield return Texts("sessions", [.. receipt.Sessions.Select(session => session.ToString())]);
        yield return Instant("last_session_gone", receipt.LastSessionGoneAt);
        yield return Instant("proved", receipt.ProvedAt);
        if (receipt.Overrun is { } overrun) yield return new Fact.Number("overrun_ms", (long)overrun.TotalMilliseconds);
        yield return Texts("handed_over", receipt.HandedOver);
        yield return Texts("dropped", receipt.Dropped);
        yield return Texts("remarks", receipt.Remarks);
        yield return Texts("instances", [.. receipt.Instances.Select(look => string.Create(CultureInfo.InvariantCulture,
            $"{look.Instance} {(look.IsWriter ? "writer" : "reader")} {look.SessionsFound}/{look.SessionsEnded}"))]);
        if (receipt.Left is { } left)
            yield return Texts("left", [.. new (string Of, int Many)[]
            {
                ("roles", left.Roles), ("sessions", left.Sessions), ("owned", left.Owned), ("privileges", left.Privileges),
                ("memberships", left.Memberships), ("settings", left.Settings),
            }.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Of} {one.Many}"))]);
        if (receipt.Activity is not { } ran) yield break;

        yield return new Fact.Number("run_statements", ran.Statements);
        yield return new Fact.Number("run_calls", ran.Calls);
        yield return new Fact.Number("run_rows", ran.Rows);
        yield return Sealed("run", string.Join('\n', ran.Most.Select(line => string.Create(CultureInfo.InvariantCulture,
            $"{line.Calls} {line.Rows} {line.Statement.ReplaceLineEndings(" ")}"))));
    }

    private static Fact? Text(string name, string? value) => string.IsNullOrEmpty(value) ? null : new Fact.Text(name, value);

    private static Fact? Sealed(string name, string? value) => string.IsNullOrEmpty(value) ? null : new Fact.Sealed(name, value);

    private static Fact? Texts(string name, IReadOnlyList<string> values) => values.Count == 0 ? null : new Fact.Texts(name, values);

    private static Fact? Instant(string name, DateTimeOffset? at) => at is { } instant ? new Fact.Text(name, Canonical.Instant(instant))
        : null;

    private static Fact.Number Seconds(TimeSpan length) => new("seconds", (long)length.TotalSeconds);
}
