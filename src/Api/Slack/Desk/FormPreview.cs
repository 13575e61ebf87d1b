using DbAccess.Api.Slack.Words;
using DbAccess.Application;
using DbAccess.Application.Databases;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Api.Slack.Desk;

/// <summary>
/// The request form with what its choices come to. What the live database does not say in time, the policy's own words say.
/// </summary>
internal sealed class FormPreview(IMediator mediator, TimeProvider clock, ILogger<FormPreview> log)
{
    /// <summary>A trigger lives for three seconds, and part of them is gone.</summary>
    public static readonly TimeSpan Opening = TimeSpan.FromSeconds(0.7);

    /// <summary>While it is open already.</summary>
    public static readonly TimeSpan Open = TimeSpan.FromSeconds(2);

    public async Task<ChatForm> DrawAsync(
        PrincipalId person, Offers offers, Draft draft, string? channel, TimeSpan patience, CancellationToken cancellationToken)
    {
        var (database, scope) = RequestForm.Chosen(offers, draft);
        var gives = TableMention.ReadAll(draft.Only ?? "") is { Wrong: null, Tables: var only }
            ? await GivesAsync(new GetPreview(person, database.Database, scope.Scope, only), patience, cancellationToken) : null;
        return RequestForm.Draw(offers, draft, channel, new FormPreviewed(clock.GetUtcNow(), gives));
    }

    private Task<string?> GivesAsync(GetPreview query, TimeSpan patience, CancellationToken cancellationToken) => Deadline.AskAsync(
        patience, clock,
        async token => await mediator.Send(query, token) is { Refusal: null, Value: var preview } ? preview.Gives : null,
        late: () => null,
        failure =>
        {
            log.LogError(failure, "What a form would give could not be looked up on {Database}", query.Database.Value);
            return null;
        },
        cancellationToken);
}
