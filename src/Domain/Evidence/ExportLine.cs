using System.Text;

namespace DbAccess.Domain.Evidence;

/// <summary>An event as it stands in an export: canonical JSON of the leaf, its hash, and what is shown of its sealed values.</summary>
public static class ExportLine
{
    /// <param name="leaf">Canonical JSON, see <see cref="EventBody.Leaf"/>.</param>
    /// <param name="open">Canonical JSON of the values that are shown; null when none is.</param>
    /// <param name="proof">In a pack: of its inclusion, from the leaf's sibling up.</param>
    /// <param name="hash">The leaf hash that is on record; null computes it.</param>
    /// <returns>One line, with its line feed.</returns>
    public static string Of(string leaf, string? open, IReadOnlyList<byte[]>? proof = null, byte[]? hash = null)
    {
        var line = new StringBuilder(leaf.Length + 128).Append("{\"hash\":\"")
            .Append(Convert.ToHexStringLower(hash ?? MerkleTree.LeafHash(CanonicalJson.Utf8(leaf)))).Append("\",\"leaf\":").Append(leaf);
        if (open is not null) line.Append(",\"open\":").Append(open);
        if (proof is not null)
        {
            line.Append(",\"proof\":");
            CanonicalJson.Append(line, [.. proof.Select(Convert.ToHexStringLower)]);
        }

        return line.Append("}\n").ToString();
    }
}
