using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Xunit;

namespace DbAccess.TestKit.Postgres;

/// <summary>
/// A pooler in front of a server, in transaction mode, that knows one user. DBACCESS_PGBOUNCER names the program, or it is where Debian puts it;
/// scripts/test sees to it.
/// </summary>
public sealed class PgBouncer : IAsyncDisposable
{
    private static readonly string[] Places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];

    private readonly Process _process;
    private readonly string _directory;

    private PgBouncer(Process process, string directory, int port) => (_process, _directory, Port) = (process, directory, port);

    private static string? Program => Environment.GetEnvironmentVariable("DBACCESS_PGBOUNCER") is { Length: > 0 } named ? named : Array.Find(Places, File.Exists);

    public int Port { get; }

    /// <summary>Skips the test where there is none; in CI it fails.</summary>
    public static async Task<PgBouncer> StartAsync(PostgresServer server, string user, string password)
    {
        if (Program is not { } program)
        {
            const string why = "pgbouncer was not found. Run scripts/test, which gets it on Debian, or set DBACCESS_PGBOUNCER to its path.";
            if (Environment.GetEnvironmentVariable("CI") == "true") throw new InvalidOperationException(why);
            Assert.Skip(why);
            throw new InvalidOperationException("A skipped test goes on.");
        }

        var directory = Path.Combine(Path.GetTempPath(), $"dbaccess-bouncer-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}");
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            listener.Stop();

            await SecretFile.WriteAsync(Path.Combine(directory, "users.txt"), $"\"{user}\" \"{password}\"\n");
            await File.WriteAllTextAsync(Path.Combine(directory, "pgbouncer.ini"), string.Create(CultureInfo.InvariantCulture, $"""
                [databases]
                * = host=127.0.0.1 port={server.Port}
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = {port}
                unix_socket_dir =
                auth_type = scram-sha-256
                auth_file = {directory}/users.txt
                pool_mode = transaction
                ignore_startup_parameters = extra_float_digits
                logfile = {directory}/log

                """));
            await ServerUser.OwnAsync(directory);
            var process = Process.Start(Tool.Describe([.. ServerUser.Prefix, program, Path.Combine(directory, "pgbouncer.ini")], directory))!;
            _ = process.StandardOutput.ReadToEndAsync();
            _ = process.StandardError.ReadToEndAsync();
            var bouncer = new PgBouncer(process, directory, port);
            for (var watch = Stopwatch.StartNew(); ;)
            {
                try
                {
                    using var probe = new TcpClient();
                    await probe.ConnectAsync(IPAddress.Loopback, port);
                    return bouncer;
                }
                catch (SocketException) when (watch.Elapsed < Patience.Limit && !process.HasExited)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(20));
                }
                catch (SocketException)
                {
                    await bouncer.DisposeAsync();
                    throw;
                }
            }
        }
    }

    /// <summary>From now on a client for whom no session on the server can be had is turned away after a second, instead of two minutes.</summary>
    public async Task LoseItsPatienceAsync()
    {
        await File.AppendAllTextAsync(Path.Combine(_directory, "pgbouncer.ini"), "query_wait_timeout = 1\n");
        await Tool.RunAsync(["kill", "-HUP", _process.Id.ToString(CultureInfo.InvariantCulture)]);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
