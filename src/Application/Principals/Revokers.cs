using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Principals;

/// <summary>Somebody who wants to end other people's access.</summary>
/// <param name="Called">What the holder is told that they are called.</param>
/// <param name="Standing">Null for whoever has a shell where it runs: they may.</param>
internal sealed record Revoker(Actor By, string Called, AccessPolicy Policy, Standing? Standing)
{
    /// <summary>Set while there is no policy, so that nobody is named to do it.</summary>
    public Error? NoPolicy { get; init; }

    public bool Is(Grant grant) => By is Actor.Person { Id: var person } && person == grant.State.Requester;

    /// <summary>Null when they may. A holder is told of their own way by the grant itself.</summary>
    public Error? RefusalFor(Grant grant)
    {
        if (Standing is null || Is(grant)) return null;

        if (NoPolicy is { } none)
            return none with { Message = $"{none.Message} Whoever is on the machine can end it: dbaccess revoke {grant.Id} --reason …" };
        var database = grant.State.Target.Name;
        var may = Policy.Revokers(database);
        if (Standing.IsIn(may)) return null;

        var unclear = may.Where(Standing.Unreadable.Contains).ToList();
        if (unclear.Count > 0)
            return new Error("grant.revoker_unclear",
                $"Whether you are in {string.Join(", ", unclear)} cannot be read from Slack right now. Whoever is on the machine can end " +
                    "it at " +
                $"once: dbaccess revoke {grant.Id} --reason …");
        return new Error("grant.not_revoker", may.Count == 0
            ? $"Nobody is named by the policy to end other people's access to {database}; ask its holder to give {grant.Id} back."
            : $"Only {string.Join(", ", may)} may end other people's access to {database}.");
    }
}

/// <summary>Who may end other people's access? Asks as little as can be: a directory that does not answer keeps nobody from it.</summary>
internal sealed class Revokers(IDirectory directory, Membership membership, IPolicySource policies)
{
    public async Task<Result<Revoker>> FindAsync(Actor by, CancellationToken cancellationToken)
    {
        if (by is not Actor.Person { Id: var id }) return new Revoker(by, by.ToString()!, policies.Current, null);

        // Somebody who left or is a guest may not; somebody of whom nothing can be learnt now is known by the signature and the policy's
        // lists.
        var person = await directory.FindAsync(id, cancellationToken);
        if (person.Refusal is { Code: not IDirectory.Unavailable } stranger) return stranger;

        var standing = await membership.StandingOfAsync(id, policies.Current, cancellationToken);
        var called = person.Refusal is null ? person.Value.Handle : id.User;
        return new Revoker(by, called, policies.Current, standing) { NoPolicy = policies.Missing };
    }
}
