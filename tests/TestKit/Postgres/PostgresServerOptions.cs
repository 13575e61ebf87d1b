
namespace DbAccess.TestKit.Postgres;

/// <summary>How a throw-away server is to be made.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>14 to 18; null takes what is found first.</summary>
    public int? Major { get; init; }

    /// <summary>No waiting for the disk and little memory: right for tests, wrong for figures. Benchmarks set it to false.</summary>
    public bool UnsafeFast { get; init; } = true;

    /// <summary>
    /// A certificate of a throw-away authority for 127.0.0.1 and localhost; clients without TLS are then refused, and the
    /// connection strings verify the certificate in full.
    /// </summary>
    public bool Tls { get; init; }

    /// <summary>With <see cref="Tls"/>: the one name the certificate is for; null for 127.0.0.1 and localhost. The connection strings then verify the authority only.</summary>
    public string? CertificateFor { get; init; }

    /// <summary>Environment variables of the server's process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Further server settings (<c>log_statement</c> → <c>all</c>); they win over the ones chosen here.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
