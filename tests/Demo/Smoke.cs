using System.Diagnostics;
using System.Globalization;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Demo;

/// <summary>The story, played without a person: ask, log in, see what is allowed and what is not, stay over the end, and find everything gone.</summary>
public static class Smoke
{
    public static async Task<bool> PlayAsync(DemoSystem system, TextWriter output, TimeSpan length)
    {
        var story = new Story(output);
        try
        {
            await PlayAsync(system, story, length);
            await output.WriteLineAsync($"All {story.Steps} steps are as they should be.");
            return true;
        }
        catch (StoryException failure)
        {
            await output.WriteLineAsync($"FAILED  {failure.Message}");
            foreach (var line in system.Output.TakeLast(15)) await output.WriteLineAsync($"        {line}");
            return false;
        }
    }

    private static async Task PlayAsync(DemoSystem system, Story story, TimeSpan length)
    {
        // The first request of a fresh process costs its compilation; on a busy machine that can outlast Slack's three seconds.
        await system.Users.CommandAsync(SlackUser.Dana, "help");
        await system.Users.WaitAsync(SlackUser.Dana, "Ask for access");

        var seconds = ((int)length.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var command = await system.Users.CommandAsync(SlackUser.Erin, $"orders read {seconds}s because INC-4711 stuck orders");
        story.Expect((int?)command["status"] == 200, $"/db-access orders read {seconds}s because INC-4711 stuck orders: acknowledged after {(double?)command["ackMs"]:0} ms");

        var message = await system.Users.WaitAsync(SlackUser.Erin, "Password: ");
        var credential = message is null ? null : DeliveredCredential.Read(SlackUser.Words(message));
        story.Expect(credential is not null, "the credentials arrive by direct message");
        story.Expect(!((string?)message!["text"] ?? "").Contains(credential!.Password, StringComparison.Ordinal), "the notification text holds no secret");

        var login = system.Postgres.ConnectionString(credential.User, credential.Password, credential.Database) + ";Pooling=false";
        await using var session = new NpgsqlConnection(login);
        await session.OpenAsync();
        story.Expect(await CountAsync(session, "SELECT count(*) FROM public.orders") > 0, $"logged in as {credential.User}, and SELECT works");
        await story.ExpectRefusedAsync(session, "UPDATE public.orders SET status = 'paid'", "UPDATE is refused");
        await story.ExpectRefusedAsync(session, "CREATE TABLE public.mine (id int)", "CREATE TABLE is refused");
        await story.ExpectRefusedAsync(session, "SELECT * FROM internal.payment_tokens", "a table out of scope is refused");
        story.Expect(await CountAsync(session, "SELECT 1") == 1, "the session stays open over the end");

        var cut = await WaitForCutAsync(session, length + Patience.Limit);
        story.Expect(cut, "the session was cut");
        story.Expect(await LoginFailsAsync(login), "logging in fails");

        var ended = await system.Users.WaitAsync(SlackUser.Erin, "has ended");
        story.Expect(ended is not null && SlackUser.Words(ended).Contains("session", StringComparison.Ordinal), "the holder is told that it ended, and that a session was cut");
        story.Expect(await RolesCalledAsync(system, credential.User) == 0, "the role is gone");
        var left = await system.Users.MessagesAsync(SlackUser.Erin);
        story.Expect(left.All(seen => !SlackUser.Words(seen).Contains(credential.Password, StringComparison.Ordinal)), "the message with the credentials is gone");
        story.Expect(system.Output.All(line => !line.Contains(credential.Password, StringComparison.Ordinal) && !system.Secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal))), "no log line holds a secret");
        if (system.Aws is { } aws) await ExpectByFunctionsAsync(system, aws, story);
    }

    /// <summary>That it was the functions that did it, on DynamoDB and S3.</summary>
    private static async Task ExpectByFunctionsAsync(DemoSystem system, AwsLocal aws, Story story)
    {
        // The clock that plays EventBridge may come between a request and the function that is asked first.
        bool Given() => AwsLocal.Did(aws.CreateDbUser, "given") || AwsLocal.Did(aws.ExpireDbUsers, "given");
        bool Ended() => AwsLocal.Did(aws.CreateDbUser, "ended") || AwsLocal.Did(aws.ExpireDbUsers, "ended");

        // A function answers after it has told everybody.
        for (var watch = Stopwatch.StartNew(); !(Given() && Ended()) && watch.Elapsed < Patience.Limit; await Task.Delay(50))
        {
        }

        var replies = string.Join(' ', aws.CreateDbUser.Replies.Select(reply => reply.ErrorType ?? reply.Body));
        story.Expect(Given(), $"{(AwsLocal.Did(aws.CreateDbUser, "given") ? "the function create-db-user" : "the function expire-db-users, whose turn came first,")} made the role and delivered", replies);
        story.Expect(Ended(), $"{(AwsLocal.Did(aws.ExpireDbUsers, "ended") ? "the function expire-db-users" : "the function create-db-user, asked at the end,")} removed it");
        story.Expect(aws.ExpireDbUsers.Replies is { Count: > 0 } sweeps && sweeps.All(sweep => !sweep.IsError), $"expire-db-users swept {aws.ExpireDbUsers.Replies.Count} times, started every {AwsLocal.Interval.TotalSeconds:0} s, without a fault");
        story.Expect(system.Product.Output.All(line => !line.Contains("is active: role", StringComparison.Ordinal)), "the web application took no step itself");
        story.Expect(aws.Lambda.Invocations is { Count: > 0 } invoked && invoked.All(one => one.SignatureIsRight), $"its {aws.Lambda.Invocations.Count} invocations were signed as AWS wants it");
        story.Expect(
            aws.Operations.GetValueOrDefault("TransactWriteItems") > 0 && aws.Operations.GetValueOrDefault("GET") > 0,
            $"DynamoDB took {aws.Operations.GetValueOrDefault("TransactWriteItems")} transactions, S3 gave {aws.Operations.GetValueOrDefault("GET")} objects");
    }

    private static async Task<long> CountAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    private static async Task<bool> WaitForCutAsync(NpgsqlConnection session, TimeSpan patience)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < patience; await Task.Delay(100))
        {
            try
            {
                await CountAsync(session, "SELECT 1");
            }
            catch (NpgsqlException)
            {
                return true;
            }
        }

        return false;
    }

    private static async Task<bool> LoginFailsAsync(string login)
    {
        try
        {
            await using var again = new NpgsqlConnection(login);
            await again.OpenAsync();
            return false;
        }
        catch (PostgresException refused)
        {
            return refused.SqlState is "28P01" or "28000";
        }
    }

    private static async Task<long> RolesCalledAsync(DemoSystem system, string role)
    {
        await using var superuser = new NpgsqlConnection(system.Postgres.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM pg_roles WHERE rolname = $1", superuser) { Parameters = { new() { Value = role } } };
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private sealed class Story(TextWriter output)
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();

        public int Steps { get; private set; }

        /// <param name="instead">What was there when it does not hold; no secret.</param>
        public void Expect(bool holds, string step, string? instead = null)
        {
            if (!holds) throw new StoryException(instead is null ? step : $"{step}: {instead}");
            Steps++;
            output.WriteLine($"{_watch.Elapsed.TotalSeconds,7:0.00} s  {step}");
        }

        public async Task ExpectRefusedAsync(NpgsqlConnection session, string sql, string step)
        {
            try
            {
                await using var command = new NpgsqlCommand(sql, session);
                await command.ExecuteNonQueryAsync();
                Expect(false, step);
            }
            catch (PostgresException refused)
            {
                Expect(refused.SqlState == PostgresErrorCodes.InsufficientPrivilege, $"{step} ({refused.SqlState})");
            }
        }
    }

    private sealed class StoryException(string step) : Exception(step);
}
