using System.Globalization;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// Where an event stands: in the journal, by the hour and one of a few parts, and in it by its instant. So whoever gives events their place
/// reads the last minutes and nothing else, consistently, and recording one costs no more than its own item.
/// </summary>
/// <param name="Sk"><c>ms#grant#number</c>; of an attempt <c>ms#grant or -#A and a number of its own</c>.</param>
internal sealed record JournalKey(string Pk, string Sk)
{
    /// <summary>One part takes 1,000 writes a second. Changing it needs both sets read for an hour.</summary>
    private const int Parts = 4;

    public static JournalKey Of(GrantId grant, int number, DateTimeOffset at)
    {
        var ms = at.ToUnixTimeMilliseconds();
        return new(Hour(ms, DynamoTable.Part(grant.ToString(), Parts)), string.Create(CultureInfo.InvariantCulture,
            $"{ms:D13}#{grant}#{number:D6}"));
    }

    public static JournalKey Attempt(GrantId? grant, DateTimeOffset at)
    {
        var (ms, own) = (at.ToUnixTimeMilliseconds(), Guid.NewGuid().ToString("N"));
        return new(Hour(ms, DynamoTable.Part(own, Parts)), string.Create(CultureInfo.InvariantCulture,
            $"{ms:D13}#{grant?.ToString() ?? "-"}#A{own}"));
    }

    /// <summary>One that this product wrote; what has another was put there by hand, and could not even be written into a batch.</summary>
    public bool IsOurs => Sk.Length is > 13 and <= 200 && Sk.AsSpan(0, 13).IndexOfAnyExceptInRange('0', '9') < 0
        && Sk.Split('#') is [{ Length: 13 }, _, _, ..] && Sk.AsSpan().IndexOfAny("|\n") < 0;

    public long Milliseconds => long.Parse(Sk[..13], CultureInfo.InvariantCulture);

    /// <summary>The instant of an event as it stands in a batch; of what is none the beginning of time.</summary>
    public static long MillisecondsOf(string text) => text.Split('|') is [_, { Length: >= 13 } sk, ..]
        && long.TryParse(sk.AsSpan(0, 13), NumberStyles.None, CultureInfo.InvariantCulture, out var ms) ? ms : 0;

    public string Grant => Sk.Split('#')[1];

    /// <summary>As it stands in a batch.</summary>
    public override string ToString() => $"{Pk}|{Sk}";

    public static JournalKey Parse(string text) => text.Split('|') is [var pk, var sk] ? new(pk, sk) : throw new FormatException();

    /// <summary>All parts of every hour of that time.</summary>
    public static IEnumerable<string> Between(DateTimeOffset from, DateTimeOffset until)
    {
        for (var hour = from.UtcDateTime.Date.AddHours(from.UtcDateTime.Hour); hour <= until.UtcDateTime; hour = hour.AddHours(1))
        {
            for (var part = 0; part < Parts; part++)
                yield return Hour(new DateTimeOffset(hour, TimeSpan.Zero).ToUnixTimeMilliseconds(), part);
        }
    }

    private static string Hour(long ms, int part) => string.Create(CultureInfo.InvariantCulture,
        $"JOURNAL#{DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime:yyyy-MM-dd'T'HH}#{part}");
}

/// <summary>Events as items of the journal, to and from.</summary>
internal static class DynamoJournal
{
    public static Dictionary<string, AttributeValue> Item(JournalKey key, EventBody body, string write)
    {
        var item = DynamoTable.Key(key.Pk, key.Sk);
        item["body"] = DynamoItem.Text(body.Json);
        item["write_id"] = DynamoItem.Text(write);
        if (body.Open is null) return item;

        var (open, texts) = DynamoTexts.Shorten(body.Open);
        item.SetPacked("open", open);
        if (texts.Count > 0) item[DynamoTexts.Attribute] = DynamoItem.Text(string.Join(' ', texts));
        // The next kilobyte begins: what is left plain for people who read the table goes, too.
        if (DynamoItem.Size(item) > 1024 && item.Remove("body")) item.SetPacked("body", body.Json, worth: 0);
        return item;
    }

    public static JournalKey Key(Dictionary<string, AttributeValue> item) => new(item["pk"].S, item["sk"].S);

    /// <param name="texts">That know what it refers to (<see cref="DynamoTexts.ReadyAsync"/>).</param>
    public static EventBody? Body(Dictionary<string, AttributeValue>? item, DynamoTexts texts) => item?.PackedTextOf("body") is { } body
        ? new EventBody(body, item.PackedTextOf("open") is { } open ? texts.Whole(open) : null) : null;

    /// <summary>Of what is no event, with an empty body.</summary>
    public static UnplacedEvent Unplaced(Dictionary<string, AttributeValue> item, DynamoTexts texts) =>
        new(Key(item).ToString(), (Key(item).IsOurs ? Body(item, texts) : null) ?? new EventBody("", null));
}
