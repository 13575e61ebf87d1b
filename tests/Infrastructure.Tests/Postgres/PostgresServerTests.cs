using System.Globalization;
using System.Text.Json;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>The throw-away server is what later tests stand on, so it is tested itself.</summary>
public sealed class PostgresServerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_administrator_makes_roles_and_databases_and_is_no_superuser()
    {
        var attributes = await ReadAsync(
            postgres.Server.AdministratorConnectionString,
            """
            SELECT concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, pg_has_role('pg_monitor', 'MEMBER'))
            FROM pg_roles WHERE rolname = current_user
            """);

        Assert.Equal("f t t f t", attributes);
    }

    [Fact]
    public async Task A_wrong_password_is_refused()
    {
        var server = postgres.Server;

        var refusal = await Assert.ThrowsAsync<PostgresException>(
            () => ReadAsync(server.ConnectionString(PostgresServer.SuperuserName, "wrong", "postgres"), "SELECT 1"));

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
    }

    [Fact]
    public async Task The_administrator_can_hand_on_what_it_does_not_own()
    {
        var database = await postgres.CreateSampleOrdersAsync();
        var reader = $"reader_{Guid.NewGuid():n}";
        await ReadAsync(
            database.AdministratorConnectionString,
            $"CREATE ROLE {reader} LOGIN PASSWORD 'reader-pw'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}; SELECT 1");

        var asReader = database.ConnectionStringFor(reader, "reader-pw");

        Assert.Equal("40 200 399", await ReadAsync(
            asReader,
            "SELECT concat_ws(' ', (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), (SELECT count(*) FROM order_items))"));
        Assert.Equal("80", await ReadAsync(asReader, "SELECT count(*) FROM open_orders"));
        foreach (var forbidden in (string[])["UPDATE orders SET status = 'paid'", "CREATE TABLE t ()", "SELECT * FROM internal.payment_tokens"])
        {
            var refusal = await Assert.ThrowsAsync<PostgresException>(() => ReadAsync(asReader, forbidden));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
        }
        Assert.Equal("160", await ReadAsync(database.SuperuserConnectionString, "SELECT count(*) FROM internal.payment_tokens"));
        Assert.Equal("orders_owner f", await ReadAsync(
            database.SuperuserConnectionString,
            "SELECT concat_ws(' ', r.rolname, r.rolcanlogin) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.relname = 'payment_tokens'"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stopped_server_comes_back_with_its_data_on_its_port(bool immediate)
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        var port = server.Port;
        await ReadAsync(server.AdministratorConnectionString, "CREATE ROLE kept; SELECT 1");

        await server.StopAsync(immediate);
        Assert.False(server.IsRunning);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ReadAsync(server.AdministratorConnectionString, "SELECT 1"));
        await server.StartAgainAsync();

        Assert.Equal(port, server.Port);
        Assert.Equal("1", await ReadAsync(server.AdministratorConnectionString, "SELECT count(*) FROM pg_roles WHERE rolname = 'kept'"));
    }

    [Fact]
    public async Task A_disposed_server_leaves_no_process_and_no_folder()
    {
        _ = postgres.Server;
        var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        var process = int.Parse(
            (await File.ReadAllLinesAsync(Path.Combine(server.Directory, "data", "postmaster.pid"), TestContext.Current.CancellationToken))[0],
            CultureInfo.InvariantCulture);
        Assert.True(Directory.Exists($"/proc/{process}"));

        await server.DisposeAsync();

        Assert.False(Directory.Exists($"/proc/{process}"));
        Assert.False(Directory.Exists(server.Directory));
    }

    [Fact]
    public async Task With_TLS_the_certificate_is_verified_in_full_and_plain_text_is_refused()
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, Tls = true });

        Assert.Equal("true", await ReadAsync(
            server.SuperuserConnectionString, "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));

        var plain = new NpgsqlConnectionStringBuilder(server.SuperuserConnectionString) { SslMode = SslMode.Disable, RootCertificate = null };
        await Assert.ThrowsAsync<PostgresException>(() => ReadAsync(plain.ConnectionString, "SELECT 1"));
        var strangers = new NpgsqlConnectionStringBuilder(server.SuperuserConnectionString) { RootCertificate = null };
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ReadAsync(strangers.ConnectionString, "SELECT 1"));
    }

    [Fact]
    public async Task Settings_reach_the_server_and_passwords_do_not_reach_its_log()
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new()
        {
            Major = PostgresFixture.WantedMajor,
            Settings = new Dictionary<string, string> { ["log_statement"] = "all" },
        });
        await server.CreateDatabaseAsync("logged");

        var log = await File.ReadAllTextAsync(server.LogPath, TestContext.Current.CancellationToken);

        Assert.Contains("CREATE DATABASE logged", log, StringComparison.Ordinal);
        Assert.DoesNotContain(server.SuperuserPassword, log, StringComparison.Ordinal);
        Assert.DoesNotContain(server.AdministratorPassword, log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_the_server_does_not_know_is_named_in_the_failure_and_nothing_is_left()
    {
        _ = postgres.Server;

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => PostgresServer.StartAsync(new()
        {
            Major = PostgresFixture.WantedMajor,
            Settings = new Dictionary<string, string> { ["no_such_setting"] = "on" },
        }));

        Assert.Contains("no_such_setting", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_credentials_file_is_for_its_owner_only_and_lets_the_administrator_in()
    {
        var server = postgres.Server;
        var directory = Directory.CreateTempSubdirectory("credentials-");
        try
        {
            await CredentialsFile.WriteAsync(server, directory.FullName, "orders-prod");
            var path = await CredentialsFile.WriteAsync(server, directory.FullName, "orders-prod", "127.0.0.1:1");

            Assert.Equal(Path.Combine(directory.FullName, "orders-prod.json"), path);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Equal([path], Directory.GetFiles(directory.FullName));
            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
            var credentials = json.RootElement;
            Assert.Equal("127.0.0.1:1", Assert.Single(credentials.GetProperty("readers").EnumerateArray()).GetString());
            var login = new NpgsqlConnectionStringBuilder
            {
                Host = credentials.GetProperty("host").GetString(),
                Port = credentials.GetProperty("port").GetInt32(),
                Username = credentials.GetProperty("username").GetString(),
                Password = credentials.GetProperty("password").GetString(),
                Database = credentials.GetProperty("dbname").GetString(),
                SslMode = Enum.Parse<SslMode>(credentials.GetProperty("sslmode").GetString()!, ignoreCase: true),
            };
            Assert.Equal("dbaccess_admin", await ReadAsync(login.ConnectionString, "SELECT current_user"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<string?> ReadAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToString(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken), CultureInfo.InvariantCulture);
    }
}
