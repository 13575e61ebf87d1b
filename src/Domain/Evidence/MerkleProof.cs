using System.Numerics;

namespace DbAccess.Domain.Evidence;

/// <summary>Checks proofs, step by step as RFC 9162 has it.</summary>
public static class MerkleProof
{
    /// <summary>Whether the leaf with this hash is leaf number <paramref name="place"/> of the tree (2.1.3.2).</summary>
    public static bool Includes(ReadOnlySpan<byte> leafHash, long place, long size, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> root)
    {
        if (place < 0 || place >= size) return false;

        var (fn, sn) = (place, size - 1);
        var hash = leafHash.ToArray();
        foreach (var node in proof)
        {
            if (sn == 0) return false;
            hash = IsRight(ref fn, ref sn) ? MerkleTree.NodeHash(node, hash) : MerkleTree.NodeHash(hash, node);
            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && root.SequenceEqual(hash);
    }

    /// <summary>Whether the tree begins with all leaves of the older one, in the same order (2.1.4.2).</summary>
    public static bool Continues(
        long olderSize, ReadOnlySpan<byte> olderRoot, long size, ReadOnlySpan<byte> root, IReadOnlyList<byte[]> proof)
    {
        if (olderSize < 0 || olderSize > size) return false;
        if (olderSize == size) return proof.Count == 0 && olderRoot.SequenceEqual(root);
        if (olderSize == 0) return proof.Count == 0 && olderRoot.SequenceEqual(MerkleTree.EmptyRoot);

        var nodes = BitOperations.IsPow2(olderSize) ? [olderRoot.ToArray(), .. proof] : proof;
        if (nodes.Count == 0) return false;

        var (fn, sn) = (olderSize - 1, size - 1);
        for (; (fn & 1) == 1; sn >>= 1) fn >>= 1;
        var (older, newer) = (nodes[0], nodes[0]);
        foreach (var node in nodes.Skip(1))
        {
            if (sn == 0) return false;
            if (IsRight(ref fn, ref sn)) (older, newer) = (MerkleTree.NodeHash(node, older), MerkleTree.NodeHash(node, newer));
            else newer = MerkleTree.NodeHash(newer, node);
            (fn, sn) = (fn >> 1, sn >> 1);
        }

        return sn == 0 && olderRoot.SequenceEqual(older) && root.SequenceEqual(newer);
    }

    /// <summary>
    /// Whether the next node of a proof stands left of what is known. At the right edge, levels that have no node there are passed over.
    /// </summary>
    private static bool IsRight(ref long fn, ref long sn)
    {
        if ((fn & 1) == 0 && fn != sn) return false;
        for (; (fn & 1) == 0 && fn != 0; sn >>= 1) fn >>= 1;
        return true;
    }
}
