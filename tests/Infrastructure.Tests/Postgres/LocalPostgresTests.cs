using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>The program behind scripts/demo, as a process: what it says, what it leaves, also when it is killed.</summary>
public sealed class LocalPostgresTests(PostgresFixture postgres)
{
    [Fact]
    public async Task It_says_where_it_is_and_ends_with_its_input_leaving_nothing()
    {
        _ = postgres.Server;
        var credentials = Directory.CreateTempSubdirectory("credentials-");
        try
        {
            using var program = Start(credentials.FullName, "--sample", "shop", "--stdin");
            var (line, directory) = await ReadyAsync(program, credentials.FullName);
            Assert.Matches(@"^PostgreSQL 1[4-8] on 127\.0\.0\.1:\d+$", line);

            program.StandardInput.Close();
            await program.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.Equal(0, program.ExitCode);
            Assert.False(Directory.Exists(directory));
            Assert.Empty(credentials.GetFiles());
        }
        finally
        {
            credentials.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Killed_without_a_chance_it_still_leaves_no_server_and_no_folder()
    {
        _ = postgres.Server;
        var credentials = Directory.CreateTempSubdirectory("credentials-");
        try
        {
            using var program = Start(credentials.FullName);
            var (_, directory) = await ReadyAsync(program, credentials.FullName);
            Assert.True(Directory.Exists(directory));

            program.Kill();
            await program.WaitForExitAsync(TestContext.Current.CancellationToken);

            // The folder goes last, so its absence says that the server has ended.
            for (var waited = Stopwatch.StartNew(); Directory.Exists(directory) && waited.Elapsed < TimeSpan.FromSeconds(20);)
                await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
            Assert.False(Directory.Exists(directory));
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => DirectoryAsync(credentials.FullName));
        }
        finally
        {
            credentials.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Every_mistake_in_its_arguments_is_listed()
    {
        using var program = Start(null, "--major", "13", "--cluster", "../x", "--frobnicate");

        var said = await program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, program.ExitCode);
        foreach (var option in (string[])["--major", "--cluster", "--frobnicate", "--credentials-dir"])
            Assert.Contains(option, said, StringComparison.Ordinal);
    }

    private static Process Start(string? credentials, params string[] more)
    {
        List<string> arguments = [Path.Combine(AppContext.BaseDirectory, "DbAccess.LocalPostgres.dll"), .. more];
        if (credentials is not null) arguments.AddRange(["--credentials-dir", credentials, "--cluster", "orders-prod"]);
        if (PostgresFixture.WantedMajor is { } major && credentials is not null)
            arguments.AddRange(["--major", major.ToString(CultureInfo.InvariantCulture)]);
        return Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }

    private static async Task<(string Line, string Directory)> ReadyAsync(Process program, string credentials)
    {
        if (await program.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is not { } line)
            throw new InvalidOperationException(await program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        return (line, await DirectoryAsync(credentials));
    }

    /// <summary>The server's folder, as the server tells it to the administrator of the credentials file.</summary>
    private static async Task<string> DirectoryAsync(string credentials)
    {
        using var json = JsonDocument.Parse(
            await File.ReadAllTextAsync(Path.Combine(credentials, "orders-prod.json"), TestContext.Current.CancellationToken));
        var login = new NpgsqlConnectionStringBuilder
        {
            Host = json.RootElement.GetProperty("host").GetString(),
            Port = json.RootElement.GetProperty("port").GetInt32(),
            Username = json.RootElement.GetProperty("username").GetString(),
            Password = json.RootElement.GetProperty("password").GetString(),
            Database = "postgres",
            Pooling = false,
        };
        await using var connection = new NpgsqlConnection(login.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("SHOW data_directory", connection);
        return Path.GetDirectoryName((string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!)!;
    }
}
