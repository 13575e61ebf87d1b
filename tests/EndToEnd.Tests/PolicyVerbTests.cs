using System.Security.Cryptography;
using System.Text;
using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>What the command line says about a policy beside a running system.</summary>
public sealed class PolicyVerbTests
{
    [Fact]
    public async Task A_policy_is_held_against_the_databases_Slack_and_the_record()
    {
        House.RequirePostgres();
        var policy = string.Join('\n', OpenHouse.Text.Split('\n').Where(line => !line.Contains("archive", StringComparison.Ordinal)));
        await using var it = await House.OpenAsync(policy);
        var id = await it.AskAsync(SlackUser.Erin, "orders read 30s because it is to be on record");
        await it.CredentialAsync(SlackUser.Erin, id);
        var stricter = Path.Combine(it.Data, "stricter.yaml");
        await File.WriteAllTextAsync(stricter, policy.Replace("default: 20s, max: 4h", "default: 10s, max: 20s", StringComparison.Ordinal)
            .Replace("table public.orders\", allow: [select]", "tables public.orders_old_*\", allow: [select]", StringComparison.Ordinal), TestContext.Current.CancellationToken);

        var replayed = await RunAsync(it, "policy", "replay", stricter, "--since", "1h");
        Assert.StartsWith($"{id} allowed by all-read → refused by all-read: policy.too_long: ", replayed, StringComparison.Ordinal);
        Assert.Single(replayed.Trim().Split('\n'));

        var linted = await RunAsync(it, "policy", "lint", stricter, "--live");
        Assert.Contains("warning: peek on orders: 'tables public.orders_old_*' names nothing in database orders", linted, StringComparison.Ordinal);
        Assert.DoesNotContain("warning: read on orders", linted, StringComparison.Ordinal);

        var explained = await RunAsync(it, "policy", "explain", "--as", SlackUser.Erin, "orders", "read", "30s", "because", "x");
        Assert.StartsWith("allowed read on orders for 30s by rule all-read", explained, StringComparison.Ordinal);
        explained = await RunAsync(it, "policy", "explain", "--as", SlackUser.Erin, "orders read 30s because x", "--policy", stricter);
        Assert.StartsWith("refused with policy.too_long: ", explained, StringComparison.Ordinal);

        string kept = "";
        await Patience.UntilAsync(async () => (kept = await RunAsync(it, "policy", "history")).Length > 0, "the policy in force is kept");
        var hash = kept.Split(' ')[0];
        var text = await RunAsync(it, "policy", "show", hash[..8]);
        Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
        Assert.Equal(await File.ReadAllTextAsync(it.Settings()["Policy:Path"], TestContext.Current.CancellationToken), text);
    }

    private static async Task<string> RunAsync(DemoSystem it, params string[] arguments)
    {
        var (exit, output, error) = await DbAccessProcess.RunAsync(arguments, it.Settings(), it.Data);
        Assert.True(exit == 0, $"{exit}: {output} {error}");
        return output;
    }
}
