using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Reads lines of an export (or of a pack, whose lines have a proof) and judges all of a line that needs no other line. Not for two
/// threads at once.
/// </summary>
internal sealed class EventLineReader(bool withProof)
{
    private const int HexOfHash = 2 * MerkleTree.HashBytes;
    private const int SaltBytes = 16;

    // Sorted, as they have to stand. What an event cannot be without is marked.
    private static readonly (byte[] Name, bool Needed)[] LeafNames =
    [
        ("actor"u8.ToArray(), true), ("at"u8.ToArray(), true), ("grant"u8.ToArray(), false), ("n"u8.ToArray(), false),
        ("outcome"u8.ToArray(), false), ("plan"u8.ToArray(), false), ("policy"u8.ToArray(), false), ("rule"u8.ToArray(), false),
        ("seq"u8.ToArray(), true), ("trace"u8.ToArray(), false), ("type"u8.ToArray(), true), ("v"u8.ToArray(), true),
        ("way"u8.ToArray(), true), ("what"u8.ToArray(), true),
    ];

    /// <summary>The statuses in which a grant is over.</summary>
    internal static readonly HashSet<string> Ends = new(["Ended", "Denied", "Cancelled", "Lapsed", "Failed"], StringComparer.Ordinal);

    // The sealed values of the present line: where their names and hashes stand in it.
    private readonly List<(Range Name, Range Hash)> _sealed = [];

    public EventLine Read(ReadOnlySpan<byte> line)
    {
        var (form, name) = CanonicalLine.Judge(line);
        if (form is not LineForm.Canonical) return new EventLine { Form = form, Name = name };

        var read = new EventLine();
        _sealed.Clear();
        var reader = new Utf8JsonReader(line);
        return Take(ref reader, JsonTokenType.StartObject) && Line(ref reader, line, read)
            ? read
            : new EventLine { Form = LineForm.NotAnEvent };
    }

    private bool Line(ref Utf8JsonReader reader, ReadOnlySpan<byte> line, EventLine read)
    {
        if (!TakeName(ref reader, "hash"u8) || !TakeHex(ref reader, HexOfHash)) return false;
        Span<byte> beside = stackalloc byte[MerkleTree.HashBytes];
        Bytes(reader.ValueSpan, beside);

        if (!TakeName(ref reader, "leaf"u8) || !Take(ref reader, JsonTokenType.StartObject)) return false;
        var from = (int)reader.TokenStartIndex;
        if (!Leaf(ref reader, read)) return false;
        read.LeafHash = MerkleTree.LeafHash(line[from..(int)reader.BytesConsumed]);
        read.HasItsHash = beside.SequenceEqual(read.LeafHash);

        reader.Read();
        if (reader.TokenType is JsonTokenType.PropertyName && reader.ValueTextEquals("open"u8))
        {
            if (!Take(ref reader, JsonTokenType.StartObject) || !Open(ref reader, line, read)) return false;
            reader.Read();
        }

        if (!withProof) return reader.TokenType is JsonTokenType.EndObject;
        return reader.TokenType is JsonTokenType.PropertyName && reader.ValueTextEquals("proof"u8) && Proof(ref reader, read)
            && Take(ref reader, JsonTokenType.EndObject);
    }

    private bool Leaf(ref Utf8JsonReader reader, EventLine read)
    {
        var next = 0;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            while (next < LeafNames.Length && !reader.ValueTextEquals(LeafNames[next].Name))
                if (LeafNames[next++].Needed) return false;
            if (next == LeafNames.Length || !LeafValue(ref reader, next++, read)) return false;
        }

        return next == LeafNames.Length && (read.Number == 0 || read.Grant is not null);
    }

    private bool LeafValue(ref Utf8JsonReader reader, int which, EventLine read)
    {
        reader.Read();
        switch (which)
        {
            case 3:
                read.Number = Number(ref reader) ?? 0;
                return read.Number > 0;
            case 8:
                read.Place = Number(ref reader) ?? -1;
                return read.Place >= 0;
            case 11:
                return Number(ref reader) == 1;
            case 13:
                return reader.TokenType is JsonTokenType.StartObject && What(ref reader, read);
        }

        if (reader.TokenType is not JsonTokenType.String) return false;
        if (which == 2) read.Grant = reader.GetString();
        if (which != 10) return true;
        read.BringsKey = reader.ValueTextEquals("audit.key"u8);
        read.BeginsLog = reader.ValueTextEquals("audit.begun"u8);
        return true;
    }

    private bool What(ref Utf8JsonReader reader, EventLine read)
    {
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var name = Inside(ref reader);
            var (isTo, isCarried) = (reader.ValueTextEquals("to"u8), reader.ValueTextEquals("carried"u8));
            var isWanted = reader.ValueTextEquals("key"u8) && read.BringsKey || reader.ValueTextEquals("origin"u8) && read.BeginsLog;
            reader.Read();
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    if (isTo) read.IsEnd = Ends.Contains(reader.GetString()!);
                    if (isWanted) read.KeyOrOrigin = reader.GetString();
                    break;
                case JsonTokenType.True:
                    read.IsCarried |= isCarried;
                    break;
                case JsonTokenType.False or JsonTokenType.Number:
                    break;
                case JsonTokenType.StartArray:
                    while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
                        if (reader.TokenType is not JsonTokenType.String) return false;
                    break;
                case JsonTokenType.StartObject:
                    if (!TakeName(ref reader, "sha256"u8) || !TakeHex(ref reader, HexOfHash)) return false;
                    _sealed.Add((name, Inside(ref reader)));
                    if (!Take(ref reader, JsonTokenType.EndObject)) return false;
                    break;
                default:
                    return false;
            }
        }

        read.SealedValues = _sealed.Count;
        return true;
    }

    private bool Open(ref Utf8JsonReader reader, ReadOnlySpan<byte> line, EventLine read)
    {
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var name = reader.ValueSpan;
            if (!Take(ref reader, JsonTokenType.StartObject)) return false;
            if (!TakeName(ref reader, "salt"u8) || !TakeHex(ref reader, 2 * SaltBytes)) return false;
            var salt = reader.ValueSpan;
            if (!TakeName(ref reader, "value"u8) || !Take(ref reader, JsonTokenType.String)) return false;
            if (!Fits(name, salt, ref reader, line)) read.NotAsRecorded ??= Encoding.ASCII.GetString(name);
            if (!Take(ref reader, JsonTokenType.EndObject)) return false;
            read.ShownValues++;
        }

        return read.ShownValues > 0;
    }

    private bool Fits(ReadOnlySpan<byte> name, ReadOnlySpan<byte> salt, ref Utf8JsonReader reader, ReadOnlySpan<byte> line)
    {
        foreach (var (itsName, itsHash) in _sealed)
        {
            if (!line[itsName].SequenceEqual(name)) continue;

            var salted = ArrayPool<byte>.Shared.Rent(SaltBytes + reader.ValueSpan.Length);
            Bytes(salt, salted.AsSpan(0, SaltBytes));
            var length = reader.CopyString(salted.AsSpan(SaltBytes));
            Span<byte> recorded = stackalloc byte[MerkleTree.HashBytes], hash = stackalloc byte[MerkleTree.HashBytes];
            SHA256.HashData(salted.AsSpan(0, SaltBytes + length), hash);
            ArrayPool<byte>.Shared.Return(salted, clearArray: true);
            Bytes(line[itsHash], recorded);
            return recorded.SequenceEqual(hash);
        }

        return false;
    }

    private static bool Proof(ref Utf8JsonReader reader, EventLine read)
    {
        if (!Take(ref reader, JsonTokenType.StartArray)) return false;
        var proof = new List<byte[]>();
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
        {
            if (!IsHex(ref reader, HexOfHash)) return false;
            var node = new byte[MerkleTree.HashBytes];
            Bytes(reader.ValueSpan, node);
            proof.Add(node);
        }

        read.Proof = proof;
        return true;
    }

    private static Range Inside(ref Utf8JsonReader reader) =>
        ((int)reader.TokenStartIndex + 1)..((int)reader.TokenStartIndex + 1 + reader.ValueSpan.Length);

    private static bool Take(ref Utf8JsonReader reader, JsonTokenType token) => reader.Read() && reader.TokenType == token;

    private static bool TakeName(ref Utf8JsonReader reader, ReadOnlySpan<byte> name) =>
        Take(ref reader, JsonTokenType.PropertyName) && reader.ValueTextEquals(name);

    private static bool TakeHex(ref Utf8JsonReader reader, int digits) => reader.Read() && IsHex(ref reader, digits);

    private static bool IsHex(ref Utf8JsonReader reader, int digits) =>
        reader.TokenType is JsonTokenType.String && reader.ValueSpan.Length == digits
        && reader.ValueSpan.IndexOfAnyExcept(HexDigits) < 0;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);

    private static void Bytes(ReadOnlySpan<byte> hex, Span<byte> bytes) => Convert.FromHexString(hex, bytes, out _, out _);

    private static long? Number(ref Utf8JsonReader reader) => reader.TokenType is JsonTokenType.Number ? reader.GetInt64() : null;
}
