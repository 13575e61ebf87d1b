using DbAccess.Api.Slack.Desk;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>Answers to what somebody types into a search of a form of ours: only what they may ask for themselves.</summary>
internal sealed class Suggestions(IServiceScopeFactory scopes, TimeProvider clock, ILogger<Suggestions> log)
{
    // Slack counts three seconds and shows an error then; nothing found is nicer, and the next character asks again.
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    public static readonly object None = new { options = Array.Empty<object>() };

    /// <summary>What Slack shows; never throws but for <paramref name="aborted"/>.</summary>
    public async Task<object> ForAsync(PrincipalId person, string kind, string field, string typed, CancellationToken aborted)
    {
        if (kind != RequestForm.Kind || field != RequestForm.Database) return None;

        using var late = new CancellationTokenSource(Budget, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, aborted);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var offers = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ListOffers(person), either.Token);
            return offers.Refusal is null ? Options(RequestForm.Suggest(offers.Value, typed)) : None;
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            return None;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "A search could not be answered");
            return None;
        }
    }

    private static object Options(IEnumerable<FormOption> found) => new
    {
        options = found.Select(option =>
            new { text = new { type = "plain_text", text = option.Label, emoji = false }, value = option.Value }),
    };
}
