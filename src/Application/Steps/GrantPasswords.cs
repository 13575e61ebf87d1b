using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Steps;

/// <summary>
/// Gives a holder of live access another password. The one before is dead first, its message is blanked, and only then the new one goes
/// out: at most one message holds a password that works. What was not delivered for sure is never sent again.
/// </summary>
internal sealed class GrantPasswords(
    IGrantStore store, GrantWarrant warrants, GrantSeal seal, IRoleAdministrator roles, ICredentialDelivery delivery, ICards cards,
    IChat chat, IPolicySource policies, TimeProvider clock, ILogger<GrantPasswords> log)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    public async Task<StepOutcome> RenewAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (grant.BeginPassword(clock.GetUtcNow(), Lease).Refusal is not null) return StepOutcome.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepOutcome.Nothing;

        using var leased = new Deadline(Lease - TimeSpan.FromSeconds(10), clock, cancellationToken);
        try
        {
            return await GiveAsync(grant, leased.Token);
        }
        catch (OperationCanceledException)
        {
            return await FailedAsync(grant, "it took longer than a worker's lease", TimeSpan.Zero);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A new password for {Grant} failed", grant.Id.ToString());
            return await FailedAsync(grant, failure.GetType().Name, null);
        }
    }

    private async Task<StepOutcome> GiveAsync(Grant grant, CancellationToken cancellationToken)
    {
        var state = grant.State;
        if (state.Door is not { } door)
            return await FailedAsync(
                grant, $"{grant.Id} was made by an earlier version, which did not note where it is", null, forGood: true);
        if (!seal.IsOurs(grant)) return await FailedAsync(grant, GrantErrors.NotOurs(grant.Id).Message, null, forGood: true);
        var warrant = await warrants.ToGoOnAsync(grant, clock.GetUtcNow(), cancellationToken);
        if (warrant is Warrant.Unclear { Why: var unclear }) return await FailedAsync(grant, unclear, null);
        if (warrant is Warrant.Gone { Why: var gone })
        {
            log.LogWarning("{Grant} ends: what it rested on is gone: {Why}", grant.Id.ToString(), gone);
            var (_, ended) = await store.ChangeAsync(grant, mine => mine.Supersede(gone, clock.GetUtcNow()), cancellationToken);
            return ended.Refusal is null ? StepOutcome.Told : StepOutcome.Nothing;
        }

        var password = Passwords.New();
        var set = await roles.SetPasswordAsync(RoleToRemove.Of(state, state.Role!), password, cancellationToken);
        if (set.Refusal is { } why) return await FailedAsync(grant, why.Message, null);

        // Dead by now; taking it out of the way keeps people from trying it.
        if (state.Password!.View is null && state.CredentialsMessage is { } old
            && await BlankAsync(grant, old, cancellationToken) is Post.NotNow blank)
            return await FailedAsync(grant, $"the message with the password before could not be emptied: {blank.Why}", blank.RetryAfter);

        var credential = new Credential(state.Role!, password, door.Host, door.Port, state.Target.Database, door.SslMode)
        {
            ExtendBy = MoreTime(policies.Current, state), Again = true,
        }.As((warrant as Warrant.Holds)?.Connect);
        switch (await delivery.DeliverAsync(grant, credential, cancellationToken))
        {
            case Delivery.Delivered { Message: var message }:
                return await DoneAsync(grant, message);
            case Delivery.Shown:
                return await DoneAsync(grant, null);
            case Delivery.Undeliverable { Why: var never }:
                return await FailedAsync(grant, never, null, forGood: true);
            case Delivery.Unknown { Why: var unknown, RetryAfter: var pause }:
                return await FailedAsync(grant, unknown, pause);
            default:
                throw new InvalidOperationException("A delivery ends in one of its four ways.");
        }
    }

    /// <summary>How much longer the rule gives it, as it is now; null when it gives no more.</summary>
    public static TimeSpan? MoreTime(AccessPolicy policy, GrantSnapshot grant) =>
        policy.Allow.FirstOrDefault(rule => rule.Id == grant.Rule)?.Lifetime is { } terms && terms.ExtendTimes > grant.Extensions
            ? terms.ExtendBy : null;

    private async Task<StepOutcome> DoneAsync(Grant grant, MessageRef? message)
    {
        // It is out: a shutdown in this moment must not lose the fact.
        var (_, outcome) = await store.ChangeAsync(
            grant,
            mine => seal.Keep(mine, own => own.PasswordRenewed(grant.State.Password!, message, clock.GetUtcNow())),
            CancellationToken.None);
        if (outcome.Refusal is null)
        {
            Telemetry.Step("password_renewed");
            return StepOutcome.Told;
        }

        // It ended meanwhile, or another worker was faster: nobody would remember to take this message away.
        if (message is not null) await BlankAsync(grant, message, CancellationToken.None);
        return StepOutcome.Nothing;
    }

    private async Task<Post> BlankAsync(Grant grant, MessageRef message, CancellationToken cancellationToken)
    {
        var id = grant.Id.ToString();
        var post = await cards.UpdateAsync(
            message, HolderMessages.Replaced(grant.State), new CardMark(id, "replaced", $"{id}/replaced/{message.Timestamp}"),
            cancellationToken);
        return post is Post.Never ? await chat.RemoveAsync(message, cancellationToken) : post;
    }

    private async Task<StepOutcome> FailedAsync(Grant grant, string why, TimeSpan? pause, bool forGood = false)
    {
        await store.ChangeAsync(
            grant,
            mine => seal.Keep(mine, own => own.PasswordFailed(grant.State.Password!, why, clock.GetUtcNow(), pause, forGood)),
            CancellationToken.None);
        log.LogWarning("{Grant} has no new password yet (try {Attempt}): {Why}", grant.Id.ToString(), grant.State.Step.Attempts, why);
        return StepOutcome.Postponed;
    }
}
