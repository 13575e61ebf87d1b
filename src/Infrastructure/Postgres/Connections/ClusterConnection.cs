using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>How far the transaction on a connection is, for the record of what was run.</summary>
internal enum TransactionState
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>Nothing was changed in it so far.</summary>
    Begun,

    /// <summary>Something was changed in it, and its beginning is on record.</summary>
    Changed,
}

/// <summary>A connection that is ours until it is given back.</summary>
internal sealed class ClusterConnection(NpgsqlConnection connection, AdminCredential credential, ClusterPools cluster,
    ClusterPool pool, string? reader) : IAsyncDisposable
{
    private int _returned;

    public NpgsqlConnection Connection { get; } = connection;

    public AdminCredential Credential { get; } = credential;

    /// <summary>The reader it leads to; null for the writer.</summary>
    public string? Reader { get; } = reader;

    public int Major { get; } = connection.PostgreSqlVersion.Major;

    public ClusterName Cluster => cluster.Name;

    public StatementSeam Seam => cluster.Seam;

    public TransactionState Transaction { get; set; }

    /// <summary>How another logs in to the same database in the same way, once and by itself, and asks nothing.</summary>
    public NpgsqlDataSource LoginAs(string role, Secret password)
    {
        var builder = new NpgsqlDataSourceBuilder(Connection.ConnectionString)
        {
            ConnectionStringBuilder =
            {
                Username = role,
                Password = password.Reveal(),
                Pooling = false,
                ApplicationName = "dbaccess-proof",
                // What a session of ours begins with is not for others to set.
                Options = null,
            },
        };
        builder.ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        return builder.Build();
    }

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
            cluster.PutBack(pool);
            cluster.Slots.Release();
        }
    }
}
