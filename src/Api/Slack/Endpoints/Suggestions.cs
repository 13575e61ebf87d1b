using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Application;
using DbAccess.Application.Databases;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>Answers to what somebody types into a search of a form of ours: only what they may ask for themselves.</summary>
internal sealed class Suggestions(IServiceScopeFactory scopes, TimeProvider clock, ILogger<Suggestions> log)
{
    // Slack counts three seconds and shows an error then; nothing found is nicer, and the next character asks again.
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    public static readonly object None = new { options = Array.Empty<object>() };

    /// <summary>What Slack shows; never throws but for <paramref name="aborted"/>.</summary>
    public async Task<object> ForAsync(PrincipalId person, SlackView? form, string field, string typed, CancellationToken aborted)
    {
        if (form is not { Kind: RequestForm.Kind } || field is not (RequestForm.Database or RequestForm.Only)) return None;

        return await Deadline.AskAsync(
            Budget, clock, token => FindAsync(person, form, field, typed, token),
            late: () => Failed(field, typed),
            failure =>
            {
                log.LogError(failure, "A search could not be answered");
                return Failed(field, typed);
            },
            aborted);
    }

    private async Task<object> FindAsync(
        PrincipalId person, SlackView form, string field, string typed, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        if (field is RequestForm.Only) return Options(await TablesAsync(mediator, person, form, typed, cancellationToken));

        var offers = await mediator.Send(new ListOffers(person), cancellationToken);
        return offers.Refusal is null ? Options(RequestForm.Suggest(offers.Value, typed)) : None;
    }

    private static async Task<IReadOnlyList<FormOption>> TablesAsync(
        IMediator mediator, PrincipalId person, SlackView form, string typed, CancellationToken cancellationToken)
    {
        var (drawn, filled) = (RequestForm.ChosenIn(form.Context), RequestForm.Filled(form));
        if (DatabaseName.Parse(filled.Database ?? drawn.Database) is not { } database
            || ScopeName.Parse(filled.Scope ?? drawn.Scope) is not { } scope) return [];

        var tables = await mediator.Send(new ListTables(person, database, scope), cancellationToken);
        return tables.Refusal is null ? RequestForm.SuggestTables(tables.Value.Names, typed) : RequestForm.AsTyped(typed);
    }

    /// <summary>A database that does not answer keeps nobody from naming a table; what they may have is found out when they ask.</summary>
    private static object Failed(string field, string typed) => field is RequestForm.Only ? Options(RequestForm.AsTyped(typed)) : None;

    private static object Options(IEnumerable<FormOption> found) => new
    {
        options = found.Select(option =>
            new { text = new { type = "plain_text", text = option.Label, emoji = false }, value = option.Value }),
    };
}
