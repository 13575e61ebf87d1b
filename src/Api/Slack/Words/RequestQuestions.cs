using DbAccess.Application.Grants;

namespace DbAccess.Api.Slack.Words;

/// <summary>What is asked back when a request cannot be understood. Pure.</summary>
internal static class RequestQuestions
{
    public static Intent.Misread BadLength(string typed) =>
        new($"{Typed.Quoted(typed)} is not a length I can use. Lengths look like 45s, 30m, 2h, 1h30m or 1d.");

    public static Intent.Misread UnknownName(string typed, string? database, string? scope, Offers offers)
    {
        if (database is null)
        {
            var names = offers.Databases.Select(offer => offer.Database.Value).ToList();
            var there = names.Count == 0 ? "There is nothing you can ask for here." : $"Databases you can ask for: {List(names)}.";
            return new($"I know no database or scope called {Typed.Quoted(typed)}. {there} `/db-access` alone opens a form.");
        }

        if (scope is not null)
            return new($"I do not understand {Typed.Quoted(typed)}. Give a length such as 30m, 2h or 1d, then the reason: `/db-access " +
                $"{database} {scope} 30m because …`.");

        var scopes = offers.Databases.FirstOrDefault(offer => offer.Database.Value == database)?.Scopes
            .Select(offer => offer.Scope.Value).ToList() ?? [];
        var on = scopes.Count == 0
            ? $"There is nothing on {database} that you can ask for." : $"On {database} you can ask for: {List(scopes)}.";
        return new($"I know no scope called {Typed.Quoted(typed)}. {on}");
    }

    private static string List(IReadOnlyList<string> names) => string.Join(", ", names.Take(15)) + (names.Count > 15 ? ", …" : "");
}
