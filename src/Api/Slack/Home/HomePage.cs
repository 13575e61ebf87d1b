using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Home;

/// <summary>A person's own page: what they have, what waits, and for administrators what everybody has. Pure.</summary>
internal static class HomePage
{
    // A page holds a hundred parts; what everybody has is one of them, and everybody's own things are seldom more than a handful.
    private const int MostEach = 8;
    private const int MostLines = 40;

    public static ChatMessage Draw(HomeFacts facts, DateTimeOffset now)
    {
        var parts = new List<ChatPart> { new ChatPart.Buttons([new ChatButton(Buttons.OpenForm, "Ask for access",
            DraftJson.Write(Draft.Empty), Primary: true)]) };
        if (facts.Trouble is { } trouble)
            parts.Add(new ChatPart.Text($"What waits for you cannot be shown now: {GrantWords.Plain(trouble, 300)}"));
        parts.AddRange(Section("Waiting for you", [.. facts.ToDecide, .. facts.ToReview], grant => ToDecide(grant, facts)));
        parts.AddRange(Section("Live now", facts.Live, grant => Own(grant, facts, now)));
        parts.AddRange(Section("Waiting for others", facts.Waiting, grant => Waiting(grant, facts)));
        parts.AddRange(Presets(facts.Presets));
        if (parts.Count == 1)
            parts.Add(new ChatPart.Text("You have no access right now, and nothing waits for you."));
        if (facts.Office is { } office) parts.AddRange(Office(office, now));
        parts.AddRange(Section("Recent", facts.Recent, Past));
        parts.Add(new ChatPart.Note("What can be typed: /db-access help"));
        return new ChatMessage("Your database access.", parts);
    }

    /// <summary>For whoever may not act here.</summary>
    public static ChatMessage Refused(Error refusal) => ChatMessage.Plain(refusal.Message);

    private static IEnumerable<ChatPart> Section(
        string title, IReadOnlyList<GrantSnapshot> grants, Func<GrantSnapshot, IEnumerable<ChatPart>> draw)
    {
        if (grants.Count == 0) yield break;

        yield return new ChatPart.Header(grants.Count <= MostEach ? title : $"{title} ({grants.Count})");
        foreach (var part in grants.Take(MostEach).SelectMany(draw)) yield return part;
        if (grants.Count > MostEach)
            yield return new ChatPart.Note($"… and {grants.Count - MostEach} more: /db-access mine, /db-access list.");
    }

    private static IEnumerable<ChatPart> Own(GrantSnapshot grant, HomeFacts facts, DateTimeOffset now)
    {
        var what = What(grant);
        if (grant is not { Status: GrantStatus.Active, Window: { } window })
        {
            yield return grant is { Status: GrantStatus.Approved, StartsAt: { } start, AbandonedBecause: null }
                ? new ChatPart.When($"{what} · approved, begins", start) : new ChatPart.Text($"{what} · {State(grant)}");
            if (grant.Status is GrantStatus.Approved or GrantStatus.Provisioning && grant.AbandonedBecause is null)
                yield return new ChatPart.Buttons([GrantActions.ReturnButton(grant.Id)]);
            yield break;
        }

        yield return new ChatPart.When($"{what} · {Left(window.Expiry - now)} · ends", window.Expiry);
        List<ChatButton> buttons = [];
        if (facts.Extends.TryGetValue(grant.Id, out var by))
            buttons.Add(new ChatButton(GrantActions.Extend, $"+{Durations.Write(by)}", grant.Id.ToString(),
                Spoken: $"Extend by {Durations.Write(by)}"));
        buttons.Add(GrantActions.ReturnButton(grant.Id));
        if (!grant.BreakGlass) buttons.Add(HolderMessages.KeepButton(grant.Id));
        yield return new ChatPart.Buttons(buttons);
    }

    private static IEnumerable<ChatPart> Waiting(GrantSnapshot grant, HomeFacts facts)
    {
        var whose = grant.Requester == facts.Person ? "" : $" for {GrantWords.Plain(grant.Handle)}";
        var more = grant.ExtendBy is { } by ? $"{Durations.Write(by)} more of " : "";
        var asking = grant.Asking!;
        var who = asking.Stage is { } stage ? asking.StillToAgree(stage) : "the decision";
        yield return new ChatPart.When($"{more}{What(grant)}{whose} · waits for {who} · lapses", asking.LapsesAt);
        if (asking.Offer is { } offer)
        {
            yield return new ChatPart.Text($"{GrantWords.Plain(offer.Agreement.Called)} offers less: " +
                $"{GrantWords.ScopeOf(offer.Scope)} for {Durations.Write(offer.Duration)}.");
            yield return new ChatPart.Buttons([
                new ChatButton(GrantActions.Accept, "Accept", grant.Id.ToString(), Primary: true),
                new ChatButton(GrantActions.Decline, "Keep asking", grant.Id.ToString()), Cancel(grant.Id)]);
        }
        else
        {
            yield return new ChatPart.Buttons([Cancel(grant.Id)]);
        }
    }

    private static IEnumerable<ChatPart> ToDecide(GrantSnapshot grant, HomeFacts facts)
    {
        var who = GrantWords.Plain(grant.Handle);
        var what = $"{GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} on {grant.Target.Name}";
        var why = $"Why: {GrantWords.Plain(grant.Reason, 300)}";
        if (facts.ToReview.Contains(grant))
        {
            yield return new ChatPart.When(
                $"`{grant.Id}` {who} broke the glass: {what}, {Durations.Write(grant.Duration)}. Review it until",
                grant.Review!.Since!.Value + grant.Review.Within);
            yield return new ChatPart.Text(why);
            yield return new ChatPart.Buttons(DecisionButtons.ToReview(grant));
            yield break;
        }

        var asks = grant.ExtendBy is { } more ? $"asks for {Durations.Write(more)} more: {what}"
            : $"asks: {what}, {Durations.Write(grant.Duration)}";
        yield return new ChatPart.When($"`{grant.Id}` {who} {asks} · lapses", grant.Asking!.LapsesAt);
        var could = grant.Asking.Plan is { } plan ? $"Could then: {GrantWords.Plain(plan.Summary, 200)}"
            : "What it would give is being looked at; nobody can agree before.";
        var risk = DecisionButtons.Risk(grant) is { Length: > 0 } stop ? $"\n{stop}" : "";
        yield return new ChatPart.Text($"{why}\n{could}{risk}");
        yield return new ChatPart.Buttons(DecisionButtons.ToDecide(grant));
    }

    private static IEnumerable<ChatPart> Presets(IReadOnlyList<Preset> presets)
    {
        if (presets.Count == 0) yield break;

        yield return new ChatPart.Header("Presets");
        foreach (var preset in presets)
        {
            var only = preset.Only.Count > 0 ? $", only {GrantWords.Plain(string.Join(", ", preset.Only), 200)}" : "";
            var name = GrantWords.Plain(preset.Name);
            yield return preset.For is { } user
                ? new ChatPart.Mention($"{name}: {What(preset, only)} · for", [user]) : new ChatPart.Text($"{name}: {What(preset, only)}");
            yield return new ChatPart.Buttons(
            [
                new ChatButton(PresetActions.File, $"Ask: {Show.Text(preset.Name, Preset.LongestName)}", preset.Key),
                new ChatButton(PresetActions.Drop, "Remove", preset.Key, Spoken: $"Remove the preset {Show.Text(preset.Name, 40)}"),
            ]);
        }
    }

    private static string What(Preset preset, string only) => $"{preset.Scope} on {preset.Database} for " +
        $"{Durations.Write(preset.Duration)}{only} · because {GrantWords.Plain(preset.Reason, 150)}";

    private static IEnumerable<ChatPart> Past(GrantSnapshot grant)
    {
        yield return new ChatPart.When($"{What(grant)} · {Ending(grant)} ·", grant.EndedAt!.Value);
        List<ChatButton> buttons = [GrantActions.AskAgainButton(grant.Id)];
        if (!grant.BreakGlass) buttons.Add(HolderMessages.KeepButton(grant.Id));
        yield return new ChatPart.Buttons(buttons);
    }

    private static IEnumerable<ChatPart> Office(HomeOffice office, DateTimeOffset now)
    {
        List<string> attention =
        [
            .. office.Troubles.Select(trouble => GrantWords.Plain(trouble, 300)),
            .. office.Quarantined.Select(grant => $"`{grant.Id}` {Whose(grant)}: closed, but the role cannot be removed yet: " +
                GrantWords.Plain(grant.Blockers is [var first, ..] ? first : grant.Step.Trouble ?? "it is tried until it works", 200)),
            .. office.Unreviewed.Select(grant => $"`{grant.Id}` {Whose(grant)}: taken by break-glass, and " +
                $"{ApprovalErrors.Words(grant.Review!.Reviewers)} still {(grant.Review.Reviewers.Any == 1 ? "has" : "have")} to review it"
                + (grant.Review.Since + grant.Review.Within < now ? " (late)" : "")),
        ];
        yield return new ChatPart.Divider();
        yield return new ChatPart.Header("Needs attention");
        yield return new ChatPart.Text(attention.Count == 0 ? "Nothing." : Lines(attention, 15));
        yield return new ChatPart.Header($"Everybody, live{(office.Live.Count == 0 ? "" : $" ({office.Live.Count})")}");
        if (office.Live.Count == 0)
        {
            yield return new ChatPart.Text("Nobody has access through DbAccess right now.");
            yield break;
        }

        yield return new ChatPart.Text(Lines([.. office.Live.Select(grant => $"`{grant.Id}` {Whose(grant)} · " +
            (grant is { Status: GrantStatus.Active, Window: { } window } ? Left(window.Expiry - now) : State(grant)) +
            (grant.Scope.HighRisk ? " · high risk" : ""))], MostLines));
        yield return new ChatPart.Buttons([new ChatButton(CardActions.EveryoneOut, "Everyone out…", "all", Danger: true,
            Spoken: "End everybody's access, after a typed word")]);
    }

    /// <summary>As many as fit a paragraph.</summary>
    private static string Lines(IReadOnlyList<string> lines, int most)
    {
        var (shown, length) = (0, 0);
        while (shown < lines.Count && shown < most && (length += lines[shown].Length + 3) < 2_800) shown++;
        var more = lines.Count > shown ? $"\n… and {lines.Count - shown} more: /db-access list" : "";
        return string.Join('\n', lines.Take(shown).Select(line => $"• {line}")) + more;
    }

    private static ChatButton Cancel(GrantId id) => new(GrantActions.Cancel, "Cancel", id.ToString());

    private static string What(GrantSnapshot grant) =>
        $"`{grant.Id}` {GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} on {grant.Target.Name}" +
        (grant.Scope.HighRisk ? " (high risk)" : "");

    private static string Whose(GrantSnapshot grant) =>
        $"{GrantWords.Plain(grant.Handle)}, {GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} on {grant.Target.Name}";

    /// <summary>To the minute, since the page is drawn anew once a minute and not once a second.</summary>
    private static string Left(TimeSpan left) => left <= TimeSpan.Zero ? "ending"
        : left < TimeSpan.FromMinutes(1) ? "less than a minute left"
        : $"{Durations.Write(TimeSpan.FromMinutes(Math.Floor(left.TotalMinutes)))} left";

    private static string State(GrantSnapshot grant) => grant.Status switch
    {
        _ when grant.AbandonedBecause is not null => "given up, being undone",
        GrantStatus.Approved when grant.StartsAt is { } start => $"approved, begins {SaidInstants.Write(start)}",
        GrantStatus.Approved or GrantStatus.Provisioning => "being made",
        GrantStatus.Revoking => "being taken away",
        GrantStatus.Quarantined => "closed; the role still waits to be removed",
        _ => grant.Status.ToString().ToLowerInvariant(),
    };

    private static string Ending(GrantSnapshot grant) => grant.Status switch
    {
        GrantStatus.Ended => grant.EndReason switch
        {
            EndReason.Expired => "ended",
            EndReason.Returned => "given back",
            EndReason.Revoked => GrantWords.Revoked(grant),
            _ => "ended early",
        },
        GrantStatus.Failed => "was not given",
        _ => grant.Status.ToString().ToLowerInvariant(),
    };
}
