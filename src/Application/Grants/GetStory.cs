using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>A grant and all that happened to it, in order.</summary>
/// <param name="Called">What the people in it are called, as far as the directory knows them.</param>
public sealed record GrantStory(
    GrantSnapshot Grant, IReadOnlyList<GrantEvent> Events, IReadOnlyDictionary<PrincipalId, string> Called)
{
    /// <summary>The bucket where complete days of the log are (<c>s3://…</c>); null where there is none that others may know of.</summary>
    public string? ExportedTo { get; init; }
}

/// <summary>
/// The whole story of one grant: for whoever holds or asked for it, for those who approve on its database, and for administrators.
/// </summary>
public sealed record GetStory(PrincipalId Person, GrantId Id) : IRequest<Result<GrantStory>>, IAudited
{
    public Actor By => new Actor.Person(Person);

    public string Subject => Id.ToString();

    public bool OnlyRefusals => true;

    internal sealed class Handler(IGrantStore store, Revokers revokers, IDirectory directory, ExportTerms export)
        : IRequestHandler<GetStory, Result<GrantStory>>
    {
        private const int MostPeople = 20;

        public async Task<Result<GrantStory>> Handle(GetStory query, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(query.Id, cancellationToken) is not { State: var grant })
                return GrantErrors.Unknown(query.Id.ToString());
            if (await RefusalOfAsync(query.Person, grant, cancellationToken) is { } mayNot) return mayNot;

            var events = await store.ListEventsAsync(query.Id, cancellationToken);
            Dictionary<PrincipalId, string> called = [];
            var people = events.Select(one => one.By).OfType<Actor.Person>().Select(by => by.Id).Append(grant.AskedBy)
                .OfType<PrincipalId>();
            foreach (var person in people.Distinct().Take(MostPeople))
            {
                // Somebody who left is no stranger to what they did: their id has to do.
                var found = await directory.FindAsync(person, cancellationToken);
                called[person] = person == grant.Requester ? grant.Handle : found.Refusal is null ? found.Value.Handle : person.User;
            }

            // A folder of the machine is nobody's business in Slack.
            var place = export.Place?.Name;
            return new GrantStory(grant, events, called)
            {
                ExportedTo = place?.StartsWith("s3://", StringComparison.OrdinalIgnoreCase) is true ? place : null,
            };
        }

        private async Task<Error?> RefusalOfAsync(PrincipalId person, GrantSnapshot grant, CancellationToken cancellationToken)
        {
            if (person == grant.Requester || person == grant.AskedBy) return null;

            var revoker = await revokers.FindAsync(new Actor.Person(person), cancellationToken);
            if (revoker.Refusal is { } stranger) return stranger;
            if (revoker.Value is not { Standing: { } standing, Policy: var policy, NoPolicy: null })
                return revoker.Value.NoPolicy ?? GrantErrors.NotShown(grant.Id, grant.Target.Name.Value);

            // Those who were asked may look also when the policy names others by now.
            var may = policy.Revokers(grant.Target.Name).Concat(grant.Asking?.Stages.SelectMany(stage => stage.Of) ?? [])
                .Concat(grant.Review?.Reviewers.Of ?? []).Distinct(StringComparer.Ordinal).ToList();
            if (standing.IsIn(may)) return null;
            return may.Any(standing.Unreadable.Contains)
                ? new Error(IDirectory.Unavailable, "Whether you may see it cannot be read from Slack right now. Try again in a minute.")
                : GrantErrors.NotShown(grant.Id, grant.Target.Name.Value);
        }
    }
}
