using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>A newer policy is not taken: the administrators of the one in force are told.</summary>
/// <param name="Team">The workspace that they are in.</param>
/// <param name="Fault">Why it is not taken, with the place in the file.</param>
public sealed record TellOfPolicy(string Team, string Fault) : IRequest<Result>
{
    internal sealed class Handler(Administrators administrators) : IRequestHandler<TellOfPolicy, Result>
    {
        /// <summary>Refuses while nobody could be told and it may be tried again.</summary>
        public async Task<Result> Handle(TellOfPolicy command, CancellationToken cancellationToken)
        {
            const string What = "A newer access policy is not taken; the one before it stays in force.";
            var message = new ChatMessage($"{What} {Show.Text(command.Fault, 300)}",
            [
                new ChatPart.Text(What), new ChatPart.Code(Show.Text(command.Fault, 2_000)),
                new ChatPart.Note("`dbaccess policy lint` says all that is wrong with it. You are told once for each such file."),
            ]);
            return await administrators.TellAsync(command.Team, message, cancellationToken) is Post.NotNow { Why: var why }
                ? new Error("chat.not_now", why) : Result.Done;
        }
    }
}
