using System.Globalization;
using System.Text;
using DbAccess.Domain.Evidence;

namespace DbAccess.Domain.Tests.Evidence;

/// <summary>The tree that is grown leaf by leaf is the one that the RFC defines.</summary>
public sealed class TreeHeadTests
{
    [Fact]
    public void Hashes_are_those_of_certificate_transparency()
    {
        // From the test vectors of certificate-transparency's merkle tree: leaves "", 00, 10, 20 21, 30 31, 40 41 42 43, …
        byte[][] leaves = [[], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
            [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            [0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f]];
        string[] roots =
        [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];

        var head = TreeHead.Empty;
        Assert.Equal(roots[0], Convert.ToHexStringLower(head.Root()));
        for (var i = 0; i < leaves.Length; i++)
        {
            head = head.Add(MerkleTree.LeafHash(leaves[i]));
            Assert.Equal((i + 1L, roots[i + 1]), (head.Size, Convert.ToHexStringLower(head.Root())));
        }
    }

    [Fact]
    public void Every_size_to_300_has_the_root_of_the_definition_and_comes_back_from_its_text()
    {
        var head = TreeHead.Empty;
        for (var size = 0; size <= 300; size++)
        {
            Assert.Equal(Naive.Root(0, size), head.Root());

            var text = head.Write();
            var read = TreeHead.Read(text)!;
            Assert.Equal((size, text), ((int)read.Size, read.Write()));
            Assert.Equal(head.Root(), read.Root());
            Assert.Equal(head.Add(Naive.Leaf(size)).Root(), read.Add(Naive.Leaf(size)).Root());

            head = head.Add(Naive.Leaf(size));
        }
    }

    [Fact]
    public void Adding_leaves_the_head_before_as_it_was()
    {
        var three = TreeHead.Empty.Add(Naive.Leaf(0)).Add(Naive.Leaf(1)).Add(Naive.Leaf(2));
        var before = three.Write();

        _ = three.Add(Naive.Leaf(3));
        three.Root()[0] ^= 1;

        Assert.Equal(before, three.Write());
        Assert.Equal(Naive.Root(0, 3), three.Root());
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("1")]
    [InlineData("0 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData("1 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa0")]
    [InlineData("1 6E340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData("1  6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData("9223372036854775808 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    public void What_is_no_head_is_not_read(string text) => Assert.Null(TreeHead.Read(text));
}

/// <summary>RFC 9162, section 2.1.1, word for word and as slow as that: what the rest is held against.</summary>
internal static class Naive
{
    private static readonly Dictionary<(int, int), byte[]> Roots = [];
    private static readonly Dictionary<int, byte[]> Leaves = [];

    public static byte[] Leaf(int i)
    {
        lock (Leaves)
        {
            if (Leaves.TryGetValue(i, out var known)) return known;
            return Leaves[i] = MerkleTree.LeafHash(Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>MTH(D[from:until]).</summary>
    public static byte[] Root(int from, int until)
    {
        lock (Roots)
        {
            if (Roots.TryGetValue((from, until), out var known)) return known;

            var n = until - from;
            return Roots[(from, until)] = n switch
            {
                0 => System.Security.Cryptography.SHA256.HashData([]),
                1 => Leaf(from),
                _ => System.Security.Cryptography.SHA256.HashData([1, .. Root(from, from + Split(n)), .. Root(from + Split(n), until)]),
            };
        }
    }

    /// <summary>The largest power of two smaller than n.</summary>
    public static int Split(int n)
    {
        var k = 1;
        while (k * 2 < n) k *= 2;
        return k;
    }
}
