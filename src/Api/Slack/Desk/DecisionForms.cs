using System.Text.Json;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Desk;

/// <summary>A form that was filled in, as the inbox keeps it. It carries ids, never authority.</summary>
internal sealed record FilledForm(string Kind, GrantId Id, IReadOnlyDictionary<string, string> Fields)
{
    public string Field(string name) => Fields.GetValueOrDefault(name)?.Trim() ?? "";

    public string Write() => JsonSerializer.Serialize(
        new Dictionary<string, string>(Fields, StringComparer.Ordinal) { ["kind"] = Kind, ["grant"] = Id.ToString() });

    /// <summary>Null for what <see cref="Write"/> did not write.</summary>
    public static FilledForm? Read(string text) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(text) is { } all && all.GetValueOrDefault("kind") is { } kind
            && GrantId.Parse(all.GetValueOrDefault("grant") ?? "") is { } id ? new FilledForm(kind, id, all) : null;
}

/// <summary>
/// The windows that decisions open: a reason for a no, what is offered instead, and the whole plan to be read. Each is named like the
/// button that opens it. Pure.
/// </summary>
internal static class DecisionForms
{
    public const string Reason = "reason";
    public const string Scope = "scope";
    public const string Only = "only";
    public const string Duration = "duration";

    private const int MostLines = 400;
    private const int LinesInOne = 40;

    public static bool IsOne(string kind) => kind is CardActions.Deny or CardActions.ReviewBad or CardActions.Offer;

    public static ChatForm Draw(string kind, Asked asked, string? channel)
    {
        var grant = asked.Grant;
        var context = $"{grant.Id}\n{channel}";
        var what = $"{GrantWords.ScopeOf(grant.Scope)} on {grant.Target.Name} " +
            $"for {Durations.Write(grant.ExtendBy ?? grant.Duration)}, asked by {Replies.Untick(grant.Handle)}";
        return kind switch
        {
            CardActions.Deny => new ChatForm(kind, "Deny", "Deny", context, [new ChatPart.Text($"{what}.")],
                [Text(Reason, "Why not", "Whoever asked reads it, and it goes on the audit record.", null, many: true)]),
            CardActions.ReviewBad => new ChatForm(kind, "Not all right", "Say so", context, [new ChatPart.Text($"{what}.")],
                [Text(Reason, "What was not all right", "Administrators are told.", null, many: true)]),
            CardActions.Offer => new ChatForm(kind, "Offer less", "Offer", context,
                [
                    new ChatPart.Text($"{what}. Whoever asked takes it with one press; until then the full request stays open."),
                ],
                [
                    Text(Scope, "Access", $"Can be: {string.Join(", ", asked.Scopes.Take(20))}.", grant.Scope.Name.Value),
                    Optional(Only, "Only these tables", "Empty for all that the access covers: public.orders, public.items.",
                        string.Join(", ", grant.Scope.NarrowedTo)),
                    Text(Duration, "How long", "For example 15m, 30m or 1h.", Durations.Write(Half(grant.Duration))),
                ]),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No form of this kind."),
        };
    }

    /// <summary>The whole plan, to be read.</summary>
    public static ChatForm Details(GrantSnapshot grant)
    {
        var plan = grant.Asking?.Plan;
        var parts = new List<ChatPart>
        {
            new ChatPart.Text($"{grant.Id}: {GrantWords.ScopeOf(grant.Scope)} on {grant.Target.Name} " +
                $"for {Durations.Write(grant.Duration)}, rule {grant.Rule}."),
            new ChatPart.Text(plan is null ? "What it would give could not be looked at yet." : $"{plan.Summary}. Plan {plan.Hash[..12]}."),
        };
        IReadOnlyList<string> lines = plan?.Gives ?? plan?.Words ?? [];
        foreach (var some in lines.Take(MostLines).Chunk(LinesInOne))
            parts.Add(new ChatPart.Code(string.Join('\n', some.Select(line => line.Length > 70 ? line[..70] + "…" : line))));
        if (lines.Count > MostLines) parts.Add(new ChatPart.Note($"… and {lines.Count - MostLines} more."));
        if (grant.Asking?.Agreements is { Count: > 0 } yes)
            foreach (var one in yes) parts.Add(new ChatPart.When($"{Replies.Untick(one.Called)} agreed", one.At));
        return new ChatForm(CardActions.Details, "What it gives", null, grant.Id.ToString(), parts, []);
    }

    /// <summary>What is wrong with what was filled in, by field; empty when nothing is.</summary>
    public static IReadOnlyDictionary<string, string> Faults(FilledForm form)
    {
        var faults = new Dictionary<string, string>(StringComparer.Ordinal);
        if (form.Kind is CardActions.Deny or CardActions.ReviewBad)
        {
            if (form.Field(Reason).Length == 0) faults[Reason] = "Say why.";
            return faults;
        }

        if (ScopeName.Parse(form.Field(Scope).ToLowerInvariant()) is null) faults[Scope] = "Not the name of an access.";
        if (Durations.Parse(form.Field(Duration)) is null)
            faults[Duration] = "Not a length I can use. Lengths look like 45s, 30m, 2h, 1h30m or 1d.";
        if (TableMention.ReadAll(form.Field(Only)).Wrong is { } wrong) faults[Only] = $"Not a list of tables that I can read: it {wrong}.";
        return faults;
    }

    public static (GrantId? Id, string? Channel) Context(string? context) => context?.Split('\n') is [var id, .. var rest]
        ? (GrantId.Parse(id), rest is [{ Length: > 0 } channel] ? channel : null) : (null, null);

    private static TimeSpan Half(TimeSpan duration) =>
        duration >= TimeSpan.FromMinutes(2) ? TimeSpan.FromMinutes(Math.Floor(duration.TotalMinutes / 2)) : duration;

    private static FormField.Text Text(string key, string label, string? hint, string? initial, bool many = false) =>
        new(key, label, hint, initial, Multiline: many, MinLength: 1, many ? CreateGrant.LongestReason : 100);

    private static FormField.Text Optional(string key, string label, string? hint, string? initial) =>
        new(key, label, hint, initial, Multiline: false, MinLength: 0, 2_000);
}
