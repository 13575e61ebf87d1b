using System.Diagnostics;
using DbAccess.Api.Commands;
using DbAccess.Api.Lambda;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

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
            await process.WaitForExitAsync(Cancelled).WaitAsync(Patience.Limit, Cancelled);

            Assert.Equal(0, process.ExitCode);
            Assert.Empty(api.InitErrors);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    [Theory]
    [InlineData("create-db-user", """{"grant":"K7Q3-MD"}""", "grant.unknown")]
    [InlineData("expire-db-users", "{}", null)]
    public async Task A_function_starts_and_works_whatever_was_put_in_the_policys_place(string function, string json, string? error)
    {
        await using var api = await FakeRuntimeApi.StartAsync();
        using var process = Start(api.Address, function, settings => File.WriteAllText(settings["Policy__Path"], "version: 1\nnonsense: true\n"));
        try
        {
            var reply = await api.InvokeAsync(json, DateTimeOffset.UtcNow.AddSeconds(30), "request-1", cancellationToken: Cancelled).WaitAsync(Patience.Limit, Cancelled);

            Assert.Equal(error, reply.IsError ? reply.ErrorType : null);
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

        await process.WaitForExitAsync(Cancelled).WaitAsync(Patience.Limit, Cancelled);

        Assert.Equal(2, process.ExitCode);
        var error = Assert.Single(api.InitErrors);
        Assert.Equal("Runtime.Settings", error.ErrorType);
        Assert.Contains("Installation", error.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("xoxb", error.Body, StringComparison.Ordinal);
        Assert.Equal(0, api.Asked);
    }

    [Fact]
    public async Task A_function_that_cannot_start_and_finds_nobody_to_tell_ends_the_same_way()
    {
        using var process = Start("127.0.0.1:1", "create-db-user", settings => settings.Remove("Installation"));

        await process.WaitForExitAsync(Cancelled).WaitAsync(Patience.Limit, Cancelled);

        Assert.Equal(2, process.ExitCode);
    }

    [Fact]
    public async Task Outside_of_lambda_the_verb_is_a_misuse()
    {
        using var process = Start(null, "create-db-user");

        var error = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled).WaitAsync(Patience.Limit, Cancelled);

        Assert.Equal(2, process.ExitCode);
        Assert.Contains("AWS_LAMBDA_RUNTIME_API", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_a_function_uses_can_be_built()
    {
        // The executable does not check this at a cold start; here it is checked once for all.
        await using var provider = Build([], new Verb.Lambda(LambdaFunction.CreateDbUser), out var faults);

        Assert.Empty(faults);
        Assert.NotNull(provider.GetRequiredService<LambdaEntry>());
    }

    [Fact]
    public async Task The_web_application_asks_the_function_and_the_function_asks_nobody()
    {
        (string, string)[] mode = [("Sweep:Enabled", "false"), ("Provisioning:Mode", "Lambda"), ("Provisioning:Lambda:Function", "dbaccess-create-db-user"), ("AWS_REGION", "eu-west-1")];

        await using var web = Build(mode, new Verb.Serve([]), out var faults);
        await using var function = Build(mode, new Verb.Lambda(LambdaFunction.CreateDbUser), out _);

        Assert.Empty(faults);
        Assert.Equal("LambdaGrantDispatcher", web.GetRequiredService<IGrantDispatcher>().GetType().Name);
        Assert.Equal("GrantWorker", function.GetRequiredService<IGrantDispatcher>().GetType().Name);
    }

    [Fact]
    public async Task Mode_lambda_without_a_function_or_a_region_is_refused()
    {
        await using var provider = Build([("Provisioning:Mode", "Lambda")], new Verb.Serve([]), out var faults);

        Assert.Contains(faults, fault => fault.Contains("Provisioning:Lambda:Function", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.Contains("AWS_REGION", StringComparison.Ordinal));
    }

    private ServiceProvider Build(IEnumerable<(string Key, string Value)> more, Verb verb, out IReadOnlyList<string> faults)
    {
        var values = Environment().Select(setting => KeyValuePair.Create(setting.Key.Replace("__", ":", StringComparison.Ordinal), (string?)setting.Value))
            .Concat(more.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        var services = new ServiceCollection();
        services.AddLogging();
        Program.AddWork(services, settings, verb);
        services.AddSingleton<LambdaEntry>();
        faults = settings.Faults;
        return services.BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = faults.Count == 0, ValidateScopes = true });
    }

    private Process Start(string? api, string function, Action<Dictionary<string, string>>? change = null)
    {
        var settings = Environment();
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

    private Dictionary<string, string> Environment()
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
        return settings;
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
