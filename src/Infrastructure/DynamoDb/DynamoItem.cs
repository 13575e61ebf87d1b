using System.Globalization;
using System.Text;
using Amazon.DynamoDBv2.Model;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>Attribute values, to and from; and what an item weighs.</summary>
internal static class DynamoItem
{
    /// <summary>DynamoDB's limit for one item, names included.</summary>
    public const int Largest = 400 * 1024;

    public static AttributeValue Text(string value) => new() { S = value };

    public static AttributeValue Number(long value) => new() { N = value.ToString(CultureInfo.InvariantCulture) };

    public static AttributeValue Bytes(byte[] value) => new() { B = new MemoryStream(value) };

    /// <summary>
    /// Absence is an attribute that is not there: an index takes no notice of such an item, and that is what makes it sparse.
    /// </summary>
    public static void SetText(this Dictionary<string, AttributeValue> item, string name, string? value)
    {
        if (value is not null) item[name] = Text(value);
    }

    public static void SetNumber(this Dictionary<string, AttributeValue> item, string name, long? value)
    {
        if (value is { } number) item[name] = Number(number);
    }

    public static string? TextOf(this Dictionary<string, AttributeValue> item, string name) => item.GetValueOrDefault(name)?.S;

    public static long? NumberOf(this Dictionary<string, AttributeValue> item, string name) =>
        item.GetValueOrDefault(name)?.N is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    /// <summary>
    /// As DynamoDB counts it: names and values in UTF-8, a list three bytes and one for each element. Numbers are counted generously.
    /// </summary>
    public static int Size(Dictionary<string, AttributeValue> item) =>
        item.Sum(pair => Encoding.UTF8.GetByteCount(pair.Key) + Size(pair.Value));

    private static int Size(AttributeValue value) => value switch
    {
        { S: { } text } => Encoding.UTF8.GetByteCount(text),
        { N: { } number } => (number.Length / 2) + 2,
        { B: { } bytes } => (int)bytes.Length,
        { L: { } list } => 3 + list.Sum(one => 1 + Size(one)),
        _ => 1,
    };
}
