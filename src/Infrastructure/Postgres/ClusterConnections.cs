using System.Collections.Concurrent;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>
/// Connections to the target clusters as their administrators. Bounded per cluster, kept for about a minute at most and dropped when idle,
/// since after a failover an old one leads to the wrong instance.
/// </summary>
internal sealed class ClusterConnections(IAdminCredentials credentials, PostgresOptions options, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>How long a rejected administrator is not tried again, so that a wrong password does not lock the account.</summary>
    private static readonly TimeSpan RejectionPause = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<ClusterName, Cluster> _clusters = new();

    /// <summary>
    /// What every session starts with. In the start-up packet, so that it costs no round trip, wins over settings of the database and the role,
    /// and survives a reset. A database can otherwise turn <c>standard_conforming_strings</c> off, or put functions of its own in front.
    /// </summary>
    private const string Preamble =
        "-c standard_conforming_strings=on -c search_path=pg_catalog -c lock_timeout=2s -c statement_timeout=30s"
        + " -c idle_in_transaction_session_timeout=15s -c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed"
        + " -c client_min_messages=warning -c jit=off -c plan_cache_mode=force_generic_plan -c synchronous_commit=on -c TimeZone=UTC";

    /// <summary>
    /// A connection to a database of the cluster (null: the one of the credentials). Give it back before asking for another: two at once by
    /// everybody would lock up when the cluster's bound is reached.
    /// </summary>
    /// <exception cref="ClusterFault">There is no way in now.</exception>
    public async Task<ClusterConnection> OpenAsync(ClusterName name, string? database, CancellationToken cancellationToken, string? reader = null, bool pooled = true)
    {
        var cluster = _clusters.GetOrAdd(name, key => new Cluster(key, options));
        await cluster.Slots.WaitAsync(cancellationToken);
        try
        {
            var credential = await FindAsync(name, fresh: false, cancellationToken);
            if (cluster.IsRejected(credential, clock.GetUtcNow())) throw Rejected(name);

            for (var attempt = 1; ; attempt++)
            {
                NpgsqlConnection? connection = null;
                try
                {
                    connection = cluster.SourceFor(credential, database ?? credential.Database, reader, pooled).CreateConnection();
                    await connection.OpenAsync(cancellationToken);
                    return new ClusterConnection(connection, credential, cluster);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    if (connection is not null) await connection.DisposeAsync();
                    if (!ClusterFault.IsRejection(failure)) throw ClusterFault.From(failure, name, database ?? credential.Database);

                    // The password may have been rotated behind our back: ask once more, and only then give up.
                    var known = credential;
                    credential = attempt == 1 ? await FindAsync(name, fresh: true, cancellationToken) : known;
                    if (attempt == 1 && !Same(known, credential)) continue;

                    cluster.Reject(credential, clock.GetUtcNow() + RejectionPause);
                    throw Rejected(name);
                }
            }
        }
        catch
        {
            cluster.Slots.Release();
            throw;
        }
    }

    /// <summary>The readers of a cluster, as its credentials list them.</summary>
    public async Task<AdminCredential> CredentialAsync(ClusterName name, CancellationToken cancellationToken) => await FindAsync(name, fresh: false, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters.Values) await cluster.DisposeAsync();
    }

    private async Task<AdminCredential> FindAsync(ClusterName name, bool fresh, CancellationToken cancellationToken)
    {
        var found = await credentials.FindAsync(name, fresh, cancellationToken);
        return found.Refusal is { } refusal ? throw new ClusterFault(refusal, mayPass: true) : found.Value;
    }

    private static ClusterFault Rejected(ClusterName name) => ClusterFault.From(new PostgresException("", "FATAL", "FATAL", "28P01"), name, "");

    private static bool Same(AdminCredential one, AdminCredential other) => ReferenceEquals(one, other)
        || (one.Host == other.Host && one.Port == other.Port && one.Username == other.Username && one.SslMode == other.SslMode
            && one.Database == other.Database && one.Password.Reveal() == other.Password.Reveal() && one.Readers.SequenceEqual(other.Readers, StringComparer.Ordinal));

    internal sealed class Cluster(ClusterName name, PostgresOptions options) : IAsyncDisposable
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<(string Host, int Port, string Database, bool Pooled), NpgsqlDataSource> _sources = [];
        private AdminCredential? _credential;
        private AdminCredential? _rejected;
        private DateTimeOffset _rejectedUntil;

        public ClusterName Name { get; } = name;

        public SemaphoreSlim Slots { get; } = new(options.MaxConnectionsPerCluster);

        public NpgsqlDataSource SourceFor(AdminCredential credential, string database, string? reader, bool pooled)
        {
            var (host, port) = Split(reader, credential);
            lock (_gate)
            {
                if (_credential is null || !Same(_credential, credential))
                {
                    // Connections that are out are closed when they come back.
                    foreach (var source in _sources.Values) source.Dispose();
                    _sources.Clear();
                    _credential = credential;
                }
                if (_sources.TryGetValue((host, port, database, pooled), out var known)) return known;

                return _sources[(host, port, database, pooled)] = Build(credential, host, port, database, pooled);
            }
        }

        /// <summary>Closes what is idle; what is out is closed when it comes back. For when one connection turned out to lead nowhere.</summary>
        public void DropIdle()
        {
            lock (_gate)
            {
                foreach (var source in _sources.Values) source.Clear();
            }
        }

        public bool IsRejected(AdminCredential credential, DateTimeOffset now)
        {
            lock (_gate) return _rejected is not null && now < _rejectedUntil && Same(_rejected, credential);
        }

        public void Reject(AdminCredential credential, DateTimeOffset until)
        {
            lock (_gate) (_rejected, _rejectedUntil) = (credential, until);
        }

        public async ValueTask DisposeAsync()
        {
            List<NpgsqlDataSource> sources;
            lock (_gate)
            {
                sources = [.. _sources.Values];
                _sources.Clear();
            }
            foreach (var source in sources) await source.DisposeAsync();
            Slots.Dispose();
        }

        private NpgsqlDataSource Build(AdminCredential credential, string host, int port, string database, bool pooled)
        {
            var builder = new NpgsqlDataSourceBuilder
            {
                ConnectionStringBuilder =
                {
                    Host = host,
                    Port = port,
                    Username = credential.Username,
                    Password = credential.Password.Reveal(),
                    Database = database,
                    SslMode = SslModeOf(credential.SslMode),
                    ApplicationName = "dbaccess",
                    Options = Preamble,
                    Timeout = (int)options.ConnectTimeout.TotalSeconds,
                    // Just more than the server's own limit, which is the one that should speak.
                    CommandTimeout = 35,
                    Pooling = pooled,
                    MaxPoolSize = options.MaxConnectionsPerCluster,
                    ConnectionIdleLifetime = 10,
                    ConnectionPruningInterval = 5,
                    ConnectionLifetime = 60,
                    NoResetOnClose = true,
                    // What recurs (the reading back) is planned once per connection, also in one go with statements that never recur.
                    MaxAutoPrepare = 20,
                    AutoPrepareMinUsages = 2,
                    Enlist = false,
                    GssEncryptionMode = GssEncryptionMode.Disable,
                    TcpKeepAlive = true,
                    Encoding = "UTF8",
                    ClientEncoding = "UTF8",
                    PersistSecurityInfo = false,
                    IncludeErrorDetail = false,
                    LogParameters = false,
                    // Names the statement that failed. Its text may hold a verifier: such an exception goes no further than our own catch.
                    IncludeFailedBatchedCommand = true,
                },
            };
            // Built-in types are all we need; loading a database's own costs a round trip for each connection.
            builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));
            // Whoever listens to Npgsql's traces would read statements with verifiers in them.
            builder.ConfigureTracing(tracing => tracing.ConfigureCommandFilter(_ => false).ConfigureBatchFilter(_ => false));
            return builder.Build();
        }

        private SslMode SslModeOf(string word) => word switch
        {
            "disable" => SslMode.Disable,
            "allow" => SslMode.Allow,
            "prefer" => SslMode.Prefer,
            "require" => SslMode.Require,
            "verify-ca" => SslMode.VerifyCA,
            "" or "verify-full" => SslMode.VerifyFull,
            _ => throw new ClusterFault(new Error("postgres.sslmode", $"The administrator credentials of cluster {Name} have an sslmode that libpq does not know."), mayPass: true),
        };

        private (string Host, int Port) Split(string? reader, AdminCredential credential)
        {
            if (reader is null) return (credential.Host, credential.Port);
            var colon = reader.LastIndexOf(':');
            if (colon < 0 || reader.EndsWith(']')) return (reader.Trim('[', ']'), credential.Port);
            return int.TryParse(reader.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                ? (reader[..colon].Trim('[', ']'), port)
                : throw new ClusterFault(new Error("postgres.reader", $"The administrator credentials of cluster {Name} list a reader that is not host:port."), mayPass: true);
        }
    }
}

/// <summary>A connection that is ours until it is given back.</summary>
internal sealed class ClusterConnection(NpgsqlConnection connection, AdminCredential credential, ClusterConnections.Cluster cluster) : IAsyncDisposable
{
    private int _returned;

    public NpgsqlConnection Connection { get; } = connection;

    public AdminCredential Credential { get; } = credential;

    public int Major { get; } = connection.PostgreSqlVersion.Major;

    /// <summary>From here on everybody connects anew.</summary>
    public void DropPool() => cluster.DropIdle();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _returned, 1) == 1) return;
        try
        {
            await Connection.DisposeAsync();
        }
        finally
        {
            cluster.Slots.Release();
        }
    }
}
