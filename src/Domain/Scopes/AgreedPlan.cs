using System.Globalization;
using System.Text;

namespace DbAccess.Domain.Scopes;

/// <summary>
/// A plan as approvers are shown it and agree to it: enough to say later, without the databases as they were, whether something gives more.
/// </summary>
/// <param name="Hash">Of <see cref="PrivilegePlan.Hash"/>.</param>
/// <param name="Summary">In one line.</param>
/// <param name="Words">For people: one line for each thing, with its size; the first few, and how many more.</param>
/// <param name="Gives">
/// One entry for each privilege on each thing or column; null when there are too many to be kept. Then any other hash counts as more.
/// </param>
public sealed record AgreedPlan(string Hash, string Summary, IReadOnlyList<string> Words, IReadOnlyList<string>? Gives)
{
    /// <summary>A grant is one item of a store, which must hold it: of DynamoDB 400 kB.</summary>
    private const int MostKept = 400;

    private const int MostWords = 8;

    // Up to three such lists are kept with a grant (asked, offered, grown), and names are long and escaped at times.
    private const int MostBytes = 40_000;
    private const int LongestWord = 200;

    public static AgreedPlan Of(PrivilegePlan plan)
    {
        var things = plan.Objects.Where(thing => thing.Kind is not ("database" or "schema")).ToList();
        List<string> words = [.. things.Take(MostWords).Select(PrivilegePlan.Describe)];
        if (things.Count > MostWords)
            words.Add(string.Create(CultureInfo.InvariantCulture, $"and {things.Count - MostWords:N0} more"));
        words.AddRange(plan.Later.Where(later => later.Privileges.Count > 0).Take(MostWords).Select(later =>
            $"{string.Join(", ", later.Privileges)} on {later.Kind} that {later.Owner} makes later in {later.Schema}"));
        if (plan.Public.Count > 0)
            words.Add(string.Create(CultureInfo.InvariantCulture,
                $"besides, what everybody has there anyway: {plan.Public.Count:N0} privilege{(plan.Public.Count == 1 ? "" : "s")}"));

        return new AgreedPlan(plan.Hash, plan.Summary, [.. words.Select(line => Show.Text(line, LongestWord))], GivesOf(plan));
    }

    /// <summary>As of <see cref="Gives"/>.</summary>
    internal static IReadOnlyList<string>? GivesOf(PrivilegePlan plan) => Bounded(Entries(plan));

    /// <summary>In order, each once; null when that is more than is kept.</summary>
    internal static IReadOnlyList<string>? Bounded(IEnumerable<string> entries)
    {
        var gives = entries.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(MostKept + 1).ToList();
        return gives.Count > MostKept || gives.Sum(Encoding.UTF8.GetByteCount) > MostBytes ? null : gives;
    }

    /// <summary>
    /// What <paramref name="now"/> gives beyond this one, in words; empty when it is the same or less. A privilege on a column is none
    /// beyond the same privilege on the whole.
    /// </summary>
    public IReadOnlyList<string> MoreIn(AgreedPlan now)
    {
        if (now.Hash == Hash) return [];
        if (Gives is null || now.Gives is null) return [$"{now.Summary} instead of {Summary}"];

        var had = Gives.ToHashSet(StringComparer.Ordinal);
        return [.. now.Gives.Where(entry => !had.Contains(entry) && !had.Contains(OfTheWhole(entry)))];
    }

    private static IEnumerable<string> Entries(PrivilegePlan plan)
    {
        if (plan.RunAs is { } owner) yield return $"acts as {owner}";
        foreach (var thing in plan.Objects)
        {
            var on = $"{thing.Kind} {thing.Name} in {thing.Database}";
            foreach (var privilege in thing.Privileges) yield return $"{privilege} on {on}";
            foreach (var (privilege, columns) in thing.Columns)
            {
                foreach (var column in columns) yield return $"{privilege} ({column}) on {on}";
            }
        }

        foreach (var later in plan.Later)
        {
            foreach (var privilege in later.Privileges)
                yield return $"{privilege} on {later.Kind} that {later.Owner} makes later in {later.Schema} in {later.Database}";
        }
    }

    private static string OfTheWhole(string entry)
    {
        var (open, close) = (entry.IndexOf(" (", StringComparison.Ordinal), entry.IndexOf(") on ", StringComparison.Ordinal));
        return open > 0 && close > open ? entry[..open] + entry[(close + 1)..] : entry;
    }
}
