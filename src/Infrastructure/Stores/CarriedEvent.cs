using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Stores;

/// <summary>What versions before the evidence log kept, as an event of it.</summary>
internal static class CarriedEvent
{
    private static readonly Fact Carried = new Fact.Flag("carried", true);

    /// <param name="state">The grant as it is now; null when it cannot be read.</param>
    public static LogEvent OfGrant(GrantId? id, GrantSnapshot? state, GrantEvent happened)
    {
        var carried = state is not null ? GrantFacts.Of(state, happened, Way.Worker, null) : new LogEvent
        {
            At = happened.At, Type = happened.Type, By = happened.By, Way = Way.Worker, Grant = id, Number = happened.Sequence,
            What =
            [
                new Fact.Text("to", happened.To.ToString()), .. happened.From is { } from ? [new Fact.Text("from", from.ToString())]
                    : Array.Empty<Fact>(),
                .. happened.Note is { Length: > 0 } note ? [new Fact.Sealed("note", note)] : Array.Empty<Fact>(),
            ],
        };
        return carried with { What = [.. carried.What, Carried] };
    }

    /// <summary>An event of a grant that cannot be read: kept word for word, without a number, since nobody can say whose it is.</summary>
    public static LogEvent Unreadable(string grant, int number, string type, string by, string? note) => new()
    {
        At = DateTimeOffset.UnixEpoch, Type = "carried.unreadable", By = Actor.Parse(by) ?? new Actor.Sweep(), Way = Way.Worker,
        What =
        [
            new Fact.Text("grant", grant), new Fact.Number("number", number), new Fact.Text("type", type), Carried,
            .. note is { Length: > 0 } ? [new Fact.Sealed("note", note)] : Array.Empty<Fact>(),
        ],
    };

    public static LogEvent Attempt(string at, string action, string by, string subject, string outcome, string? trace) => new()
    {
        At = StoreTime.TryParse(at) ?? DateTimeOffset.UnixEpoch, Type = "carried.attempt", By = Actor.Parse(by) ?? new Actor.Sweep(),
            Way = Way.Worker,
        Outcome = outcome, Trace = trace,
        What = [new Fact.Text("action", action), new Fact.Text("subject", subject), Carried],
    };
}
