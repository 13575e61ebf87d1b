using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace DbAccess.TestKit.Postgres;

/// <summary>
/// One throw-away PostgreSQL server on 127.0.0.1, with an administrator like the one a managed cloud database gives:
/// it may make roles and databases and is no superuser. Runs as another user when we are root. It stops, and its folder
/// goes, on <see cref="DisposeAsync"/>, and also when this process is killed.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string Host = "127.0.0.1";

    /// <summary>Stands for the cloud's own superuser. Tests prepare and check with it; DbAccess never gets it.</summary>
    public const string SuperuserName = "postgres";

    /// <summary>What DbAccess logs in as: LOGIN CREATEROLE CREATEDB, member of <c>rds_superuser</c>.</summary>
    public const string AdministratorName = "dbaccess_admin";

    private const string SampleOwner = "orders_owner";

    private static readonly TimeSpan StartLimit = Patience.Limit;
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Stands between us and the server. Its input is a pipe from this process: a line is a signal for the server, and
    /// its end, which also comes when we are killed, stops the server and removes the folder. The server itself could
    /// not be told to follow its parent: the kernel's parent-death signal follows the starting thread, not the process.
    /// </summary>
    private const string Supervisor = """
        directory=$1; shift
        exec 3<&0 </dev/null >/dev/null 2>&1
        "$@" >>"$directory/server.log" 2>&1 3<&- &
        server=$!
        (
            while read -r signal <&3; do kill -s "$signal" "$server"; done
            : >"$directory/abandoned"
            kill -s QUIT "$server"
            sleep 8
            kill -s KILL "$server"
        ) &
        watcher=$!
        wait "$server"
        status=$?
        kill "$watcher"
        if [ -e "$directory/abandoned" ]; then rm -rf -- "$directory"; fi
        exit "$status"
        """;

    private readonly PostgresBinaries? _binaries;
    private readonly PostgresServerOptions _options;
    private readonly string? _directory;
    private readonly IAsyncDisposable? _container;
    private readonly SemaphoreSlim _owners = new(1, 1);
    private Process? _supervisor;

    /// <summary>By the folder of the binaries: data as initdb makes it, of which servers start with a copy; and the superuser's password in all of them.</summary>
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> FirstData = new(StringComparer.Ordinal);

    private static readonly string FirstPassword = NewPassword();

    private PostgresServer(PostgresBinaries binaries, PostgresServerOptions options, string directory, string superuserPassword, string administratorPassword)
    {
        (SuperuserPassword, AdministratorPassword) = (superuserPassword, administratorPassword);
        _binaries = binaries;
        _options = options;
        _directory = directory;
        Major = binaries.Major;
    }

    private PostgresServer(IAsyncDisposable container, int major, int port, string superuserPassword)
    {
        (SuperuserPassword, AdministratorPassword) = (superuserPassword, NewPassword());
        _container = container;
        _options = new();
        (Major, Port) = (major, port);
    }

    /// <summary>The same after a stop and a new start.</summary>
    public int Port { get; private set; }

    public int Major { get; }

    public string SuperuserPassword { get; }

    public string AdministratorPassword { get; }

    public string SuperuserConnectionString => ConnectionString(SuperuserName, SuperuserPassword, "postgres");

    public string AdministratorConnectionString => ConnectionString(AdministratorName, AdministratorPassword, "postgres");

    /// <summary>The authority that signed the server's certificate; null without TLS.</summary>
    public string? CaCertificatePath => _options.Tls ? Path.Combine(Directory, "ca.crt") : null;

    /// <summary>Everything the server has written, of all its starts. Only readable until it is disposed.</summary>
    public string LogPath => Path.Combine(Directory, "server.log");

    /// <summary>The folder that holds everything; gone after <see cref="DisposeAsync"/>.</summary>
    /// <exception cref="InvalidOperationException">The server is in a container.</exception>
    public string Directory => _directory ?? throw new InvalidOperationException("A server in a container has no folder here, and is not stopped, killed or copied; that takes one from binaries.");

    public bool IsRunning => _container is not null || _supervisor is { HasExited: false };

    /// <exception cref="InvalidOperationException">There are no binaries, or the server does not start; says why.</exception>
    public static async Task<PostgresServer> StartAsync(PostgresServerOptions? options = null)
    {
        options ??= new();
        var server = Prepare(options, superuserPassword: options.UnsafeFast ? FirstPassword : null, administratorPassword: null);
        try
        {
            await server.InitializeAsync();
            await server.LaunchOnFreePortAsync();
            await server.CreateAdministratorAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The same in a container, for what needs no more of it than a connection.</summary>
    /// <exception cref="InvalidOperationException">There is no container engine on this machine; says so.</exception>
    internal static async Task<PostgresServer> StartInContainerAsync(int? major)
    {
        var password = NewPassword();
        var (container, version) = await PostgresContainer.StartAsync(major, SuperuserName, password, Arguments(Common(new())));
        var server = new PostgresServer(container, version, container.GetMappedPublicPort(5432), password);
        try
        {
            await server.CreateAdministratorAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// A second instance that follows this one and only reads, as a cluster's reader does, until it is promoted. Made from a copy of the data under way, which is what pg_basebackup does;
    /// the packages of most versions do not have it. Same users, same passwords.
    /// </summary>
    public async Task<PostgresServer> StartStandbyAsync()
    {
        var standby = Prepare(_options with { Major = Major }, SuperuserPassword, AdministratorPassword);
        try
        {
            await standby.CopyAsync(this);
            await standby.LaunchOnFreePortAsync();
            await standby.CaughtUpAsync(this);
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    /// <summary>Until the standby has applied everything that the writer has confirmed so far.</summary>
    public async Task CaughtUpAsync(PostgresServer writer)
    {
        var position = await ScalarAsync(writer.SuperuserConnectionString, "SELECT pg_current_wal_lsn()::text");
        for (var waited = Stopwatch.StartNew(); await ScalarAsync(SuperuserConnectionString, $"SELECT (pg_last_wal_replay_lsn() >= '{position}'::pg_lsn)::text") != "true";)
        {
            if (waited.Elapsed > StartLimit) throw new InvalidOperationException("The standby does not catch up.");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    /// <summary>Makes a standby the writer.</summary>
    public async Task PromoteAsync() => await ScalarAsync(SuperuserConnectionString, "SELECT pg_promote(true, 60)::text");

    private static PostgresServer Prepare(PostgresServerOptions options, string? superuserPassword, string? administratorPassword)
    {
        var binaries = PostgresBinaries.Find(options.Major) ?? throw new InvalidOperationException(
            options.Major is { } major ? $"PostgreSQL {major}: {PostgresBinaries.HowToGetThem}" : PostgresBinaries.HowToGetThem);
        if (ServerUser.IsNeeded && !ServerUser.CanReach(binaries.Folder))
            throw new InvalidOperationException($"PostgreSQL does not run as root, and other users cannot reach {binaries.Folder}.");

        return new PostgresServer(binaries, options, NewDirectory(), superuserPassword ?? NewPassword(), administratorPassword ?? NewPassword());
    }

    private static string NewDirectory()
    {
        // The other user must be able to pass through to the folder; a private TMPDIR would keep it out.
        var wanted = Environment.GetEnvironmentVariable("DBACCESS_TEST_PG_DATA") is { Length: > 0 } named ? named : Path.GetTempPath();
        var parent = ServerUser.IsNeeded && !ServerUser.CanReach(wanted) ? "/tmp" : wanted;
        var directory = Path.Combine(parent, $"dbaccess-pg-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        System.IO.Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return directory;
    }

    public string ConnectionString(string user, string password, string database)
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Username = user,
            Password = password,
            Database = database,
            Timeout = 30,
            GssEncryptionMode = GssEncryptionMode.Disable,
            SslMode = !_options.Tls ? SslMode.Disable : _options.CertificateFor is null ? SslMode.VerifyFull : SslMode.VerifyCA,
        };
        // Tests ask for no types of a database's own, and to read them all in each new one costs more than most of what is asked. By its word,
        // since who has a property for it is a data source, and these are strings.
        builder["Server Compatibility Mode"] = "NoTypeLoading";
        if (_options.Tls) builder.RootCertificate = CaCertificatePath;
        return builder.ConnectionString;
    }

    /// <summary>Stops the server and keeps its data. All sessions end.</summary>
    /// <param name="immediate">Without a checkpoint, like a crash: the next start recovers from the log.</param>
    public Task StopAsync(bool immediate = false) => StopAsync(immediate ? "QUIT" : "INT");

    /// <summary>As a machine that loses its power: nothing is told to anybody. Data as after <see cref="StopAsync(bool)"/>.</summary>
    public Task KillAsync() => StopAsync("KILL");

    private async Task StopAsync(string signal)
    {
        _ = Directory;
        if (_supervisor is not { } supervisor) return;

        if (!supervisor.HasExited)
        {
            try
            {
                await supervisor.StandardInput.WriteLineAsync(signal);
                await supervisor.StandardInput.FlushAsync();
            }
            catch (IOException)
            {
                // It ended by itself in between.
            }
            using var limit = new CancellationTokenSource(StopLimit);
            try
            {
                await supervisor.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                supervisor.Kill(entireProcessTree: true);
                await supervisor.WaitForExitAsync(CancellationToken.None);
            }
        }
        supervisor.Dispose();
        _supervisor = null;
    }

    /// <summary>Starts a stopped server with the data and the port it had.</summary>
    public async Task StartAgainAsync()
    {
        if (IsRunning) throw new InvalidOperationException("The server is running.");

        await StopAsync();   // lets go of one that ended by itself
        for (var attempt = 1; !await TryLaunchAsync(); attempt++)
        {
            if (attempt == 20) throw new InvalidOperationException($"Port {Port} has been taken by somebody else meanwhile, or the server before does not end.");
            await Task.Delay(TimeSpan.FromMilliseconds(250));
        }
    }

    /// <summary>
    /// A new database, empty, owned by a role of its own that cannot log in. The administrator makes both and grants itself
    /// the owner, as the master user of a cloud database has to.
    /// </summary>
    public Task<TestDatabase> CreateDatabaseAsync(string name) => CreateDatabaseAsync(name, $"{name}_owner");

    /// <summary>A database with the shop of <c>samples/orders.sql</c>, owned by <c>orders_owner</c>.</summary>
    public async Task<TestDatabase> CreateSampleOrdersAsync(string databaseName = "orders")
    {
        var database = await CreateDatabaseAsync(databaseName, SampleOwner);
        await using var resource = typeof(PostgresServer).Assembly.GetManifestResourceStream("samples/orders.sql")!;
        using var reader = new StreamReader(resource);
        await database.RunAsOwnerAsync(await reader.ReadToEndAsync());
        return database;
    }

    public async Task DropDatabaseAsync(TestDatabase database) =>
        await RunAsync(SuperuserConnectionString, [("DROP DATABASE IF EXISTS %I WITH (FORCE)", [database.Name])]);

    public async ValueTask DisposeAsync()
    {
        if (_container is not null) await _container.DisposeAsync();
        else await StopAsync();
        _owners.Dispose();
        if (System.IO.Directory.Exists(_directory)) System.IO.Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Statements about roles take no parameters, so the server itself quotes the values; then <paramref name="script"/> as it is.</summary>
    internal static async Task RunAsync(
        string connectionString, IEnumerable<(string Format, string[] Values)> statements, string? script = null)
    {
        // Statement logging is for what a test does, not for the passwords set here; only a superuser may turn it off.
        var builder = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        if (builder.Username == SuperuserName)
            builder.Options = "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic";
        await using var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync();

        foreach (var (format, values) in statements)
        {
            await using var quote = new NpgsqlCommand("SELECT format($1, VARIADIC $2::text[])", connection);
            quote.Parameters.Add(new NpgsqlParameter<string> { TypedValue = format });
            quote.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = values });
            var statement = (string)(await quote.ExecuteScalarAsync())!;
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
        if (script is null) return;
        await using var rest = new NpgsqlCommand(script, connection);
        await rest.ExecuteNonQueryAsync();
    }

    private async Task<TestDatabase> CreateDatabaseAsync(string name, string owner)
    {
        await CreateOwnerAsync(owner);
        // From 15 on a copy goes block by block through the log, unless told otherwise, which costs twice as much.
        var copy = Major >= 15 ? " STRATEGY file_copy" : "";
        await RunAsync(AdministratorConnectionString, [($"CREATE DATABASE %I OWNER %I TEMPLATE template0{copy}", [name, owner])]);
        var database = new TestDatabase(this, name, owner);
        if (Major < 15)
        {
            // Until 14 everybody may create in public and the superuser owns it; from 15 on the database's owner does.
            await RunAsync(
                database.SuperuserConnectionString,
                [("GRANT CREATE, USAGE ON SCHEMA public TO %I WITH GRANT OPTION", [owner])],
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        }
        return database;
    }

    private async Task CreateOwnerAsync(string owner)
    {
        await _owners.WaitAsync();
        try
        {
            await using (var connection = new NpgsqlConnection(AdministratorConnectionString))
            {
                await connection.OpenAsync();
                await using var exists = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", connection);
                exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = owner });
                if ((bool)(await exists.ExecuteScalarAsync())!) return;
            }
            // From 16 on whoever makes a role may administer it, but neither inherits from it nor becomes it unless granted.
            await RunAsync(AdministratorConnectionString,
            [
                ("CREATE ROLE %I NOLOGIN", [owner]),
                (Major >= 16 ? "GRANT %I TO %I WITH INHERIT TRUE, SET TRUE" : "GRANT %I TO %I", [owner, AdministratorName]),
            ]);
        }
        finally
        {
            _owners.Release();
        }
    }

    private async Task InitializeAsync()
    {
        if (_options.Tls)
            await ServerCertificate.WriteAsync(CaCertificatePath!, Path.Combine(Directory, "server.crt"), Path.Combine(Directory, "server.key"), _options.CertificateFor);
        await ServerUser.OwnAsync(Directory);

        if (_options.UnsafeFast)
        {
            // A copy of one that was made before, which takes a fraction of the time.
            var first = await FirstData.GetOrAdd(Binaries.Folder, folder => new Lazy<Task<string>>(() => MakeFirstAsync(Binaries))).Value;
            await Tool.RunAsync(["cp", "-a", "--", first, DataDirectory], Directory);
        }
        else
        {
            await InitdbAsync(Binaries, Directory, SuperuserPassword, []);
        }

        var connections = _options.Tls ? "hostssl" : "host";
        await File.WriteAllTextAsync(Path.Combine(DataDirectory, "pg_hba.conf"), $"""
            local all all reject
            {connections} all all 127.0.0.1/32 scram-sha-256
            {connections} replication all 127.0.0.1/32 scram-sha-256

            """);
    }

    /// <summary>Gone with this process.</summary>
    private static async Task<string> MakeFirstAsync(PostgresBinaries binaries)
    {
        var directory = NewDirectory();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => System.IO.Directory.Delete(directory, recursive: true);
        await InitdbAsync(binaries, directory, FirstPassword, ["--no-sync", "--wal-segsize=1"]);
        return Path.Combine(directory, "data");
    }

    private static async Task InitdbAsync(PostgresBinaries binaries, string directory, string superuserPassword, string[] more)
    {
        var passwordFile = Path.Combine(directory, "pw");
        await SecretFile.WriteAsync(passwordFile, superuserPassword);
        await ServerUser.OwnAsync(directory);
        await Tool.RunAsync(
            [
                .. ServerUser.Prefix, binaries.Tool("initdb"), "-D", Path.Combine(directory, "data"), "-U", SuperuserName, "--encoding=UTF8", "--locale=C",
                "--auth-host=scram-sha-256", "--auth-local=reject", $"--pwfile={passwordFile}", "--no-instructions", .. more,
            ],
            directory);
        File.Delete(passwordFile);
    }

    private async Task CopyAsync(PostgresServer writer)
    {
        // One session from begin to end, or the server gives the copy up.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(writer.SuperuserConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using (var begin = new NpgsqlCommand(Major >= 15 ? "SELECT pg_backup_start('standby', true)::text" : "SELECT pg_start_backup('standby', true, false)::text", connection)) await begin.ExecuteScalarAsync();
        // A file that goes away meanwhile is what the log is for.
        await Tool.RunAsync(["sh", "-c", "cp -a -- \"$1\" \"$2\" 2>/dev/null; test -e \"$2/PG_VERSION\"", "sh", writer.DataDirectory, DataDirectory], Directory);
        await using var end = new NpgsqlCommand(Major >= 15 ? "SELECT labelfile FROM pg_backup_stop(false)" : "SELECT labelfile FROM pg_stop_backup(false, false)", connection);
        await File.WriteAllTextAsync(Path.Combine(DataDirectory, "backup_label"), (string)(await end.ExecuteScalarAsync())!);

        File.Delete(Path.Combine(DataDirectory, "postmaster.pid"));
        await File.WriteAllTextAsync(Path.Combine(DataDirectory, "standby.signal"), "");
        await File.AppendAllTextAsync(
            Path.Combine(DataDirectory, "postgresql.auto.conf"), $"primary_conninfo = 'host={Host} port={writer.Port} user={SuperuserName} password={SuperuserPassword} sslmode=prefer'\n");
        await ServerUser.OwnAsync(Directory);
    }

    private static async Task<string> ScalarAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private PostgresBinaries Binaries => _binaries ?? throw new InvalidOperationException("A server in a container has no binaries here.");

    private string DataDirectory => Path.Combine(Directory, "data");

    private async Task LaunchOnFreePortAsync()
    {
        for (var attempt = 1; attempt <= 10; attempt++)
        {
            Port = FreePort();
            if (await TryLaunchAsync()) return;
        }
        throw new InvalidOperationException("Ten ports that were free a moment before had all been taken when PostgreSQL asked for them.");
    }

    /// <summary>False when the port was lost to somebody else, or the server before has not let go of its folder; every other failure is thrown.</summary>
    private async Task<bool> TryLaunchAsync()
    {
        var logged = File.Exists(LogPath) ? new FileInfo(LogPath).Length : 0;
        var start = Tool.Describe(
            ["setsid", "sh", "-c", Supervisor, "sh", Directory, .. ServerUser.Prefix, Binaries.Tool("postgres"), "-D", DataDirectory, .. Settings()],
            Directory);
        start.RedirectStandardInput = true;
        foreach (var (name, value) in _options.Environment) start.Environment[name] = value;
        _supervisor = Process.Start(start)!;

        var waited = Stopwatch.StartNew();
        var probe = new NpgsqlConnectionStringBuilder(SuperuserConnectionString) { Pooling = false, Timeout = 5 }.ConnectionString;
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(probe);
                await connection.OpenAsync();
                // Whoever answers with our password is ours, but it must also still be there.
                if (!_supervisor.HasExited) return true;
            }
            catch (NpgsqlException) when (waited.Elapsed < StartLimit)
            {
                // Not there yet.
            }
            catch (NpgsqlException failure)
            {
                var text = await LogFromAsync(logged);
                await StopAsync(immediate: true);
                throw new InvalidOperationException($"PostgreSQL {Major} did not accept connections within {StartLimit.TotalSeconds} s. Its log: {text}", failure);
            }

            if (_supervisor.HasExited)
            {
                var text = await LogFromAsync(logged);
                await StopAsync();
                if (text.Contains("could not create any TCP/IP sockets", StringComparison.Ordinal)) return false;
                // The one before was killed and is not quite gone; on a busy machine that takes a moment.
                if (text.Contains("\"postmaster.pid\" already exists", StringComparison.Ordinal) || text.Contains("pre-existing shared memory block", StringComparison.Ordinal)) return false;
                throw new InvalidOperationException($"PostgreSQL {Major} ended while starting. Its log: {text}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    private async Task<string> LogFromAsync(long position)
    {
        if (!File.Exists(LogPath)) return "(none)";
        await using var stream = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Position = Math.Max(position, stream.Length - 4000);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    private IEnumerable<string> Settings()
    {
        var settings = Common(_options);
        settings["port"] = Port.ToString(CultureInfo.InvariantCulture);
        settings["listen_addresses"] = Host;
        settings["unix_socket_directories"] = "";
        if (_options.Tls)
        {
            settings["ssl"] = "on";
            settings["ssl_cert_file"] = Path.Combine(Directory, "server.crt");
            settings["ssl_key_file"] = Path.Combine(Directory, "server.key");
        }
        foreach (var (name, value) in _options.Settings) settings[name] = value;
        return Arguments(settings);
    }

    private static IEnumerable<string> Arguments(Dictionary<string, string> settings) => settings.SelectMany(setting => (string[])["-c", $"{setting.Key}={setting.Value}"]);

    /// <summary>What does not depend on where the server runs.</summary>
    private static Dictionary<string, string> Common(PostgresServerOptions options)
    {
        Dictionary<string, string> settings = new(StringComparer.Ordinal)
        {
            ["password_encryption"] = "scram-sha-256",
            ["max_connections"] = "100",
            // Holders may prepare transactions to outlive their grant; off by default, so nobody would notice.
            ["max_prepared_transactions"] = "10",
            ["log_line_prefix"] = "%m [%p] user=%u db=%d state=%e ",
        };
        if (options.UnsafeFast)
        {
            // Not synchronous_commit: without it a server that is stopped like a crash forgets what it had confirmed.
            foreach (var name in (string[])["fsync", "full_page_writes", "jit", "autovacuum"]) settings[name] = "off";
            settings["shared_buffers"] = "16MB";
            // In the data folder, which goes with the server: what a killed one has in /dev/shm stays there.
            settings["dynamic_shared_memory_type"] = "mmap";
        }
        return settings;
    }

    private async Task CreateAdministratorAsync()
    {
        await RunAsync(
            SuperuserConnectionString,
            [
                ("CREATE ROLE rds_superuser NOLOGIN", []),
                ("CREATE ROLE %I LOGIN CREATEROLE CREATEDB NOSUPERUSER PASSWORD %L", [AdministratorName, AdministratorPassword]),
                ("GRANT rds_superuser TO %I", [AdministratorName]),
            ],
            // Which predefined roles there are differs by version; the cloud's administrator may hand on all of these.
            """
            DO $$
            DECLARE predefined name;
            BEGIN
                FOR predefined IN
                    SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN (
                        'pg_monitor', 'pg_signal_backend', 'pg_read_all_data', 'pg_write_all_data', 'pg_checkpoint',
                        'pg_create_subscription', 'pg_use_reserved_connections', 'pg_maintain', 'pg_signal_autovacuum_worker')
                LOOP
                    EXECUTE format('GRANT %I TO rds_superuser WITH ADMIN OPTION', predefined);
                END LOOP;
            END
            $$
            """);
    }

    /// <summary>Below the range that the kernel gives to outgoing connections, so that a stopped server finds its port again.</summary>
    private static int FreePort()
    {
        for (var attempt = 1; attempt <= 100; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(20000, 32000);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken; the next one.
            }
        }
        throw new InvalidOperationException("A hundred ports between 20000 and 32000 were all taken.");
    }

    private static string NewPassword() => SecretLedger.Made(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
}
