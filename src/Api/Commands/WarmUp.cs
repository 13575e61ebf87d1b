using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Databases;
using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary>
/// What a first command needs is compiled, read and connected before anybody listens, and so before health says ready: otherwise one person
/// waits for it after every start. It asks as somebody whom nobody knows, so that nothing is done, recorded or told.
/// </summary>
internal static class WarmUp
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>Fails never: what does not work now is told by whoever needs it.</summary>
    public static async Task RunAsync(IServiceProvider services, TimeProvider clock, ILogger log)
    {
        using var late = new CancellationTokenSource(Longest, clock);
        var started = clock.GetTimestamp();
        try
        {
            await ReadAsync(services, clock, late.Token);
        }
        catch (Exception failure)
        {
            log.LogWarning(failure, "What the first command needs is not all there yet");
        }

        log.LogInformation("Warmed up in {Milliseconds} ms", (long)clock.GetElapsedTime(started).TotalMilliseconds);
    }

    private static async Task ReadAsync(IServiceProvider services, TimeProvider clock, CancellationToken cancellationToken)
    {
        var team = services.GetRequiredService<SlackTenant>().TeamId;
        if (PrincipalId.Parse(team, "U00000000") is not { } nobody) return;

        services.GetRequiredService<SlackSignature>()
            .Verify("text=mine"u8, $"{clock.GetUtcNow().ToUnixTimeSeconds()}", $"v0={new string('0', 64)}");
        FormBody.Parse("text=mine&user_id=U00000000");

        await using var scope = services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        var names = (await mediator.Send(new GetNames(), cancellationToken)).Value;
        VerbWords.Read("mine", names, team);
        var mine = (await mediator.Send(new ListGrants(nobody), cancellationToken)).Value;
        // Slack, by the connection that answers go over, and the policy.
        var offers = await mediator.Send(new ListOffers(nobody), cancellationToken);
        var offered = offers.Refusal is null ? offers.Value : new Offers([], names);
        var (database, read) = (names.Databases.FirstOrDefault()?.Value, names.Scopes.FirstOrDefault()?.Value);
        var intent = RequestWords.Read($"{database} {read} 30m because of nothing", offered, clock.GetUtcNow());
        if (intent is Intent.File { Wish: var wish })
            await mediator.Send(new CheckRequest(nobody, wish with { Duration = Durations.Longest }), cancellationToken);
        if (DatabaseName.Parse(database) is { } first && ScopeName.Parse(read) is { } scopeName)
            await mediator.Send(new ListTables(nobody, first, scopeName), cancellationToken);
        RequestForm.SuggestTables(["public.orders"], "o");
        Replies.Mine(mine, clock.GetUtcNow());
        HelpReply.Of(offered);
    }
}
