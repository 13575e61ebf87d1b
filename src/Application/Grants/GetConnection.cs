using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>How the holder of live access gets in, as far as it is no secret.</summary>
/// <param name="Place">Null while there is none: the password waits to be shown.</param>
public sealed record Connection(GrantSnapshot Grant, ConnectionPlace? Place);

/// <summary>Where the databases of a grant are, as people reach them.</summary>
/// <param name="SslRootCert">As <see cref="Credential.SslRootCert"/>.</param>
/// <param name="Before">As <see cref="Credential.Before"/>.</param>
public sealed record ConnectionPlace(
    string Host, int Port, string Database, string User, string SslMode, string? SslRootCert, IReadOnlyList<string> Before)
{
    /// <summary>The zone of the holder's clock; null when it is not known.</summary>
    public string? Zone { get; init; }
}

/// <summary>Asked by the holder; by anybody else it is refused.</summary>
public sealed record GetConnection(PrincipalId Holder, GrantId Id) : IRequest<Result<Connection>>, IAudited
{
    public Actor By => new Actor.Person(Holder);

    public string Subject => Id.ToString();

    public bool OnlyRefusals => true;

    internal sealed class Handler(
        IGrantStore store, GrantSeal seal, IPolicySource policies, IDirectory directory, TimeProvider clock)
        : IRequestHandler<GetConnection, Result<Connection>>
    {
        // A window is opened with what comes, and only for three seconds; the directory remembers it for the next one.
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);

        public async Task<Result<Connection>> Handle(GetConnection query, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(query.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(query.Id.ToString());
            if (grant.PasswordRefusal(query.Holder, clock.GetUtcNow()) is { } refusal) return refusal;

            var state = grant.State;
            if (state is not { Status: GrantStatus.Active, Role: { } role }) return new Connection(state, null);
            if (state.Door is not { } door)
                return new Error("grant.no_door", $"{state.Id} was made by an earlier version: its message has all there is.");
            // Whoever changed where it is would be sent the password.
            if (!seal.IsOurs(grant)) return GrantErrors.NotOurs(grant.Id);

            var hints = policies.Current.Connect.GetValueOrDefault(state.Target.Cluster);
            return new Connection(state, new ConnectionPlace(
                hints?.Host ?? door.Host, hints?.Port ?? door.Port, state.Target.Database, role.Value, hints?.SslMode ?? door.SslMode,
                hints?.SslRootCert, Credential.BeforeOf(hints)) { Zone = await ZoneOfAsync(query.Holder, cancellationToken) });
        }

        /// <summary>How to get in does not depend on a directory that answers.</summary>
        private Task<string?> ZoneOfAsync(PrincipalId holder, CancellationToken cancellationToken) => Deadline.AskAsync(
            Patience, clock,
            async token => await directory.FindAsync(holder, token) is { Refusal: null, Value.Zone: var zone } ? zone : null,
            late: () => null, failed: null, cancellationToken);
    }
}
