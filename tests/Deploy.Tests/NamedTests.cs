using System.Text.RegularExpressions;

namespace DbAccess.Deploy.Tests;

/// <summary>Tests that a document names, as <c>`Class.A_fact_of_the_domain`</c>.</summary>
internal static partial class NamedTests
{
    private static readonly Dictionary<string, string> Sources = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "tests"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).ToDictionary(file => file, File.ReadAllText, StringComparer.Ordinal);

    public static bool AnyIn(string text) => Name().IsMatch(text);

    /// <summary>Those that there are not.</summary>
    public static IReadOnlyList<string> Missing(string text) =>
        [.. Name().Matches(text).Where(name => !Exists(name.Groups["class"].Value, name.Groups["method"].Value)).Select(name => name.Value.Trim('`')).Distinct(StringComparer.Ordinal)];

    /// <summary>Tests of a contract stand in a class that others derive from.</summary>
    private static bool Exists(string type, string method) =>
        Sources.Values.Any(source => Regex.IsMatch(source, $@"\bclass {type}\b", RegexOptions.None, TimeSpan.FromSeconds(1)) && Regex.IsMatch(source, $@"\b(Task|void) {method}\(", RegexOptions.None, TimeSpan.FromSeconds(1)));

    [GeneratedRegex(@"`(?<class>[A-Z]\w+)\.(?<method>[A-Z][a-z]*_\w+)`", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Name();
}
