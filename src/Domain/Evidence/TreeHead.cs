using System.Globalization;
using System.Numerics;

namespace DbAccess.Domain.Evidence;

/// <summary>
/// What has to be kept of a tree to go on with it: its size, and the root of each complete subtree it consists of, the largest first
/// (a <em>compact range</em>; at most 63 hashes). Never changed: adding gives another one, so that what was not saved can be done again.
/// </summary>
public sealed class TreeHead
{
    private readonly byte[][] _peaks;

    private TreeHead(long size, byte[][] peaks) => (Size, _peaks) = (size, peaks);

    public static TreeHead Empty { get; } = new(0, []);

    /// <summary>How many leaves there are; also the place of the next one.</summary>
    public long Size { get; }

    public TreeHead Add(ReadOnlySpan<byte> leafHash)
    {
        if (leafHash.Length != MerkleTree.HashBytes) throw new ArgumentException("A leaf hash has 32 bytes.", nameof(leafHash));

        // Each one at the end of the size's binary form is a subtree that is full now, together with its right neighbour.
        var full = BitOperations.TrailingZeroCount(~Size);
        var node = leafHash.ToArray();
        for (var i = 1; i <= full; i++) node = MerkleTree.NodeHash(_peaks[^i], node);
        return new TreeHead(Size + 1, [.. _peaks.AsSpan(0, _peaks.Length - full), node]);
    }

    public byte[] Root()
    {
        if (_peaks.Length == 0) return MerkleTree.EmptyRoot;

        var root = _peaks[^1];
        for (var i = _peaks.Length - 2; i >= 0; i--) root = MerkleTree.NodeHash(_peaks[i], root);
        return [.. root];
    }

    /// <summary>To be kept in a store: the size and the peaks in hex, with a space between them.</summary>
    public string Write() =>
        string.Join(' ', _peaks.Select(Convert.ToHexStringLower).Prepend(Size.ToString(CultureInfo.InvariantCulture)));

    /// <summary>What <see cref="Write"/> wrote; null when it is anything else.</summary>
    public static TreeHead? Read(string text)
    {
        var words = text.Split(' ');
        if (!long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var size)) return null;
        if (words.Length - 1 != BitOperations.PopCount((ulong)size)) return null;
        if (words.Skip(1).Any(peak => peak.Length != 2 * MerkleTree.HashBytes || !peak.All(char.IsAsciiHexDigitLower))) return null;

        return new TreeHead(size, [.. words.Skip(1).Select(Convert.FromHexString)]);
    }
}
