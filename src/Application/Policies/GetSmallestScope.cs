using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>A scope that gives what was refused.</summary>
/// <param name="Gives">What it gives of it, in words.</param>
/// <param name="Waits">Who has to agree first; null when nobody has.</param>
public sealed record FoundScope(DatabaseName Database, ScopeName Scope, string Gives, TimeSpan Usual, string? Waits);

/// <summary>The smallest access that gives something that PostgreSQL refused.</summary>
/// <param name="What">What it is, as far as it could be told.</param>
/// <param name="Mine">Null when nothing that the person may ask for gives it.</param>
/// <param name="Others">Whose scopes give it where none of theirs does, in words; null when nobody's do.</param>
public sealed record ScopeSearch(string What, DatabaseName? Database, FoundScope? Mine, string? Others);

/// <summary>
/// Which is the smallest scope that gives what was refused? Decided by the scopes' own rules; no database is asked, so that it works also
/// when that is down.
/// </summary>
/// <param name="Database">Null for any on which a scope speaks of it.</param>
/// <param name="Denied">Null when only <paramref name="Names"/> may say what it was.</param>
/// <param name="Names">Words that may be its name.</param>
public sealed record GetSmallestScope(PrincipalId Person, DatabaseName? Database, DeniedObject? Denied, IReadOnlyList<string> Names)
    : IRequest<Result<ScopeSearch>>
{
    internal sealed class Handler(IDirectory directory, Membership membership, IPolicySource policies, TimeProvider clock)
        : IRequestHandler<GetSmallestScope, Result<ScopeSearch>>
    {
        private static readonly Error Unclear = new("scope.which_table",
            "PostgreSQL refused you something, and I cannot tell what. Paste the line that names the table, with the database before it: " +
            "`/db-access orders ERROR: permission denied for table invoices`.");

        public async Task<Result<ScopeSearch>> Handle(GetSmallestScope query, CancellationToken cancellationToken)
        {
            if (policies.Missing is { } none) return none;
            var person = await directory.FindAsync(query.Person, cancellationToken);
            if (person.Refusal is { } stranger) return stranger;

            var policy = policies.Current;
            var standing = await membership.StandingOfAsync(query.Person, policy, cancellationToken);
            var places = policy.Databases.Where(place => query.Database is null || place.Key == query.Database)
                .OrderBy(place => place.Key.Value, StringComparer.Ordinal)
                .SelectMany(place => place.Value.Scopes.Where(policy.Scopes.ContainsKey)
                    .Select(name => (Database: place.Key, Scope: policy.Scopes[name]))).ToList();
            var denied = query.Denied ?? query.Names.Select(name => new DeniedObject(null, name))
                .FirstOrDefault(named => places.Any(place => named.IsNamedBy(place.Scope)));
            if (denied is null) return Unclear;

            // The error has no schema. Where scopes speak of it by name in one, that is where it is.
            if (places.SelectMany(place => denied.SchemasIn(place.Scope)).Distinct(StringComparer.Ordinal).ToList() is [var schema])
                denied = denied with { Schema = schema };
            var reaching = places.Where(place => denied.IsGivenBy(place.Scope)).ToList();
            // On which database it was nobody said: those are meant whose scopes speak of it by name, or the only one there is.
            if (query.Database is null && reaching.Select(place => place.Database).Distinct().Count() > 1)
            {
                var known = reaching.Where(place => denied.IsNamedBy(place.Scope)).Select(place => place.Database).ToHashSet();
                if (known.Count == 0) return Where(denied, reaching.Select(place => place.Database));
                reaching = [.. reaching.Where(place => known.Contains(place.Database))];
            }

            var now = clock.GetUtcNow();
            var mine = reaching.Where(place => policy.OfferedScopes(standing.Groups, place.Database, now).Contains(place.Scope.Name))
                .OrderBy(place => Reads(denied, place.Scope) ? 0 : 1).ThenBy(place => DeniedObject.SizeOf(place.Scope)).ToList();
            if (mine is not [var smallest, ..])
                return new ScopeSearch(What(denied, reaching.Select(place => place.Scope)), query.Database, null, Others(policy, reaching));

            var rule = policy.RuleFor(standing.Groups, smallest.Database, smallest.Scope.Name, now)!;
            return new ScopeSearch(
                What(denied, [smallest.Scope]), smallest.Database,
                new FoundScope(smallest.Database, smallest.Scope.Name, Gives(denied, smallest.Scope), rule.Lifetime.Default,
                    rule.Approval is { } approval ? ApprovalErrors.Words(approval.Stages) : null), null);
        }

        private static Error Where(DeniedObject denied, IEnumerable<DatabaseName> databases) => new("scope.which_database",
            $"On which database is {SqlNames.Write(denied.Name)}? Say it before the error, for example `/db-access " +
            $"{databases.First()} ERROR: permission denied for {denied.Name}`: {string.Join(", ", databases.Distinct().Take(15))}.");

        // Nobody said what was tried: reading is less than anything else.
        private static bool Reads(DeniedObject denied, PrivilegeScope scope) => denied.Wanted is not null || scope.RunAs is not null
            || denied.Rules(scope).Any(rule => rule.Allow.Contains(Privilege.Select) || rule.Allow.Contains(Privilege.Execute)
                || rule.Allow.Contains(Privilege.Usage));

        private static string What(DeniedObject denied, IEnumerable<PrivilegeScope> scopes)
        {
            var schemas = denied.Schema is { } known ? [known] :
                scopes.SelectMany(denied.Rules).Where(rule => !rule.On.SchemaIsPattern).Select(rule => rule.On.Schema)
                    .Distinct(StringComparer.Ordinal).ToList();
            return denied.Kind is not ObjectKind.Schema && schemas is [var schema]
                ? new TableName(schema, denied.Name).ToString() : SqlNames.Write(denied.Name);
        }

        private static string Gives(DeniedObject denied, PrivilegeScope scope) => scope.RunAs is { } owner
            ? $"acts as the owner {owner}" : string.Join("; ", denied.Rules(scope).Take(5));

        private static string? Others(AccessPolicy policy, IEnumerable<(DatabaseName Database, PrivilegeScope Scope)> reaching)
        {
            var said = reaching.OrderBy(place => DeniedObject.SizeOf(place.Scope))
                .Select(place => (place.Database, place.Scope, Rule: policy.Allow.FirstOrDefault(rule =>
                    rule.BreakGlass is null && rule.Subject.Covers(place.Database, place.Scope.Name))))
                .Where(place => place.Rule is not null).Take(3)
                .Select(place => $"{place.Scope.Name} on {place.Database} does, for {string.Join(", ", place.Rule!.Subject.Who)} " +
                    $"(rule {place.Rule.Id})").ToList();
            return said.Count == 0 ? null : string.Join("; ", said);
        }
    }
}
