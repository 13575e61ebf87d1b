using DbAccess.Application;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>Shows a mistake beside its field while the form is still open.</summary>
internal sealed class SubmissionCheck(IServiceScopeFactory scopes, TimeProvider clock, ILogger<SubmissionCheck> log)
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(0.8);

    /// <summary>What a form of an older version is answered with.</summary>
    public static readonly object OutOfDate = new
    {
        response_action = "update",
        view = new
        {
            type = "modal",
            title = new { type = "plain_text", text = "Form out of date" },
            close = new { type = "plain_text", text = "Close" },
            blocks = new[] {
                new { type = "section",
                text = new { type = "plain_text",
                text = "This form is from an older version. Nothing was requested; /db-access opens the new one." } } },
        },
    };

    /// <summary>
    /// What the policy would say, if it says it in time; otherwise the request is filed and the answer comes as a message.
    /// </summary>
    /// <param name="asker">Who reads it: a field shows letters only, so instants are told by their clock here.</param>
    public Task<Error?> RefusalOfAsync(PrincipalId asker, PrincipalId holder, AccessWish wish, CancellationToken aborted) =>
        Deadline.AskAsync(
            Budget, clock, token => AskAsync(asker, holder, wish, token),
            late: () => null,
            failure =>
            {
                // The check only makes the answer nicer; filing the request checks again, and tries again.
                log.LogError(failure, "A form could not be checked before it was filed");
                return null;
            },
            aborted);

    private async Task<Error?> AskAsync(PrincipalId asker, PrincipalId holder, AccessWish wish, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var outcome = await scope.ServiceProvider.GetRequiredService<IMediator>()
            .Send(new CheckRequest(holder, wish), cancellationToken);
        if (outcome.Refusal is not { } refusal) return null;
        var reader = await scope.ServiceProvider.GetRequiredService<IDirectory>().FindAsync(asker, cancellationToken);
        return refusal with { Message = SaidInstants.In(reader.Refusal is null ? reader.Value.Zone : null, refusal.Message) };
    }
}
