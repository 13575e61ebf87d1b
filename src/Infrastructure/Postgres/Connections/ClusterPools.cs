using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>The connections to one database. It holds as many as were ever out at once since it was cleared, at most.</summary>
internal sealed class ClusterPool(NpgsqlDataSource source, bool keeps)
{
    public NpgsqlDataSource Source { get; } = source;

    public int Out { get; private set; }

    public int Most { get; private set; }

    public void Take() => Most = Math.Max(Most, ++Out);

    public void PutBack()
    {
        Out--;
        if (!keeps) Most = Out;
    }

    public void Clear()
    {
        Source.Clear();
        Most = Out;
    }
}

/// <summary>What is held to one cluster: its pools, by database, and as many places as it may have connections.</summary>
internal sealed class ClusterPools(ClusterName name, PostgresOptions options) : IAsyncDisposable
{
    /// <summary>
    /// What every session starts with. In the start-up packet, so that it costs no round trip, wins over settings of the database and the
    /// role, and survives a reset. A database can otherwise turn <c>standard_conforming_strings</c> off, or put functions of its own in
    /// front.
    /// </summary>
    private const string Preamble =
        "-c standard_conforming_strings=on -c search_path=pg_catalog -c lock_timeout=2s -c statement_timeout=30s"
        + " -c idle_in_transaction_session_timeout=15s -c default_transaction_read_only=off -c default_transaction_isolation=read\\ " +
            "committed"
        // A database can have everybody become another role, or cut off whoever is quiet for a moment.
        + " -c role=none -c idle_session_timeout=0"
        + " -c client_min_messages=warning -c jit=off -c plan_cache_mode=force_generic_plan -c synchronous_commit=on -c TimeZone=UTC";

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Host, int Port, string Database, bool Pooled), ClusterPool> _pools = [];
    private string _extra = "";
    private AdminCredential? _credential;
    private AdminCredential? _rejected;
    private DateTimeOffset _rejectedUntil;
    private string? _rejectedWith;

    public ClusterName Name { get; } = name;

    public SemaphoreSlim Slots { get; } = new(options.MaxConnectionsPerCluster);

    public StatementSeam Seam => options.Seam;

    /// <summary>
    /// Where to open one more connection. Idle ones to other databases are closed when there would be more than the bound, all
    /// databases together: the server has no more room for us.
    /// </summary>
    public ClusterPool Take(AdminCredential credential, string database, string? reader, bool pooled)
    {
        var (host, port) = Split(reader, credential);
        lock (_gate)
        {
            if (_credential is null || !Same(_credential, credential))
            {
                ClearSources();
                _credential = credential;
            }
            if (!_pools.TryGetValue((host, port, database, pooled), out var pool))
                _pools[(host, port, database, pooled)] = pool = new ClusterPool(Build(credential, host, port, database, pooled), pooled);

            pool.Take();
            foreach (var idle in _pools.Values.Where(other => other.Most > other.Out).OrderBy(other => other == pool))
            {
                if (_pools.Values.Sum(one => one.Most) <= options.MaxConnectionsPerCluster) break;
                idle.Clear();
            }
            return pool;
        }
    }

    public void PutBack(ClusterPool pool)
    {
        lock (_gate) pool.PutBack();
    }

    /// <summary>
    /// What only later versions know, they are told from the second connection on. True when the first one has to be made again for
    /// that.
    /// </summary>
    public bool Learn(int major)
    {
        lock (_gate)
        {
            var again = _extra.Length == 0 && major >= 17;
            if (!again) return false;

            _extra = " -c transaction_timeout=0";
            ClearSources();
            return true;
        }
    }

    /// <summary>Another, older server answers under this name. True when there was something to forget.</summary>
    public bool Forget()
    {
        lock (_gate)
        {
            if (_extra.Length == 0) return false;

            _extra = "";
            ClearSources();
            return true;
        }
    }

    /// <summary>
    /// Closes what is idle; what is out is closed when it comes back. For when one connection turned out to lead nowhere.
    /// </summary>
    public void DropIdle()
    {
        lock (_gate)
        {
            foreach (var pool in _pools.Values) pool.Clear();
        }
    }

    /// <summary>The server's code, while it is not to be tried again; else null.</summary>
    public string? RejectedWith(AdminCredential credential, DateTimeOffset now)
    {
        lock (_gate) return _rejected is not null && now < _rejectedUntil && Same(_rejected, credential) ? _rejectedWith : null;
    }

    public void Reject(AdminCredential credential, DateTimeOffset until, string code)
    {
        lock (_gate) (_rejected, _rejectedUntil, _rejectedWith) = (credential, until, code);
    }

    public static bool Same(AdminCredential one, AdminCredential other) => ReferenceEquals(one, other)
        || (one.Host == other.Host && one.Port == other.Port && one.Username == other.Username && one.SslMode == other.SslMode
            && one.Database == other.Database && one.AnyAuthentication == other.AnyAuthentication
            && one.Password.Reveal() == other.Password.Reveal()
                && one.Readers.SequenceEqual(other.Readers, StringComparer.Ordinal));

    public async ValueTask DisposeAsync()
    {
        List<NpgsqlDataSource> sources;
        lock (_gate)
        {
            sources = [.. _pools.Values.Select(pool => pool.Source)];
            _pools.Clear();
        }
        foreach (var source in sources) await source.DisposeAsync();
        Slots.Dispose();
    }

    /// <summary>Connections that are out are closed when they come back.</summary>
    private void ClearSources()
    {
        foreach (var pool in _pools.Values) pool.Source.Dispose();
        _pools.Clear();
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
                Options = Preamble + _extra,
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
        // Whoever answers could ask for the password in clear, and nobody has looked who it is.
        if (!credential.AnyAuthentication && credential.SslMode is not ("" or "verify-ca" or "verify-full"))
            builder.ConnectionStringBuilder.RequireAuth = "ScramSHA256";
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
        _ => throw new ClusterFault(new Error("postgres.sslmode",
            $"The administrator credentials of cluster {Name} have an sslmode that libpq does not know."), mayPass: true),
    };

    private (string Host, int Port) Split(string? reader, AdminCredential credential)
    {
        if (reader is null) return (credential.Host, credential.Port);
        var colon = reader.LastIndexOf(':');
        if (colon < 0 || reader.EndsWith(']')) return (reader.Trim('[', ']'), credential.Port);
        return int.TryParse(reader.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? (reader[..colon].Trim('[', ']'), port)
            : throw new ClusterFault(new Error("postgres.reader",
                $"The administrator credentials of cluster {Name} list a reader that is not host:port."), mayPass: true);
    }
}
