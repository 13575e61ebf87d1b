using System.Security.Cryptography;

namespace DbAccess.Domain.Evidence;

/// <summary>
/// The hashes of RFC 9162, section 2.1.1 (the same as RFC 6962): SHA-256, with a byte before it that keeps leaves and nodes apart.
/// </summary>
public static class MerkleTree
{
    public const int HashBytes = SHA256.HashSizeInBytes;

    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;

    /// <summary>Of the tree without a leaf: SHA-256 of nothing.</summary>
    public static byte[] EmptyRoot => SHA256.HashData([]);

    public static byte[] LeafHash(ReadOnlySpan<byte> leaf)
    {
        var hash = new byte[HashBytes];
        LeafHash(leaf, hash);
        return hash;
    }

    /// <summary>Writes the 32 bytes to the beginning of <paramref name="hash"/>.</summary>
    public static void LeafHash(ReadOnlySpan<byte> leaf, Span<byte> hash)
    {
        const int onStack = 2048;
        var prefixed = leaf.Length < onStack ? stackalloc byte[onStack] : new byte[leaf.Length + 1];
        prefixed[0] = LeafPrefix;
        leaf.CopyTo(prefixed[1..]);
        SHA256.HashData(prefixed[..(leaf.Length + 1)], hash);
    }

    public static byte[] NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != HashBytes || right.Length != HashBytes)
            throw new ArgumentException("A node is made of two hashes of 32 bytes.", nameof(left));
        Span<byte> both = stackalloc byte[1 + 2 * HashBytes];
        both[0] = NodePrefix;
        left.CopyTo(both[1..]);
        right.CopyTo(both[(1 + HashBytes)..]);
        return SHA256.HashData(both);
    }
}
