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

    public static LogEvent Attempt(string at, string action, string by, string subject, string outcome, string? trace) => new()
    {
        At = StoreTime.Parse(at), Type = "carried.attempt", By = Actor.Parse(by) ?? new Actor.Sweep(), Way = Way.Worker,
        Outcome = outcome, Trace = trace,
        What = [new Fact.Text("action", action), new Fact.Text("subject", subject), Carried],
    };
}
