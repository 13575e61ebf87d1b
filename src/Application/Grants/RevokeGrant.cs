using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>Whose access, or access to what, is to end.</summary>
public abstract record RevokeTarget
{
    private RevokeTarget()
    {
    }

    public sealed record One(GrantId Id) : RevokeTarget
    {
        public override string ToString() => Id.ToString();
    }

    public sealed record Holder(PrincipalId Id) : RevokeTarget
    {
        public override string ToString() => $"@{Id.User}";
    }

    public sealed record Everybody(DatabaseName? Database) : RevokeTarget
    {
        public override string ToString() => Database?.Value ?? "all";
    }
}

/// <summary>
/// Other people's access ends now. For administrators, for people who may approve access to that database (who may say yes may also say
/// stop), and for whoever has a shell where it runs (<see cref="Actor.Operator"/>), who needs neither Slack nor policy.
/// </summary>
public sealed record RevokeGrant(Actor By, RevokeTarget Target, string Why) : IRequest<Result<GrantsEnding>>, IAudited
{
    public string Subject => Target.ToString()!;

    public bool EndsAccess => true;

    internal sealed class Validator : AbstractValidator<RevokeGrant>
    {
        public Validator() => RuleFor(command => command.Why)
            .IsReason("Say why: `/db-access revoke <id> <reason>`. The reason goes on the audit record.");
    }

    internal sealed class Handler(
        Revokers revokers, IGrantStore store, IGrantDispatcher dispatcher, TimeProvider clock)
        : IRequestHandler<RevokeGrant, Result<GrantsEnding>>
    {
        // One look at the store; there is another as long as the last one found something new.
        private const int Most = 500;

        public async Task<Result<GrantsEnding>> Handle(RevokeGrant command, CancellationToken cancellationToken)
        {
            var revoker = await revokers.FindAsync(command.By, cancellationToken);
            if (revoker.Refusal is { } stranger) return stranger;

            return command.Target is RevokeTarget.One { Id: var id }
                ? await RevokeAsync(command, revoker.Value, id, cancellationToken)
                : await RevokeAllAsync(command, revoker.Value, cancellationToken);
        }

        private async Task<Result<GrantsEnding>> RevokeAsync(
            RevokeGrant command, Revoker revoker, GrantId id, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());
            if (revoker.RefusalFor(grant) is { } mayNot) return mayNot;

            var outcome = await EndAsync(command, revoker, grant, cancellationToken);
            return outcome.Refusal is { } refusal ? refusal : new GrantsEnding([id]);
        }

        private async Task<Result<GrantsEnding>> RevokeAllAsync(
            RevokeGrant command, Revoker revoker, CancellationToken cancellationToken)
        {
            Error? mayNot = null;
            HashSet<GrantId> ended = [], seen = [];
            while (true)
            {
                // Those that are ending already, and those that are not theirs to end, stand in the list still: it has to reach behind
                // them.
                var found = (await ListAsync(command.Target, Most + seen.Count, cancellationToken))
                    .Where(grant => seen.Add(grant.Id)).ToList();
                if (found.Count == 0) break;

                foreach (var grant in found.Where(grant => grant.IsOpen))
                {
                    if (revoker.RefusalFor(grant) is { } refusal) mayNot ??= refusal;
                    else if ((await EndAsync(command, revoker, grant, cancellationToken)).Refusal is null) ended.Add(grant.Id);
                }
            }

            if (ended.Count > 0) return new GrantsEnding([.. ended]);
            return mayNot ?? new Error("grant.none_live", command.Target switch
            {
                RevokeTarget.Holder => "That person has no access through DbAccess right now; there is nothing to end.",
                RevokeTarget.Everybody { Database: { } database } => $"Nobody has access to {database} right now; there is nothing to end.",
                _ => "Nobody has access through DbAccess right now; there is nothing to end.",
            });
        }

        private Task<IReadOnlyList<Grant>> ListAsync(
            RevokeTarget target, int most, CancellationToken cancellationToken) => target switch
        {
            RevokeTarget.Holder { Id: var person } => store.ListLiveByRequesterAsync(person, most, cancellationToken),
            RevokeTarget.Everybody { Database: var database } => store.ListLiveAsync(database, most, cancellationToken),
            _ => throw new ArgumentException("One grant is no list.", nameof(target)),
        };

        private async Task<Result> EndAsync(RevokeGrant command, Revoker revoker, Grant grant, CancellationToken cancellationToken)
        {
            // Among many there may be one's own: it ends with the others.
            var (_, outcome) = await store.ChangeAsync(grant, newest => command.Target is not RevokeTarget.One && revoker.Is(grant)
                ? newest.Return(grant.State.Requester, clock.GetUtcNow())
                : newest.Revoke(command.By, command.Why.Trim(), clock.GetUtcNow(), revoker.Called), cancellationToken);
            if (outcome.Refusal is null) dispatcher.Dispatch(grant.Id);
            return outcome;
        }
    }
}
