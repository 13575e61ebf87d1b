using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Postgres;

// A class for each kind, so that their waits run beside each other.
namespace DbAccess.EndToEnd.Tests;

/// <summary>The story, and what the schedule does alone.</summary>
public sealed class AwsStoryTests
{
    [Fact]
    public async Task The_story_is_the_same_with_grants_in_DynamoDB_and_roles_made_and_removed_by_functions()
    {
        await using var it = await AwsHouse.OpenAsync();
        await using var said = new StringWriter();

        Assert.True(await Smoke.PlayAsync(it, said, TimeSpan.FromSeconds(25)), said.ToString());

        Assert.Contains("the web application took no step itself", said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_invocation_arrives_the_scheduled_sweep_gives_and_ends()
    {
        await using var it = await AwsHouse.OpenAsync();
        it.Aws!.Lambda.Refuses = System.Net.HttpStatusCode.TooManyRequests;

        var id = await it.AskAsync(SlackUser.Erin, "orders read 30s because of the invocations that are lost");
        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(credential));

        Assert.Contains("was over", SlackUser.Words(await it.HearAsync(SlackUser.Erin, $"its time was over ({id})")), StringComparison.Ordinal);
        Assert.False(await it.CanLogInAsync(credential));
        Assert.Empty(await it.StrayRolesAsync());
        // The function answers after its last notice went out.
        await Patience.UntilAsync(() => Task.FromResult(AwsLocal.Did(it.Aws.ExpireDbUsers, "given") && AwsLocal.Did(it.Aws.ExpireDbUsers, "ended")), "the sweep said that it gave and ended it");
        Assert.Empty(it.Aws.CreateDbUser.Replies);
        Assert.NotEmpty(it.Aws.Lambda.Invocations);
    }
}

/// <summary>A function that does not come back.</summary>
public sealed class AwsFunctionDeathTests
{
    [Fact]
    public async Task A_function_that_is_killed_before_its_delivery_is_on_record_leaves_one_password_that_works()
    {
        await using var it = await AwsHouse.OpenAsync();
        await it.Users.FaultAsync("chat.postMessage", "late", delayMs: 60_000);
        var id = await it.AskAsync(SlackUser.Erin, "orders read 40s because of the function that is killed");
        var (first, message) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(first));

        await it.Aws!.CreateDbUser.KillAsync();

        // The lease of the dead has to run out; then whoever comes next makes a new password.
        var (second, _) = await it.CredentialAsync(SlackUser.Erin, id, (string)message["ts"]!);
        Assert.NotEqual(first.Password, second.Password);
        Assert.False(await it.CanLogInAsync(first));
        Assert.True(await it.CanLogInAsync(second));
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        Assert.Empty(await it.StrayRolesAsync());
        // The message that nobody could put on record stays in Slack, with a password that is dead; the other is taken back.
        await Patience.UntilAsync(async () => (await it.CredentialsInSlackAsync(SlackUser.Erin, id)).All(left => left.Password == first.Password), "no other message with credentials is left");
    }
}

/// <summary>More than one that could take the same step.</summary>
public sealed class AwsCopiesTests
{
    [Fact]
    public async Task Two_copies_of_the_web_application_on_one_table_do_everything_once()
    {
        await using var it = await AwsHouse.OpenAsync();
        var first = it.Product;
        await it.StartProductAsync();

        List<string> ids = [];
        foreach (var copy in (DbAccessProcess[])[it.Product, first])
        {
            it.Slack.AppUrl = copy.Url;
            ids.Add(await it.AskAsync(SlackUser.Erin, $"orders read 30s because of copy number {ids.Count + 1}"));
        }

        await it.EndsOnceAsync(ids);
        foreach (var copy in (DbAccessProcess[])[it.Product, first]) Assert.Equal(0, await copy.StopAsync());
    }

    [Fact]
    public async Task A_scheduler_in_the_web_application_beside_EventBridge_does_no_harm()
    {
        await using var it = await AwsHouse.OpenAsync(new Dictionary<string, string> { ["Sweep__Enabled"] = "true", ["Sweep__Interval"] = "00:00:01" });

        List<string> ids = [];
        for (var i = 1; i <= 2; i++) ids.Add(await it.AskAsync(SlackUser.Erin, $"orders read 30s because of schedule number {i}"));

        await it.EndsOnceAsync(ids);
        Assert.Contains(it.Product.Output, line => line.Contains("Sweep: ", StringComparison.Ordinal));
    }
}

/// <summary>The policy in the bucket.</summary>
public sealed class AwsPolicyTests
{
    [Fact]
    public async Task A_bad_policy_in_the_bucket_keeps_nobody_from_starting_and_nothing_from_ending_and_a_good_one_counts_without_a_restart()
    {
        await using var it = await AwsHouse.OpenAsync();
        var id = await it.AskAsync(SlackUser.Erin, "orders read 40s because of a policy that breaks meanwhile");
        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        var good = await File.ReadAllBytesAsync(it.PolicyPath, TestContext.Current.CancellationToken);

        await it.Aws!.PutAsync("policy/access-policy.yaml", [.. good, .. "\nalow: []\n"u8]);
        Assert.Equal(0, await it.Product.StopAsync());
        await it.StartProductAsync();
        using var http = new HttpClient { BaseAddress = it.Product.Operations };
        var health = await http.GetAsync(new Uri("health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Contains("policy", await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await it.Users.CommandAsync(SlackUser.Erin, "orders read 40s because of nothing");
        await it.HearAsync(SlackUser.Erin, "There is no access policy that can be used");

        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        Assert.False(await it.CanLogInAsync(credential));

        await it.Aws.PutAsync("policy/access-policy.yaml", good);
        await Patience.UntilAsync(async () => (await http.GetAsync(new Uri("health/ready", UriKind.Relative))).IsSuccessStatusCode, "the good policy counts");
        var next = await it.AskAsync(SlackUser.Erin, "orders read 30s because the policy is good again");
        Assert.True(await it.CanLogInAsync((await it.CredentialAsync(SlackUser.Erin, next)).Credential));
        Assert.Contains(it.Product.Output, line => line.Contains("alow", StringComparison.Ordinal));
    }
}

/// <summary>The whole product in AWS, as far as AWS can be had on one machine: emulated DynamoDB and S3, functions as processes in a local Lambda.</summary>
internal static class AwsHouse
{
    /// <summary>Each was given, ended and told of once, whoever did it, and nothing is left.</summary>
    public static async Task EndsOnceAsync(this DemoSystem it, IReadOnlyList<string> ids)
    {
        foreach (var id in ids) Assert.True(await it.CanLogInAsync((await it.CredentialAsync(SlackUser.Erin, id)).Credential));
        foreach (var id in ids) await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        // What would come twice has had the time to.
        await Task.Delay(AwsLocal.Interval, TestContext.Current.CancellationToken);

        var heard = (await it.Users.MessagesAsync(SlackUser.Erin)).Select(SlackUser.Words).ToList();
        foreach (var id in ids)
        {
            Assert.Single(heard, words => words.Contains($"its time was over ({id})", StringComparison.Ordinal));
            Assert.Single(heard, words => words.Contains("is allowed", StringComparison.Ordinal) && words.Contains(id, StringComparison.Ordinal));
            Assert.Empty(await it.CredentialsInSlackAsync(SlackUser.Erin, id));
        }

        Assert.Empty(await it.StrayRolesAsync());
        var said = it.Output.ToList();
        foreach (var id in ids) Assert.Single(said, line => line.Contains(id, StringComparison.Ordinal) && line.Contains("is active: role", StringComparison.Ordinal));
    }

    public static async Task<DemoSystem> OpenAsync(IReadOnlyDictionary<string, string>? settings = null)
    {
        if (!MotoServer.IsThere) Assert.Skip(MotoServer.NotFound);
        House.RequirePostgres();
        var it = await DemoSystem.StartAsync(PostgresFixture.WantedMajor, new Dictionary<string, string>([.. House.Busy, .. settings ?? new Dictionary<string, string>()]), aws: true, slackPatience: House.SlackPatience);
        // The first request of a fresh process costs its compilation.
        await it.Users.CommandAsync(SlackUser.Dana, "help");
        await it.Users.WaitAsync(SlackUser.Dana, "give access back");
        return it;
    }
}
