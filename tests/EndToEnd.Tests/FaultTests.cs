using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>Slack is down, slow, or says no: credentials arrive in the end, never two that work, and what is on record does not change for it.</summary>
public sealed class SlackFaultTests(House house) : IClassFixture<House>
{
    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Theory]
    [InlineData("chat.postMessage", "ratelimited", "2", 0)]
    [InlineData("chat.postMessage", "error", null, 0)]
    [InlineData("chat.postMessage", "http500", null, 0)]
    [InlineData("chat.postMessage", "reset", null, 0)]
    [InlineData("chat.postMessage", "lost", null, 0)]
    [InlineData("chat.postMessage", "hang", null, 3000)]
    [InlineData("conversations.open", "http500", null, 0)]
    [InlineData("conversations.open", "ratelimited", "1", 0)]
    [InlineData("response_url", "http500", null, 0)]
    public async Task Credentials_arrive_in_the_end_and_only_one_set_works(string method, string kind, string? retryAfter, int delayMs)
    {
        var before = await It.NowAsync(SlackUser.Erin);
        await It.Users.FaultAsync(method, kind, delayMs: delayMs, retryAfter: retryAfter);
        await It.Users.CommandAsync(SlackUser.Erin, $"orders read 1m because of {method} {kind}");
        await Patience.UntilAsync(async () => (await It.AskStoreAsync("SELECT id FROM grants WHERE status = 'Active' AND document LIKE '%' || $value || '%'", $"{method} {kind}")).Count == 1, "it is active");
        var id = Deeds.IdIn((await It.AskStoreAsync("SELECT document FROM grants WHERE status = 'Active' AND document LIKE '%' || $value || '%'", $"{method} {kind}")).Single());

        await It.CredentialAsync(SlackUser.Erin, id, before);
        var known = await It.CredentialsInSlackAsync(SlackUser.Erin, id);
        Assert.Equal(kind == "lost" ? 2 : 1, known.Count);
        Assert.Equal(1, await It.WorkingAsync(known));
        Assert.True(await It.CanLogInAsync(known[^1]));

        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Erin, $"you gave it back ({id})", before);
        Assert.Equal(0, await It.WorkingAsync(known));
    }

    [Fact]
    public async Task A_notice_that_fails_changes_nothing_and_comes_later()
    {
        var id = await It.AskAsync(SlackUser.Sam, "orders read 20s because of the failing notice");
        var (credential, _) = await It.CredentialAsync(SlackUser.Sam, id);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "active", "it is active");
        await It.Users.FaultAsync("chat.postMessage", "error", times: 2);
        await It.Users.FaultAsync("chat.update", "http500");

        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "ended", "it has ended on record");
        Assert.False(await It.CanLogInAsync(credential));
        Assert.Empty(await It.AskServerAsync("SELECT rolname FROM pg_roles WHERE rolname = $1", credential.User));
        await It.HearAsync(SlackUser.Sam, $"its time was over ({id})");
        Assert.Empty(await It.CredentialsInSlackAsync(SlackUser.Sam, id));
    }

    [Fact]
    public async Task While_Slack_is_silent_nothing_is_given_and_nothing_is_left_behind()
    {
        await using var own = await House.OpenAsync();
        await own.Users.FaultAsync("*", "reset", times: 1000);
        var command = await own.Users.CommandAsync(SlackUser.Erin, "orders read 30s because of the silence");
        Assert.Equal(200, (int?)command["status"]);
        await Patience.UntilAsync(() => Task.FromResult(own.Output.Any(line => line.Contains("Slack did not take the answer", StringComparison.Ordinal))), "the request was refused");
        Assert.Equal(["0"], await own.AskStoreAsync("SELECT count(*) FROM grants"));
        Assert.Empty(await own.StrayRolesAsync());

        await own.Users.FaultAsync("*", "reset", times: 0);
        await own.HearAsync(SlackUser.Erin, "Slack");
        await Patience.UntilAsync(async () => (await own.AskStoreAsync("SELECT key FROM inbox WHERE finished_at IS NULL")).Count == 0, "the request was handled");
        Assert.Equal(["0"], await own.AskStoreAsync("SELECT count(*) FROM grants"));
        var id = await own.AskAsync(SlackUser.Erin, "orders read 30s because it speaks again");
        await own.CredentialAsync(SlackUser.Erin, id);
        await own.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await own.ConvergesAsync();
    }
}

/// <summary>PostgreSQL is away, or does not take the administrator.</summary>
public sealed class PostgresFaultTests(House house) : IClassFixture<House>
{
    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Fact]
    public async Task Asked_for_while_the_server_is_down_it_is_given_when_the_server_is_back()
    {
        await It.Postgres.StopAsync();
        var id = await It.AskAsync(SlackUser.Erin, "orders read 30s because of the server that is down");
        await Patience.UntilAsync(async () => (await It.SayAsync(SlackUser.Erin, "mine", id)).Contains("being made (try ", StringComparison.Ordinal), "mine shows that it is being made");

        await It.Postgres.StartAgainAsync();

        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await It.CanLogInAsync(credential));
        await It.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await It.ConvergesAsync();
    }

    [Fact]
    public async Task Down_at_the_end_the_role_is_removed_when_the_server_is_back()
    {
        var id = await It.AskAsync(SlackUser.Erin, "orders read 10s because of the server that goes down");
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "active", "it is active");
        await It.Postgres.StopAsync(immediate: true);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "revoking", "the end is on record");

        await It.Postgres.StartAgainAsync();

        Assert.False(await It.CanLogInAsync(credential));
        await It.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await It.ConvergesAsync();
    }

    [Fact]
    public async Task A_new_password_of_the_administrator_is_picked_up()
    {
        var first = await It.AskAsync(SlackUser.Sam, "orders read 2m because of the password before");
        await It.CredentialAsync(SlackUser.Sam, first);
        var password = Guid.NewGuid().ToString("n");
        await It.AskServerAsync($"ALTER ROLE {DbAccess.TestKit.Postgres.PostgresServer.AdministratorName} PASSWORD '{password}'");
        await It.AskServerAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", DbAccess.TestKit.Postgres.PostgresServer.AdministratorName);

        // The server has the new one, the file not yet: the person waits, and nothing is lost.
        var second = await It.AskAsync(SlackUser.Sam, "orders read 10s because of the password between");
        await Patience.UntilAsync(async () => (await It.SayAsync(SlackUser.Sam, "mine", second)).Contains("being made (try ", StringComparison.Ordinal), "it was tried in vain");
        await Replace.InAsync(It.CredentialsPath, It.Postgres.AdministratorPassword, password);

        await It.CredentialAsync(SlackUser.Sam, second);
        await It.HearAsync(SlackUser.Sam, $"its time was over ({second})");
        await It.SayAsync(SlackUser.Sam, $"done {first}", "access ends now");
        await It.HearAsync(SlackUser.Sam, $"you gave it back ({first})");
        await It.ConvergesAsync();
        await It.HoldsNoSecretAsync(password);

        await It.AskServerAsync($"ALTER ROLE {DbAccess.TestKit.Postgres.PostgresServer.AdministratorName} PASSWORD '{It.Postgres.AdministratorPassword}'");
        await Replace.InAsync(It.CredentialsPath, password, It.Postgres.AdministratorPassword);
    }
}

/// <summary>A file that an operator got wrong.</summary>
public sealed class FileFaultTests
{
    [Theory]
    [InlineData("not JSON")]
    [InlineData("open to others")]
    public async Task Credentials_that_cannot_be_used_are_told_in_plain_words_and_work_once_mended(string fault)
    {
        await using var it = await House.OpenAsync();
        // Read at the start, and remembered for a while: a fresh process meets the file as it is.
        await it.Product.StopAsync();
        var good = await File.ReadAllTextAsync(it.CredentialsPath, TestContext.Current.CancellationToken);
        if (fault == "not JSON") await Replace.WithAsync(it.CredentialsPath, good.Replace(':', ';'));
        else File.SetUnixFileMode(it.CredentialsPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await it.StartProductAsync();

        var id = await it.AskAsync(SlackUser.Erin, "orders read 10s because of the credentials file");
        Assert.Contains(fault, SlackUser.Words(await it.HearAsync(SlackUser.Erin, $"is not ready yet ({id})")), StringComparison.Ordinal);
        Assert.Contains(fault, await it.SayAsync(SlackUser.Erin, "mine", "Your grants"), StringComparison.Ordinal);
        Assert.Empty(await it.StrayRolesAsync());

        await Replace.WithAsync(it.CredentialsPath, good);
        await it.CredentialAsync(SlackUser.Erin, id);
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await it.ConvergesAsync();
        await it.HoldsNoSecretAsync();
    }
}

/// <summary>A policy that an operator got wrong.</summary>
public sealed class PolicyFaultTests
{
    [Fact]
    public async Task A_bad_policy_leaves_the_last_good_one_in_force_and_a_good_one_takes_its_place()
    {
        await using var it = await House.OpenAsync(OpenHouse.Text);
        var first = await it.AskAsync(SlackUser.Erin, "orders peek 1m because of the policy");
        await it.CredentialAsync(SlackUser.Erin, first);

        await File.WriteAllTextAsync(it.PolicyPath, OpenHouse.Text.Replace("scopes: [read, peek, fix-orders]", "scopes: [read, nothing-like-it]", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await Patience.UntilAsync(
            async () =>
            {
                await it.SayAsync(SlackUser.Erin, "help", "You can ask for");
                return it.Output.Any(line => line.Contains("cannot be used; ", StringComparison.Ordinal));
            },
            "the fault is in the log");
        var second = await it.AskAsync(SlackUser.Erin, "orders peek 1m because of the last good one");
        await it.CredentialAsync(SlackUser.Erin, second);

        await File.WriteAllTextAsync(it.PolicyPath, OpenHouse.Text.Replace("max: 1m", "max: 30s", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await Patience.UntilAsync(
            async () => (await it.SayAsync(SlackUser.Dana, "orders peek 1m because of the new one", "peek on orders")).Contains("The longest for peek on orders is 30s", StringComparison.Ordinal),
            "the new policy is in force");
    }
}

internal static class Replace
{
    public static async Task InAsync(string path, string old, string fresh) => await WithAsync(path, (await File.ReadAllTextAsync(path)).Replace(old, fresh, StringComparison.Ordinal));

    /// <summary>In one step, readable by nobody else from the start.</summary>
    public static async Task WithAsync(string path, string content)
    {
        var unfinished = path + ".new";
        await using (var file = new FileStream(unfinished, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        await using (var writer = new StreamWriter(file)) await writer.WriteAsync(content);
        File.Move(unfinished, path, overwrite: true);
    }
}
