namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>How we behave towards the target clusters.</summary>
/// <param name="MaxConnectionsPerCluster">How many connections we hold to one cluster at most, all its databases together.</param>
/// <param name="ConnectTimeout">How long one try to connect may take. Short, so that a writer that died in a failover is noticed.</param>
internal sealed record PostgresOptions(int MaxConnectionsPerCluster, TimeSpan ConnectTimeout)
{
    public static PostgresOptions Default { get; } = new(8, TimeSpan.FromSeconds(5));

    /// <summary>Whether a connection stays open where grants are live; always so in the product, where there are enough of them.</summary>
    public bool KeepsWarm { get; init; } = true;

    /// <summary>Told of every statement; in the product nobody listens.</summary>
    public StatementSeam Seam { get; init; } = StatementSeam.Closed;
}
