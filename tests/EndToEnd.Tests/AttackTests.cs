using System.Text.Json.Nodes;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using Microsoft.Data.Sqlite;

namespace DbAccess.EndToEnd.Tests;

/// <summary>Whoever can write to the store, and the brake for whoever is on the machine, against the running program.</summary>
public sealed class AttackTests(House house) : IClassFixture<House>
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
    public async Task A_grant_that_somebody_writes_into_the_store_is_neither_made_nor_delivered()
    {
        var id = await It.AskAsync(SlackUser.Erin, "orders read 10s because it is copied by somebody");
        await It.CredentialAsync(SlackUser.Erin, id);
        var stored = (await It.AskStoreAsync("SELECT document FROM grants WHERE id = $value", id)).Single();
        var forged = JsonNode.Parse(stored)!.AsObject();
        var grant = forged["grant"]!.AsObject();
        var key = GrantId.New().ToString();
        (grant["id"], grant["requestKey"], grant["status"], grant["duration"]) = (key, "forged", "Approved", "365.00:00:00");
        (grant["requester"], grant["version"], grant["events"], grant["attempts"], grant["leased"]) = ($"T0DBACME1/{SlackUser.Gustav}", 1, 0, 0, false);
        foreach (var gone in (string[])["role", "roleOid", "window", "plan", "credentialsMessage"]) grant[gone] = null;
        grant["approvedAt"] = DateTimeOffset.UtcNow.ToString("O");
        grant["stepDueAt"] = DateTimeOffset.UtcNow.ToString("O");
        grant["stepSince"] = DateTimeOffset.UtcNow.ToString("O");

        await using (var store = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = It.StorePath, Pooling = false, DefaultTimeout = 10 }.ConnectionString))
        {
            await store.OpenAsync(TestContext.Current.CancellationToken);
            await using var insert = store.CreateCommand();
            insert.CommandText = """
                INSERT INTO grants (id, version, status, installation, team, requester, database, scope, role, created_at, expires_at, due_at, ended_at, document)
                SELECT $id, 1, 'Approved', installation, team, 'U0GUEST01', database, scope, NULL, created_at, NULL, 1, NULL, $document FROM grants WHERE id = $from
                """;
            insert.Parameters.AddWithValue("$id", key);
            insert.Parameters.AddWithValue("$document", forged.ToJsonString());
            insert.Parameters.AddWithValue("$from", id);
            Assert.Equal(1, await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        // Whoever makes roles looks by itself once a minute, and at once when somebody asks for something.
        await It.AskAsync(SlackUser.Sam, "orders read 10s because somebody is to look now");
        await Patience.UntilAsync(() => Task.FromResult(It.Output.Any(line => line.Contains(key, StringComparison.Ordinal) && line.Contains("not one that DbAccess made", StringComparison.Ordinal))), "it says what it found");
        await It.ConvergesAsync();
        Assert.DoesNotContain(It.Output, line => line.Contains($"{key} is active", StringComparison.Ordinal));
        Assert.Empty(await It.CredentialsInSlackAsync(SlackUser.Gustav, key));
    }

    [Fact]
    public async Task Whoever_is_on_the_machine_ends_access_without_Slack_and_without_a_policy()
    {
        House.RequirePostgres();
        await using var own = await House.OpenAsync();
        var id = await own.AskAsync(SlackUser.Erin, "orders read 30m because it is to be ended from the shell");
        var (credential, _) = await own.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await own.CanLogInAsync(credential));
        var settings = own.Settings().ToDictionary(StringComparer.Ordinal);
        (settings["Slack:ApiUrl"], settings["Policy:Path"]) = ("http://127.0.0.1:1/api/", Path.Combine(own.Data, "there-is-none.yaml"));
        settings.Remove("Slack:BotToken");

        var (exit, output, error) = await DbAccessProcess.RunAsync(["revoke", id, "--reason", "laptop stolen"], settings, own.Data);

        Assert.True(exit == 0, $"{exit}: {output} {error}");
        Assert.Contains($"{id}: access has ended", output, StringComparison.Ordinal);
        Assert.False(await own.CanLogInAsync(credential));
        await own.HearAsync(SlackUser.Erin, "laptop stolen");
    }
}
