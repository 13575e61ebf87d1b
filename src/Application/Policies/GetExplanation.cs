using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>What would be decided about a request.</summary>
/// <param name="Asked">What those are called who would be asked first; the last may say how many more. Empty when nobody would.</param>
/// <param name="Wants">What the rule wants of a reason, which was not given; null when nothing, or when it was.</param>
public sealed record Explanation(PolicyAnswer Answer, IReadOnlyList<string> Asked, string? Wants);

/// <summary>What would be decided for this person, by which rule, and who would be asked? Files nothing.</summary>
/// <param name="Wish">Its reason may be empty: what the rule wants of one is told besides.</param>
public sealed record GetExplanation(PrincipalId Person, AccessWish Wish) : IRequest<Result<Explanation>>
{
    internal sealed class Handler(
        IDirectory directory, Membership membership, Deciders deciders, PersonalLimits personal, IPolicySource policies, TimeProvider clock)
        : IRequestHandler<GetExplanation, Result<Explanation>>
    {
        private const int MostNamed = 5;

        public async Task<Result<Explanation>> Handle(GetExplanation query, CancellationToken cancellationToken)
        {
            if (policies.Missing is { } none) return none;
            var person = await directory.FindAsync(query.Person, cancellationToken);
            if (person.Refusal is { } stranger) return stranger;

            var now = clock.GetUtcNow();
            var wish = query.Wish.AskedAt(now);
            var standing = await membership.StandingOfAsync(query.Person, policies.Current, cancellationToken);
            var question = new AccessQuestion(standing.Groups, wish.Database, wish.Scope, wish.Duration, wish.Reason, now)
            {
                Unreadable = standing.Unreadable, BreakGlass = wish.BreakGlass, StartsAt = wish.StartsAt,
            };
            var unsaid = string.IsNullOrWhiteSpace(wish.Reason);
            var answer = PolicyAnswer.Of(unsaid ? WithoutReasons(policies.Current) : policies.Current, question, wish.Only);
            if (answer.Terms is not { } terms) return new Explanation(answer, [], null);

            var open = await personal.OpenAsync(query.Person, cancellationToken);
            var refusal = await personal.TooManyAsync(null, open, cancellationToken)
                ?? await personal.RefusalOfAsync(query.Person, null, terms, open, now, cancellationToken);
            if (refusal is not null) return new Explanation(PolicyAnswer.Refused(refusal, answer.Rule, answer.Trace), [], null);

            var rule = policies.Current.Allow.First(one => one.Id == terms.Rule.Id);
            return new Explanation(answer, await AskedAsync(query.Person, rule, cancellationToken), unsaid ? Wants(rule.Require) : null);
        }

        private async Task<IReadOnlyList<string>> AskedAsync(PrincipalId person, AccessRule rule, CancellationToken cancellationToken)
        {
            if (rule.Approval is not { Stages: [var first, ..] }) return [];

            var members = await deciders.MembersOfAsync(first.Of, cancellationToken);
            List<string> names = [];
            var able = members.Users.Where(user => user != person.User).Order(StringComparer.Ordinal).ToList();
            foreach (var user in able.Take(MostNamed))
            {
                var found = PrincipalId.Parse(person.Team, user) is { } id ? await directory.FindAsync(id, cancellationToken) : null;
                if (found is { Refusal: null }) names.Add(found.Value.Handle);
            }

            if (able.Count > MostNamed) names.Add($"{able.Count - MostNamed} more");
            return names;
        }

        private static AccessPolicy WithoutReasons(AccessPolicy policy) =>
            policy with { Allow = [.. policy.Allow.Select(rule => rule with { Require = new Requirements(0, null) })] };

        private static string? Wants(Requirements require)
        {
            string?[] wants = [require.ReasonMin > 0 ? $"at least {require.ReasonMin} characters" : null,
                require.Ticket is { } ticket ? $"a ticket in it (a word that matches {ticket})" : null];
            var said = string.Join(" and ", wants.Where(one => one is not null));
            return said.Length == 0 ? null : said;
        }
    }
}
