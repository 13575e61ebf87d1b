using System.Text.RegularExpressions;

namespace DbAccess.Deploy.Tests;

/// <summary>What docs/security.md promises is there: a test for each line, by its name.</summary>
public sealed partial class SecurityPageTests
{
    private static readonly string Page = Checkout.Read("docs", "security.md");

    [Fact]
    public void Every_line_of_what_was_tried_has_a_test()
    {
        string[] tried = [.. Enumerable.Range(1, 8).Select(n => $"A{n}"), .. Enumerable.Range(9, 8).Select(n => $"B{n}"), .. Enumerable.Range(17, 7).Select(n => $"C{n}"), .. Enumerable.Range(24, 23).Select(n => $"D{n}")];

        Assert.Equal(tried, Line().Matches(Page).Where(line => NamedTests.AnyIn(line.Value)).Select(line => line.Groups["key"].Value));
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        Assert.Empty(NamedTests.Missing(Page));
        Assert.Equal(["SecurityPageTests.There_is_no_such_test"], NamedTests.Missing("`SecurityPageTests.There_is_no_such_test`"));
    }

    /// <summary>An attack that is stopped is one that somebody plays.</summary>
    [Fact]
    public void What_is_marked_as_an_attack_is_played()
    {
        var attacks = Checkout.Read("tests", "Demo", "Attacks.cs");

        Assert.Contains("*attack*", Page, StringComparison.Ordinal);
        Assert.All((string[])["stranger on the network", "stranger with a login", "holder", "writer of the store", "somebody who left"], who => Assert.Contains($"\"{who}\"", attacks, StringComparison.Ordinal));
    }

    [Fact]
    public void There_is_one_order_of_installing_and_the_others_lead_to_it()
    {
        var steps = Checkout.Read("docs", "operating.md").Split("## Install, in this order")[1].Split("\n## ")[0];
        string[] order = ["dotnet publish", "make the administrator", "policy lint", "Create the Slack app", "Start it behind", "Event Subscriptions, press Retry", "doctor` says what is still wrong"];

        Assert.Equal(order.Select(step => steps.IndexOf(step, StringComparison.Ordinal)).Order(), order.Select(step => steps.IndexOf(step, StringComparison.Ordinal)));
        Assert.All(order, step => Assert.Contains(step, steps, StringComparison.Ordinal));
        Assert.Contains("Install, in this order", Checkout.Read("deploy", "slack", "manifest.yaml"), StringComparison.Ordinal);
        Assert.Contains("docs/operating.md", Checkout.Read("README.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_provider_and_what_is_compiled_are_locked()
    {
        var provider = Checkout.Read("deploy", "terraform", "examples", "complete", ".terraform.lock.hcl");

        Assert.Matches("hashicorp/aws\" \\{\\s+version     = \"5\\.", provider);
        // One for each platform that there is, and the one that is applied here.
        Assert.True(Checksum().Count(provider) >= 14);
        Assert.Contains("\"h1:", provider, StringComparison.Ordinal);
        Assert.Contains("dotnet restore src/Api --locked-mode -p:ReadyToRun=true && dotnet restore src/Functions --locked-mode", Checkout.Read("Dockerfile"), StringComparison.Ordinal);
        Assert.Contains("aot.packages.lock.json", Checkout.Read("scripts", "package-functions"), StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\| (?<key>[A-D]\d+) \|.*$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Line();

    [GeneratedRegex("\"zh:[0-9a-f]{64}\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Checksum();
}
