namespace DbAccess.Application.Evidence.Pages;

/// <summary>Access by one thing it can be told apart by: person, database, scope, rule.</summary>
internal sealed class AccessTally(string by, ReportPeriod period)
{
    /// <summary>Names come from outside; what is beyond this is counted as one.</summary>
    private const int MostNames = 5_000;

    public const string Others = "(others)";

    private readonly Dictionary<string, AccessLine> _lines = new(StringComparer.Ordinal);

    public string By { get; } = by;

    public void Asked(string name) => Line(name).Asked++;

    public void Given(string name, DateTimeOffset at)
    {
        var line = Line(name);
        line.Given++;
        line.Parts[period.PartOf(at)]++;
    }

    public void Held(string name, TimeSpan length) => Line(name).Held += length;

    /// <summary>Those with the most access first.</summary>
    public List<AccessLine> Lines => [.. _lines.Values.OrderByDescending(line => line.Given).ThenByDescending(line => line.Held)
        .ThenByDescending(line => line.Asked).ThenBy(line => line.Name, StringComparer.Ordinal)];

    private AccessLine Line(string name)
    {
        if (_lines.TryGetValue(name, out var line)) return line;
        if (_lines.Count >= MostNames) name = Others;
        return _lines.TryGetValue(name, out line) ? line : _lines[name] = new AccessLine(name, new int[period.Count]);
    }
}

internal sealed class AccessLine(string name, int[] parts)
{
    public string Name { get; } = name;

    public int Asked { get; set; }

    public int Given { get; set; }

    /// <summary>How long it could be used inside the period, all grants together.</summary>
    public TimeSpan Held { get; set; }

    /// <summary>How many were given in each part of the period.</summary>
    public int[] Parts { get; } = parts;
}

/// <summary>The first so many by rank, and how many there were: a report has to end somewhere.</summary>
internal sealed class Kept<T>(int most)
{
    // The lowest rank comes out first, and is let go when there are too many.
    private readonly PriorityQueue<T, long> _kept = new();

    public long Total { get; private set; }

    public void Add(T one, long rank)
    {
        Total++;
        _kept.Enqueue(one, rank);
        if (_kept.Count > most) _kept.Dequeue();
    }

    /// <summary>The highest rank first.</summary>
    public List<T> All => [.. _kept.UnorderedItems.OrderByDescending(item => item.Priority).Select(item => item.Element)];
}
