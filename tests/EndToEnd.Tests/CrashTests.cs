using DbAccess.TestKit;
using Npgsql;

// A class for each crash, so that their waits (a worker's lease is 45 seconds for giving, a minute for taking) run beside each other.
namespace DbAccess.EndToEnd.Tests;

public sealed class CrashAfterTheAcknowledgement
{
    [Fact]
    public async Task What_was_acknowledged_is_done_after_the_restart()
    {
        await using var it = await House.OpenAsync();
        await it.Users.FaultAsync("users.info", "hang", delayMs: 60_000);
        var command = await it.Users.CommandAsync(SlackUser.Erin, "orders read 30s because of the crash after the ack");
        Assert.Equal(200, (int?)command["status"]);
        Assert.Equal(["cmd"], await it.AskStoreAsync("SELECT substr(key, 1, 3) FROM inbox WHERE finished_at IS NULL AND user = $value", SlackUser.Erin));
        Assert.Equal(["0"], await it.AskStoreAsync("SELECT count(*) FROM grants"));

        await it.Product.KillAsync();
        await it.StartProductAsync();

        // The addresses for answers died with the process: the answer comes by direct message.
        var id = Deeds.IdIn(SlackUser.Words(await it.HearAsync(SlackUser.Erin, "is allowed")));
        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(credential));
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await it.ConvergesAsync();
        Assert.Equal(["1"], await it.AskStoreAsync("SELECT count(*) FROM grants"));
        await it.HoldsNoSecretAsync(credential.Password);
    }
}

public sealed class CrashBetweenRoleAndDelivery
{
    [Fact]
    public async Task The_role_is_taken_over_and_its_credentials_come_once()
    {
        await using var it = await House.OpenAsync();
        await it.Users.FaultAsync("conversations.open", "hang", delayMs: 60_000);
        var id = await it.AskAsync(SlackUser.Erin, "orders read 30s because of the crash before delivery");
        await Patience.UntilAsync(async () => (await it.TemporaryRolesAsync()).Count == 1, "the role is there");

        await it.Product.KillAsync();
        await it.StartProductAsync();

        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(credential));
        Assert.Equal([credential.User], await it.TemporaryRolesAsync());
        Assert.Single(await it.CredentialsInSlackAsync(SlackUser.Erin, id));
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await it.ConvergesAsync();
        Assert.Empty(await it.CredentialsInSlackAsync(SlackUser.Erin, id));
        await it.HoldsNoSecretAsync(credential.Password);
    }
}

public sealed class CrashBetweenDeliveryAndItsRecord
{
    [Fact]
    public async Task The_message_that_is_not_on_record_holds_a_dead_password()
    {
        await using var it = await House.OpenAsync();
        await it.Users.FaultAsync("chat.postMessage", "late", delayMs: 60_000);
        var id = await it.AskAsync(SlackUser.Erin, "orders read 40s because of the crash after delivery");
        var (first, message) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(first));
        Assert.Equal("provisioning", await it.StatusAsync(id));

        await it.Product.KillAsync();
        await it.StartProductAsync();

        var (second, _) = await it.CredentialAsync(SlackUser.Erin, id, (string)message["ts"]!);
        Assert.NotEqual(first.Password, second.Password);
        Assert.False(await it.CanLogInAsync(first));
        Assert.True(await it.CanLogInAsync(second));
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await it.ConvergesAsync();
        Assert.Equal(0, await it.WorkingAsync([first, second]));
        await it.HoldsNoSecretAsync(first.Password, second.Password);
    }
}

public sealed class CrashOverTheEnd
{
    [Fact]
    public async Task The_server_shuts_the_door_on_time_and_the_restart_does_the_rest()
    {
        await using var it = await House.OpenAsync();
        var id = await it.AskAsync(SlackUser.Erin, "orders read 20s because of the crash over the end");
        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        await using var session = new NpgsqlConnection(it.ConnectionStringFor(credential));
        await session.OpenAsync(TestContext.Current.CancellationToken);
        await Patience.UntilAsync(async () => await it.StatusAsync(id) == "active", "it is active");

        await it.Product.KillAsync();
        await Patience.UntilAsync(async () => !await it.CanLogInAsync(credential), "the server refuses the login by itself");
        Assert.Single(await it.TemporaryRolesAsync());
        await it.StartProductAsync();

        var ended = SlackUser.Words(await it.HearAsync(SlackUser.Erin, $"its time was over ({id})"));
        Assert.Contains("One open session was cut", ended, StringComparison.Ordinal);
        await it.ConvergesAsync();
        Assert.Empty(await it.CredentialsInSlackAsync(SlackUser.Erin, id));
    }
}

public sealed class CrashDuringTheRemoval
{
    [Fact]
    public async Task What_was_begun_is_finished_and_what_the_role_owned_is_kept()
    {
        await using var it = await House.OpenAsync();
        var id = await it.AskAsync(SlackUser.Erin, "orders read 20s because of the crash in the removal");
        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        await using var holder = new NpgsqlConnection(it.Orders.SuperuserConnectionString + ";Pooling=false");
        await holder.OpenAsync(TestContext.Current.CancellationToken);
        await RunAsync(holder, "CREATE TABLE public.kept (id int)");
        await RunAsync(holder, $"ALTER TABLE public.kept OWNER TO {credential.User}");
        await RunAsync(holder, "BEGIN");
        await RunAsync(holder, "LOCK TABLE public.kept IN ACCESS EXCLUSIVE MODE");

        // Locked out, but its table is held: the removal is in the middle.
        await Patience.UntilAsync(async () => (await it.AskServerAsync("SELECT rolname FROM pg_roles WHERE rolname = $1 AND NOT rolcanlogin", credential.User)).Count == 1, "the role is locked out");
        await it.Product.KillAsync();
        Assert.False(await it.CanLogInAsync(credential));
        await RunAsync(holder, "COMMIT");
        await it.StartProductAsync();

        var ended = SlackUser.Words(await it.HearAsync(SlackUser.Erin, $"its time was over ({id})"));
        Assert.Contains("public.kept", ended, StringComparison.Ordinal);
        await it.ConvergesAsync();
        var owner = Assert.Single(await it.OwnersOfKeptAsync());
        Assert.EndsWith("_escrow", owner, StringComparison.Ordinal);
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

public sealed class GracefulStop
{
    [Fact]
    public async Task What_is_in_hand_is_finished_before_it_leaves()
    {
        await using var it = await House.OpenAsync();
        await it.Users.FaultAsync("conversations.open", "hang", delayMs: 4_000);
        var id = await it.AskAsync(SlackUser.Erin, "orders read 40s because of the graceful stop");
        await Patience.UntilAsync(async () => (await it.TemporaryRolesAsync()).Count == 1, "the role is there");

        Assert.Equal(0, await it.Product.StopAsync());

        Assert.Equal("active", await it.StatusAsync(id));
        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(credential));
        await it.StartProductAsync();
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        Assert.Single(await it.AskStoreAsync("SELECT type FROM events WHERE type = 'grant.provisioning'"));
        await it.ConvergesAsync();
    }

    [Fact]
    public async Task What_cannot_be_finished_is_handed_over_and_gone_on_with_at_once()
    {
        await using var it = await House.OpenAsync();
        await it.Postgres.StopAsync();
        var id = await it.AskAsync(SlackUser.Erin, "orders read 30s because of the handing over");
        await Patience.UntilAsync(async () => (await it.AskStoreAsync("SELECT type FROM events WHERE type = 'grant.step_failed'")).Count > 0, "a try has failed");

        Assert.Equal(0, await it.Product.StopAsync());
        // No lease has to run out first: the next try is at most some seconds away.
        Assert.Equal(["0"], await it.AskStoreAsync("SELECT json_extract(document, '$.grant.leased') FROM grants"));
        Assert.True(await it.StepDueAtAsync(id) <= TimeProvider.System.GetUtcNow().AddSeconds(30), "The next try is further away than a lease.");
        await it.Postgres.StartAgainAsync();
        await it.StartProductAsync();

        var (credential, _) = await it.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await it.CanLogInAsync(credential));
        await it.HearAsync(SlackUser.Erin, $"its time was over ({id})");
        await it.ConvergesAsync();
    }
}

internal static class Kept
{
    public static async Task<IReadOnlyList<string>> OwnersOfKeptAsync(this DemoSystem it)
    {
        await using var superuser = new NpgsqlConnection(it.Orders.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'", superuser);
        return [(string)(await command.ExecuteScalarAsync())!];
    }
}
