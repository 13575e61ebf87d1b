using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Approvals;

/// <summary>
/// Draws what approvers and reviewers see of a grant, from what is on record: one card in the channel that the rule names, or one for each
/// of those who are asked. Updated in place; where the channel cannot be used any more, those who are asked are asked directly, and
/// administrators are told.
/// </summary>
internal sealed class GrantCards(
    IGrantStore store, ICards cards, IDirectory directory, Deciders deciders, TimeProvider clock, ILogger<GrantCards> log)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    // Nobody reads who else of 500 was asked, and as many direct messages would keep others from theirs.
    private const int MostAsked = 50;
    private const int MostNamed = 5;

    public async Task<StepOutcome> DrawAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (grant.BeginDrawing(clock.GetUtcNow(), Lease).Refusal is not null) return StepOutcome.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepOutcome.Nothing;

        var drawing = new Drawing(grant.State);
        try
        {
            await DrawAsync(drawing, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "The card of {Grant} could not be drawn", grant.Id.ToString());
            drawing.Again ??= TimeSpan.Zero;
        }
        catch (OperationCanceledException)
        {
            drawing.Again = TimeSpan.Zero;
        }

        var leased = grant.State.Card!.DueAt;
        await store.ChangeAsync(
            grant,
            mine => mine.Drawn(
                drawing.Refs, drawing.Said, drawing.Direct, drawing.Again, drawing.Trouble, leased, clock.GetUtcNow()),
            CancellationToken.None);
        return drawing.Again is null ? StepOutcome.Told : StepOutcome.Postponed;
    }

    private async Task DrawAsync(Drawing drawing, CancellationToken cancellationToken)
    {
        var (state, card) = (drawing.Grant, drawing.Grant.Card!);
        var asked = await AskedAsync(state, cancellationToken);
        var message = CardWords.Draw(state, await FactsAsync(state, asked, cancellationToken));

        for (var i = 0; i < drawing.Refs.Count; i++)
        {
            if (drawing.Refs[i].Gone) continue;
            var post = await cards.UpdateAsync(drawing.Refs[i].Message, message, Mark(state, drawing.Refs[i].Person), cancellationToken);
            if (drawing.Failed(post) is { } why) drawing.Lost(i, why);
        }

        // What is settled is told where it was asked, and asked nowhere else.
        if (CardWords.Waits(state)) await PostAsync(drawing, asked, message, cancellationToken);
        foreach (var line in card.Lines) await AddAsync(drawing, line, asked, cancellationToken);
    }

    private async Task PostAsync(Drawing drawing, Members asked, ChatMessage message, CancellationToken cancellationToken)
    {
        var state = drawing.Grant;
        var channel = state.Review is { IsOwed: true } review ? review.Tell : state.Asking?.Channel;
        if (channel is not null && !drawing.Direct)
        {
            if (drawing.Refs.Any(shown => shown is { Person: null, Gone: false })) return;
            if (drawing.Refs.All(shown => shown.Person is not null))
            {
                var post = await cards.PostAsync(new CardPlace.Channel(channel), message, Mark(state, null), cancellationToken);
                if (post is Post.Sent { Message: { } shown })
                {
                    drawing.Refs.Add(new CardRef(shown, null));
                    return;
                }

                if (drawing.Failed(post) is not { } why) return;
                drawing.Trouble = $"nothing can be posted into {channel} ({why})";
            }

            drawing.Direct = true;
        }

        foreach (var user in asked.Users.Order(StringComparer.Ordinal).Take(MostAsked))
        {
            if (PrincipalId.Parse(state.Requester.Team, user) is not { } person
                || drawing.Refs.Any(shown => shown.Person == person)) continue;
            var post = await cards.PostAsync(new CardPlace.Direct(person), message, Mark(state, person), cancellationToken);
            if (post is Post.Sent { Message: { } shown }) drawing.Refs.Add(new CardRef(shown, person));
            else if (drawing.Failed(post) is { } why)
                log.LogWarning("{Person} cannot be asked about {Grant}: {Why}", user, state.Id.ToString(), why);
        }

        if (asked.Unreadable.Count > 0) drawing.Again ??= TimeSpan.FromMinutes(1);
    }

    private async Task AddAsync(Drawing drawing, CardLine line, Members asked, CancellationToken cancellationToken)
    {
        var state = drawing.Grant;
        foreach (var shown in drawing.Refs.Where(shown => !shown.Gone).ToList())
        {
            var words = CardWords.Line(line, state, shown.Person is { } person ? [person.User] : Mentioned(asked));
            if (words is null) break;
            var mark = new CardMark(state.Id.ToString(), line.ToString().ToLowerInvariant(),
                $"{state.Id}/{line}/{Occasion(line, state)}/{shown.Message.Channel}");
            if (await cards.AddAsync(shown.Message, words, mark, cancellationToken) is Post.NotNow { RetryAfter: var pause })
            {
                drawing.Again ??= pause ?? TimeSpan.Zero;
                return;
            }
        }

        drawing.Said.Add(line);
    }

    private async Task<Members> AskedAsync(GrantSnapshot state, CancellationToken cancellationToken)
    {
        IReadOnlyList<string>? groups = state.Review is { IsOwed: true } review ? review.Reviewers.Of
            : state.Asking is { Stage: { } stage } asking && CardWords.Waits(state) ? asking.Stages[stage].Of : null;
        if (groups is null) return new Members(new HashSet<string>(), []);

        var members = await deciders.MembersOfAsync(groups, cancellationToken);
        return members with
        {
            Users = members.Users.Except([state.Requester.User, state.AskedBy?.User ?? ""], StringComparer.Ordinal)
                .ToHashSet(StringComparer.Ordinal),
        };
    }

    private async Task<CardFacts> FactsAsync(GrantSnapshot state, Members asked, CancellationToken cancellationToken)
    {
        List<string> names = [];
        foreach (var user in asked.Users.Order(StringComparer.Ordinal).Take(MostNamed))
        {
            var found = PrincipalId.Parse(state.Requester.Team, user) is { } id ? await directory.FindAsync(id, cancellationToken) : null;
            if (found is { Refusal: null }) names.Add(found.Value.Handle);
        }

        if (asked.Users.Count > MostNamed) names.Add($"{asked.Users.Count - MostNamed} more");
        var asker = state.AskedBy is { } by && await directory.FindAsync(by, cancellationToken) is { Refusal: null } known
            ? known.Value.Handle : state.AskedBy?.User;
        var others = (await store.ListLiveByRequesterAsync(state.Requester, MostAsked, cancellationToken))
            .Where(other => other.Id != state.Id && other.Status is GrantStatus.Active).Select(other => other.State).ToList();
        return new CardFacts(names, asker, others);
    }

    private static IReadOnlyList<string> Mentioned(Members asked) => [.. asked.Users.Order(StringComparer.Ordinal).Take(MostNamed)];

    /// <summary>The same however often the line is tried, and another one for every other time that it is said.</summary>
    private static string Occasion(CardLine line, GrantSnapshot state)
    {
        var asking = state.Asking;
        var of = line switch
        {
            CardLine.Offered => $"{asking?.Offer?.Agreement.At.UtcTicks}",
            CardLine.Settled => $"{state.Review?.At?.UtcTicks}",
            _ => $"{asking?.StageSince.UtcTicks}/{asking?.Reminded}",
        };
        return $"{asking?.AskedAt.UtcTicks}/{of}";
    }

    private static CardMark Mark(GrantSnapshot state, PrincipalId? person) => new(state.Id.ToString(), "card",
        $"{state.Id}/card/{state.Asking?.AskedAt.UtcTicks ?? 0}/{person?.User ?? "channel"}");

    /// <summary>What has come of a drawing so far, kept also when the rest fails.</summary>
    private sealed class Drawing(GrantSnapshot grant)
    {
        public GrantSnapshot Grant => grant;

        public List<CardRef> Refs { get; } = [.. grant.Card!.Refs];

        public List<CardLine> Said { get; } = [];

        public bool Direct { get; set; } = grant.Card!.Direct;

        public TimeSpan? Again { get; set; }

        public string? Trouble { get; set; }

        /// <summary>Null when it was sent, or is to be tried again.</summary>
        public string? Failed(Post post)
        {
            if (post is Post.NotNow { RetryAfter: var pause }) Again ??= pause ?? TimeSpan.Zero;
            return post is Post.Never { Why: var why } ? why : null;
        }

        public void Lost(int index, string why)
        {
            Refs[index] = Refs[index] with { Gone = true };
            // What is settled asks nobody any more.
            if (Refs[index].Person is null && CardWords.Waits(grant)) Trouble = $"its card cannot be updated ({why})";
        }
    }
}
