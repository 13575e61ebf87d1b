using System.Numerics;

namespace DbAccess.Domain.Evidence;

/// <summary>
/// Makes the proofs for any number of leaves and of older trees in one pass over the leaf hashes of a tree (RFC 9162, 2.1.3.1 and 2.1.4.1).
/// It holds the hashes that those proofs consist of, and nothing else of the tree.
/// </summary>
public sealed class TreeProofs
{
    // Each node that is asked for, by the leaves below it: from the first up to, not including, the second.
    private readonly Dictionary<(long From, long Until), byte[]?> _nodes = [];

    // The complete subtrees so far, the largest first.
    private readonly Stack<byte[]> _peaks = new();

    /// <param name="size">Of the tree that the proofs lead to.</param>
    /// <param name="leaves">Places below <paramref name="size"/> whose inclusion is to be proved.</param>
    /// <param name="olderSizes">From 0 to <paramref name="size"/>: trees of which it is to be proved that this one continues them.</param>
    public TreeProofs(long size, IEnumerable<long> leaves, IEnumerable<long> olderSizes)
    {
        Size = size;
        var nodes = leaves.SelectMany(leaf => Path(leaf, size)).Concat(olderSizes.SelectMany(older => Proof(older, size)));
        foreach (var node in nodes) _nodes.TryAdd(node, null);
    }

    public long Size { get; }

    /// <summary>How many leaf hashes it has been given; the proofs are there when they are <see cref="Size"/>.</summary>
    public long Added { get; private set; }

    public void Add(ReadOnlySpan<byte> leafHash)
    {
        if (Added == Size) throw new InvalidOperationException($"The tree has {Size} leaves.");

        var (node, from, until) = (leafHash.ToArray(), Added, Added + 1);
        Keep(from, until, node);
        for (var full = BitOperations.TrailingZeroCount(~Added); full > 0; full--)
        {
            node = MerkleTree.NodeHash(_peaks.Pop(), node);
            from -= until - from;
            Keep(from, until, node);
        }

        _peaks.Push(node);
        if (++Added == Size) KeepRightEdge();
    }

    /// <summary>From the leaf's sibling up.</summary>
    public IReadOnlyList<byte[]> Inclusion(long leaf) => [.. Path(leaf, Size).Select(Known)];

    public IReadOnlyList<byte[]> Consistency(long olderSize) => [.. Proof(olderSize, Size).Select(Known)];

    private byte[] Known((long, long) node) =>
        _nodes.GetValueOrDefault(node) ?? throw new InvalidOperationException("It was not asked for, or the tree is not complete yet.");

    private void Keep(long from, long until, byte[] node)
    {
        if (_nodes.ContainsKey((from, until))) _nodes[(from, until)] = node;
    }

    /// <summary>The nodes that end with the last leaf and are no complete subtree are made of the last of the peaks.</summary>
    private void KeepRightEdge()
    {
        byte[]? node = null;
        var from = Size;
        foreach (var peak in _peaks)
        {
            from -= 1L << BitOperations.TrailingZeroCount(from);
            node = node is null ? peak : MerkleTree.NodeHash(peak, node);
            Keep(from, Size, node);
        }
    }

    /// <summary>PATH(m, D[n]).</summary>
    private static List<(long From, long Until)> Path(long leaf, long size)
    {
        if (leaf < 0 || leaf >= size) throw new ArgumentOutOfRangeException(nameof(leaf), leaf, $"The tree has {size} leaves.");

        var path = new List<(long, long)>();
        var (from, until) = (0L, size);
        while (until - from > 1)
        {
            var middle = from + Split(until - from);
            path.Add(leaf < middle ? (middle, until) : (from, middle));
            (from, until) = leaf < middle ? (from, middle) : (middle, until);
        }

        path.Reverse();
        return path;
    }

    /// <summary>PROOF(m, D[n]); empty for the whole tree and for the empty one, where there is nothing to prove.</summary>
    private static List<(long From, long Until)> Proof(long older, long size)
    {
        if (older < 0 || older > size) throw new ArgumentOutOfRangeException(nameof(older), older, $"The tree has {size} leaves.");
        if (older == 0 || older == size) return [];

        var proof = new List<(long, long)>();
        var (from, until) = (0L, size);
        while (until != older)
        {
            var middle = from + Split(until - from);
            proof.Add(older <= middle ? (middle, until) : (from, middle));
            (from, until) = older <= middle ? (from, middle) : (middle, until);
        }

        // The older tree's root is known to whoever verifies, where it is a node of this one.
        if (from > 0) proof.Add((from, until));
        proof.Reverse();
        return proof;
    }

    /// <summary>The largest power of two below n.</summary>
    private static long Split(long n) => 1L << BitOperations.Log2((ulong)(n - 1));
}
