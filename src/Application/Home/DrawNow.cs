using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Home;

/// <summary>The channel (<c>C…</c>) with the card of who has access now; null for none.</summary>
public sealed record NowTerms(string? Channel);

/// <param name="Again">When to try again without anything having changed; null: the next change is soon enough.</param>
public sealed record NowDrawn(TimeSpan? Again);

/// <summary>
/// Keeps the one card that says who has access now: posted once, updated in its place when what it says has changed, posted anew when
/// somebody deleted it. It is drawn from what is saved, so doing it twice does no harm. Its place is a mark in the store; several processes
/// take turns by that mark, and of two that would post it one does. A process that dies between the post and the mark leaves a card behind
/// that nobody keeps.
/// </summary>
public sealed record DrawNow : IRequest<Result<NowDrawn>>
{
    internal sealed class Handler(
        IGrantStore store, IEvidenceLog marks, ICards cards, IChat chat, SessionLooks looks, NowTerms terms, TimeProvider clock,
        ILogger<Handler> log)
        : IRequestHandler<DrawNow, Result<NowDrawn>>
    {
        private const string Mark = "now";
        private const int Most = 500;

        private static readonly TimeSpan Turn = TimeSpan.FromMinutes(1);
        private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
        private static readonly TimeSpan UntilMended = TimeSpan.FromMinutes(5);

        // Nobody tells us that a card was deleted: we find out when we draw it.
        private static readonly TimeSpan Trusted = TimeSpan.FromMinutes(5);

        private static readonly CardMark About = new("now", "now", "now/card");

        public async Task<Result<NowDrawn>> Handle(DrawNow command, CancellationToken cancellationToken)
        {
            var read = await marks.ReadMarkAsync(Mark, cancellationToken);
            var last = NowMark.Parse(read);
            if (terms.Channel is null && last.Card is null) return new NowDrawn(null);

            var now = clock.GetUtcNow();
            if (terms.Channel is not null && last.Shows(terms.Channel, NowWords.Hash(await DrawAsync(cancellationToken)))
                && (now - last.At).Duration() < Trusted) return new NowDrawn(null);
            if (last.HeldUntil > now && last.HeldUntil <= now + Turn + LogEnd.ClocksDiffer) return new NowDrawn(TimeSpan.FromSeconds(1));

            var claim = (last with { HeldUntil = now + Turn, Holder = Guid.NewGuid().ToString("N") }).Write();
            if (!await marks.TryWriteMarkAsync(Mark, read, claim, cancellationToken)) return new NowDrawn(TimeSpan.FromSeconds(1));

            var (shown, again) = (last, (TimeSpan?)Pause);
            try
            {
                // Read within the turn: a state that is older than what another process has drawn meanwhile must not take its place.
                (shown, again) = terms.Channel is { } channel
                    ? await ShowAsync(last, channel, await DrawAsync(cancellationToken), cancellationToken)
                    : await RemoveAsync(last, cancellationToken);
            }
            finally
            {
                var kept = await marks.TryWriteMarkAsync(Mark, claim, (shown with { HeldUntil = null, Holder = "" }).Write(),
                    CancellationToken.None);
                // Our turn was over before we were, and somebody else has posted one: theirs is kept.
                if (!kept && shown.Card is { } posted && posted != last.Card) await chat.RemoveAsync(posted, CancellationToken.None);
            }

            return new NowDrawn(again);
        }

        private async Task<ChatMessage> DrawAsync(CancellationToken cancellationToken) => NowWords.Draw(
            [.. (await store.ListLiveAsync(null, Most, cancellationToken)).Select(grant => grant.State)], looks.Last);

        private async Task<(NowMark Shown, TimeSpan? Again)> ShowAsync(
            NowMark last, string channel, ChatMessage message, CancellationToken cancellationToken)
        {
            var drawn = last with { Hash = NowWords.Hash(message), At = clock.GetUtcNow() };
            if (last.Card is { } card && card.Channel == channel)
            {
                switch (await cards.UpdateAsync(card, message, About, cancellationToken))
                {
                    case Post.Sent:
                        return (drawn, null);
                    case Post.NotNow { RetryAfter: var wait }:
                        return (last, wait ?? Pause);
                    case Post.Never { Gone: false, Why: var why }:
                        log.LogError("The card of who has access now cannot be updated: {Why} (channel {Channel})", why, channel);
                        return (last, UntilMended);
                }
            }
            else if (last.Card is { } elsewhere)
            {
                await chat.RemoveAsync(elsewhere, cancellationToken);
            }

            switch (await cards.PostAsync(new CardPlace.Channel(channel), message, About, cancellationToken))
            {
                case Post.Sent { Message: { } posted }:
                    return (drawn with { Card = posted }, null);
                case Post.NotNow { RetryAfter: var wait }:
                    return (last, wait ?? Pause);
                case Post.Never { Why: var why }:
                    log.LogError("The card of who has access now cannot be posted: {Why} (channel {Channel})", why, channel);
                    break;
            }

            return (last, UntilMended);
        }

        /// <summary>The setting is gone, and with it whoever would keep the card true.</summary>
        private async Task<(NowMark Shown, TimeSpan? Again)> RemoveAsync(NowMark last, CancellationToken cancellationToken) =>
            await chat.RemoveAsync(last.Card!, cancellationToken) is Post.NotNow { RetryAfter: var wait }
                ? (last, wait ?? Pause) : (NowMark.None, null);
    }

    /// <summary>Where the card is, what it says (by hash) since when, and whose turn it is to draw it.</summary>
    private sealed record NowMark(MessageRef? Card, string Hash, DateTimeOffset At, DateTimeOffset? HeldUntil, string Holder)
    {
        public static NowMark None { get; } = new(null, "", DateTimeOffset.UnixEpoch, null, "");

        public bool Shows(string channel, string hash) => Card?.Channel == channel && Hash == hash;

        public string Write() => string.Create(CultureInfo.InvariantCulture,
            $"{Card?.Channel} {Card?.Timestamp} {Hash} {At.ToUnixTimeMilliseconds()} {HeldUntil?.ToUnixTimeMilliseconds()} {Holder}");

        /// <summary>What nobody here wrote is none.</summary>
        public static NowMark Parse(string? text)
        {
            if (text?.Split(' ') is not [var channel, var timestamp, var hash, var at, var until, var holder]
                || Marks.Instant(at) is not { } drawn) return None;
            return new NowMark(channel.Length > 0 && timestamp.Length > 0 ? new MessageRef(channel, timestamp) : null, hash, drawn,
                Marks.Instant(until), holder);
        }
    }
}
