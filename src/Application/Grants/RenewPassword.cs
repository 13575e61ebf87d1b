using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>A password that was asked for: it comes as soon as a worker has set it.</summary>
public sealed record PasswordAsked(GrantSnapshot Grant);

/// <summary>
/// The holder wants another password for access that is live: the one before is dead as soon as the new one is set. Asked twice before it
/// came, it comes once.
/// </summary>
public sealed record RenewPassword(PrincipalId Holder, GrantId Id) : IRequest<Result<PasswordAsked>>, IAudited
{
    public Actor By => new Actor.Person(Holder);

    public string Subject => Id.ToString();

    internal sealed class Handler(PasswordAsking asking) : IRequestHandler<RenewPassword, Result<PasswordAsked>>
    {
        public Task<Result<PasswordAsked>> Handle(RenewPassword command, CancellationToken cancellationToken) =>
            asking.AskAsync(command.Id, command.Holder, view: null, cancellationToken);
    }
}

/// <summary>
/// The holder has a window open that the password is to be shown in: the first one, with which the time of the grant begins, or another.
/// </summary>
/// <param name="View">The window, which nothing but the password's own way writes to.</param>
public sealed record RevealPassword(PrincipalId Holder, GrantId Id, string View) : IRequest<Result<PasswordAsked>>, IAudited
{
    public Actor By => new Actor.Person(Holder);

    public string Subject => Id.ToString();

    internal sealed class Handler(PasswordAsking asking) : IRequestHandler<RevealPassword, Result<PasswordAsked>>
    {
        public Task<Result<PasswordAsked>> Handle(RevealPassword command, CancellationToken cancellationToken) =>
            asking.AskAsync(command.Id, command.Holder, command.View, cancellationToken);
    }
}

/// <summary>Puts on record that a password is wanted; whoever works on roles gives it.</summary>
internal sealed class PasswordAsking(
    IGrantStore store, GrantSeal seal, IGrantDispatcher dispatcher, RevealTerms reveal, TimeProvider clock)
{
    public async Task<Result<PasswordAsked>> AskAsync(
        GrantId id, PrincipalId holder, string? view, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());
        if (view is not null && grant.State.RevealBy is null && grant.State.Requester == holder)
            return new Error("grant.only_sent", $"The password of {id} is sent, not shown: press New password in its message.");
        // Where nothing secret is posted, an old button must not post it either.
        if (view is null && reveal.Within is not null && grant.State.Requester == holder)
            return new Error("grant.only_shown", $"Passwords are shown here, not sent: press Show password in the message of {id}.");

        var (after, outcome) = await store.ChangeAsync(
            grant, mine => seal.IfOurs(mine, own => own.AskPassword(holder, view, clock.GetUtcNow())), cancellationToken);
        if (outcome.Refusal is { } refusal) return refusal;

        dispatcher.Dispatch(id);
        return new PasswordAsked(after.State);
    }
}
