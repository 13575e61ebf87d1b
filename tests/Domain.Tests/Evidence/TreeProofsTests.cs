using DbAccess.Domain.Evidence;

namespace DbAccess.Domain.Tests.Evidence;

/// <summary>All sizes from 0 to 300: proofs are those of the RFC's recursive definitions, and are accepted; anything else is not.</summary>
public sealed class TreeProofsTests
{
    private const int Largest = 300;

    [Fact]
    public void Every_leaf_of_every_tree_is_proved_with_the_hashes_of_the_definition()
    {
        for (var size = 1; size <= Largest; size++)
        {
            var proofs = Made(size, Enumerable.Range(0, size), []);
            var root = Naive.Root(0, size);
            for (var leaf = 0; leaf < size; leaf++)
            {
                var proof = proofs.Inclusion(leaf);
                AssertSame(Path(leaf, 0, size), proof);
                Assert.True(MerkleProof.Includes(Naive.Leaf(leaf), leaf, size, proof, root));
                Assert.False(MerkleProof.Includes(Naive.Leaf(leaf + 1), leaf, size, proof, root));
            }
        }
    }

    [Fact]
    public void Every_tree_is_proved_to_continue_every_older_one()
    {
        for (var size = 0; size <= Largest; size++)
        {
            var proofs = Made(size, [], Enumerable.Range(0, size + 1));
            for (var older = 0; older <= size; older++)
            {
                var proof = proofs.Consistency(older);
                AssertSame(older == 0 ? [] : Subproof(older, 0, size, true), proof);
                Assert.True(MerkleProof.Continues(older, Naive.Root(0, older), size, Naive.Root(0, size), proof));
                if (older == 0) continue;
                Assert.False(MerkleProof.Continues(older, Naive.Root(1, older + 1), size, Naive.Root(0, size), proof));
                Assert.False(MerkleProof.Continues(older, Naive.Root(0, older), size, Naive.Root(1, size + 1), proof));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(13)]
    [InlineData(64)]
    [InlineData(65)]
    public void A_proof_with_one_hash_changed_missing_or_too_many_proves_nothing(int size)
    {
        var proofs = Made(size, Enumerable.Range(0, size), Enumerable.Range(0, size + 1));
        var root = Naive.Root(0, size);
        for (var leaf = 0; leaf < size; leaf++)
        {
            var (place, hash) = (leaf, Naive.Leaf(leaf));
            Assert.All(Spoiled(proofs.Inclusion(leaf)), proof => Assert.False(MerkleProof.Includes(hash, place, size, proof, root)));
            foreach (var other in Enumerable.Range(-1, size + 2).Where(other => other != place))
                Assert.False(MerkleProof.Includes(hash, other, size, proofs.Inclusion(leaf), root));
        }

        for (var older = 0; older <= size; older++)
        {
            var (from, before) = (older, Naive.Root(0, older));
            Assert.All(Spoiled(proofs.Consistency(older)), proof => Assert.False(MerkleProof.Continues(from, before, size, root, proof)));
        }
    }

    [Fact]
    public void Proofs_are_only_there_when_the_tree_is_complete_and_for_what_was_asked()
    {
        var proofs = new TreeProofs(3, [1], []);
        proofs.Add(Naive.Leaf(0));
        proofs.Add(Naive.Leaf(1));
        Assert.Throws<InvalidOperationException>(() => proofs.Inclusion(1));

        proofs.Add(Naive.Leaf(2));
        Assert.Equal([Naive.Leaf(0), Naive.Leaf(2)], proofs.Inclusion(1));
        Assert.Throws<InvalidOperationException>(() => proofs.Inclusion(2));
        Assert.Throws<InvalidOperationException>(() => proofs.Add(Naive.Leaf(3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TreeProofs(3, [3], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TreeProofs(3, [], [4]));
    }

    // Assert.Equal on half a million arrays takes longer than all the proofs.
    private static void AssertSame(List<byte[]> expected, IReadOnlyList<byte[]> actual)
    {
        if (expected.Count != actual.Count || !expected.Zip(actual).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)))
            Assert.Equal(expected, actual);
    }

    private static TreeProofs Made(int size, IEnumerable<int> leaves, IEnumerable<int> olderSizes)
    {
        var proofs = new TreeProofs(size, leaves.Select(leaf => (long)leaf), olderSizes.Select(older => (long)older));
        for (var i = 0; i < size; i++) proofs.Add(Naive.Leaf(i));
        return proofs;
    }

    private static IEnumerable<IReadOnlyList<byte[]>> Spoiled(IReadOnlyList<byte[]> proof)
    {
        yield return [.. proof, new byte[MerkleTree.HashBytes]];
        yield return [new byte[MerkleTree.HashBytes], .. proof];
        for (var i = 0; i < proof.Count; i++)
        {
            yield return [.. proof.Take(i), .. proof.Skip(i + 1)];
            yield return [.. proof.Take(i), [.. proof[i].Take(31), (byte)(proof[i][31] ^ 1)], .. proof.Skip(i + 1)];
        }
    }

    /// <summary>RFC 9162, 2.1.3.1: PATH(m, D[from:until]).</summary>
    private static List<byte[]> Path(int m, int from, int until)
    {
        if (until - from == 1) return [];
        var k = Naive.Split(until - from);
        return m < k
            ? [.. Path(m, from, from + k), Naive.Root(from + k, until)]
            : [.. Path(m - k, from + k, until), Naive.Root(from, from + k)];
    }

    /// <summary>RFC 9162, 2.1.4.1: SUBPROOF(m, D[from:until], b).</summary>
    private static List<byte[]> Subproof(int m, int from, int until, bool b)
    {
        var n = until - from;
        if (m == n) return b ? [] : [Naive.Root(from, until)];
        var k = Naive.Split(n);
        return m <= k
            ? [.. Subproof(m, from, from + k, b), Naive.Root(from + k, until)]
            : [.. Subproof(m - k, from + k, until, false), Naive.Root(from, from + k)];
    }
}
