using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Evidence;

/// <summary>Where checkpoints are witnessed: a channel of Slack (<c>C…</c>); null for nowhere.</summary>
public sealed record WitnessTerms(string? Channel);

/// <summary>
/// Posts the newest checkpoint, once a day of UTC: Slack's own history then holds what nobody here can rewrite. Twice does no harm; not at
/// all is tried again with the next pass, and said.
/// </summary>
public sealed record WitnessCheckpoint : IRequest<Result>
{
    internal sealed class Handler(IEvidenceLog log, ICards cards, WitnessTerms terms, TimeProvider clock, ILogger<Handler> logger)
        : IRequestHandler<WitnessCheckpoint, Result>
    {
        private const string Mark = "witnessed";

        public async Task<Result> Handle(WitnessCheckpoint command, CancellationToken cancellationToken)
        {
            if (terms.Channel is not { } channel) return Result.Done;

            var today = clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            var last = await log.ReadMarkAsync(Mark, cancellationToken);
            if (last == today || (await log.ReadEndAsync(cancellationToken)).Signed is not { } signed) return Result.Done;

            var post = await cards.PostAsync(new CardPlace.Channel(channel), Message(signed),
                new CardMark("audit", "checkpoint", today), cancellationToken);
            if (post is Post.Sent)
            {
                await log.TryWriteMarkAsync(Mark, last, today, cancellationToken);
                return Result.Done;
            }

            var why = post is Post.NotNow later ? later.Why : ((Post.Never)post).Why;
            logger.LogError("The checkpoint of the evidence log is not witnessed: {Why} (channel {Channel})", why, channel);
            return new Error("audit.not_witnessed", why);
        }

        private static ChatMessage Message(SignedCheckpoint signed) => new(
            string.Create(CultureInfo.InvariantCulture,
                $"Evidence log {signed.Checkpoint.Origin}: {signed.Checkpoint.Size} events, " +
                    $"root {Convert.ToBase64String(signed.Checkpoint.Root)}"),
            [
                new ChatPart.Text(string.Create(CultureInfo.InvariantCulture,
                    $"Checkpoint of the evidence log: {signed.Checkpoint.Size:N0} events so far.")),
                new ChatPart.Code(signed.Note()),
                new ChatPart.Note("Whoever keeps this can show later that nothing before it was changed: save it as a file and run " +
                    "`dbaccess audit verify --checkpoint FILE`."),
            ]);
    }
}
