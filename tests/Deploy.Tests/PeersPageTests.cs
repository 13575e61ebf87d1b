using System.Text.RegularExpressions;

namespace DbAccess.Deploy.Tests;

/// <summary>What docs/peers.md says of DbAccess is shown: each yes and each partly has a test by its name, or a document.</summary>
public sealed partial class PeersPageTests
{
    private static readonly string Page = Checkout.Read("docs", "peers.md");

    /// <summary>Number and mark of each feature.</summary>
    private static readonly IReadOnlyList<(int Number, string Mark)> Marks =
        [.. Feature().Matches(Page).Select(row => (int.Parse(row.Groups["number"].Value), row.Groups["mark"].Value))];

    private static readonly Dictionary<int, string> Shown = Proof().Matches(Page).ToDictionary(row => int.Parse(row.Groups["number"].Value), row => row.Groups["by"].Value);

    [Fact]
    public void Every_mark_that_is_no_no_is_shown_and_nothing_else_is()
    {
        Assert.Equal(Enumerable.Range(1, 38), Marks.Select(row => row.Number));
        Assert.Equal(Marks.Where(row => row.Mark != "N").Select(row => row.Number), Shown.Keys.Order());
        Assert.All(Shown.Values, by => Assert.True(NamedTests.AnyIn(by) || Document().IsMatch(by), $"Neither a test nor a document: {by}"));
    }

    [Fact]
    public void Every_test_and_document_that_is_named_exists()
    {
        Assert.Empty(NamedTests.Missing(Page));
        Assert.All(Document().Matches(Page), link => Assert.True(File.Exists(Path.Combine(Checkout.Root, "docs", link.Groups["file"].Value)), link.Value));
    }

    [GeneratedRegex(@"^\| (?<number>\d+) \| ([^|\n]+ \| ){9}\*\*(?<mark>[^*]+)\*\* \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Feature();

    [GeneratedRegex(@"^\| (?<number>\d+) \| (?<by>[^|\n]+) \|$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Proof();

    [GeneratedRegex(@"\]\((?<file>[a-z0-9-]+\.md)\)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Document();
}
