using System.Diagnostics;
using DbAccess.TestKit.Aws;

namespace DbAccess.Api.Tests.Lambda;

/// <summary>The executable itself, as the platform starts it: by a verb and an environment.</summary>
public sealed class LambdaProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dbaccess-lambda-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_function_answers_events_in_one_environment_and_ends_on_a_signal()
    {
        await using var api = await FakeRuntimeApi.StartAsync();
        using var process = Start(api.Address, "expire-db-users");
        try
        {
            for (var i = 0; i < 3; i++)
            {
                var reply = await api.InvokeAsync("{}", DateTimeOffset.UtcNow.AddSeconds(30), $"request-{i}", cancellationToken: Cancelled);
                Assert.False(reply.IsError, reply.Body);
                Assert.Equal($"request-{i}", reply.RequestId);
            }

            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString()])) await kill.WaitForExitAsync(Cancelled);
            await process.WaitForExitAsync(Cancelled).WaitAsync(TimeSpan.FromSeconds(20), Cancelled);

            Assert.Equal(0, process.ExitCode);
            Assert.Empty(api.InitErrors);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    [Fact]
    public async Task A_function_that_cannot_start_says_why_to_the_platform()
    {
        await using var api = await FakeRuntimeApi.StartAsync();
        using var process = Start(api.Address, "create-db-user", settings => settings.Remove("Installation"));

        await process.WaitForExitAsync(Cancelled).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);

        Assert.Equal(2, process.ExitCode);
        var error = Assert.Single(api.InitErrors);
        Assert.Equal("Runtime.Settings", error.ErrorType);
        Assert.Contains("Installation", error.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("xoxb", error.Body, StringComparison.Ordinal);
        Assert.Equal(0, api.Asked);
    }

    [Fact]
    public async Task Outside_of_lambda_the_verb_is_a_misuse()
    {
        using var process = Start(null, "create-db-user");

        var error = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains("AWS_LAMBDA_RUNTIME_API", error, StringComparison.Ordinal);
    }

    private Process Start(string? api, string function, Action<Dictionary<string, string>>? change = null)
    {
        // No signing secret: a function answers nobody in Slack, and is not given what it does not need.
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Installation"] = "lambda-test",
            ["Grants__Sqlite__Path"] = Path.Combine(_folder, "grants.db"),
            ["Credentials__File__Directory"] = Path.Combine(_folder, "credentials"),
            ["Policy__Path"] = Path.Combine(_folder, "policy.yaml"),
            ["Slack__BotToken"] = "xoxb-not-a-real-token",
            ["Slack__TeamId"] = "T0DBACME1",
            ["Slack__AppId"] = "A0DBACCESS",
        };
        File.WriteAllText(settings["Policy__Path"], Policy);
        change?.Invoke(settings);

        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "DbAccess.Api"), ["lambda", function])
        {
            WorkingDirectory = _folder, RedirectStandardError = true, UseShellExecute = false,
        };
        foreach (var (key, value) in settings) start.Environment[key] = value;
        start.Environment.Remove("AWS_LAMBDA_RUNTIME_API");
        if (api is not null) start.Environment["AWS_LAMBDA_RUNTIME_API"] = api;
        var process = Process.Start(start)!;
        // A pipe that nobody empties would stop the process in the end.
        if (api is not null) process.BeginErrorReadLine();
        return process;
    }

    private const string Policy = """
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read] }
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
        groups:
          oncall: { users: [U0ENGINE1] }
        allow:
          - { id: oncall-read, who: [oncall], databases: [orders], scopes: [read], lifetime: {default: 1h, max: 4h}, approval: none }
        """;
}
