using DbAccess.Domain;
using DbAccess.Domain.Databases;

namespace DbAccess.Application.Ports;

/// <summary>How to reach a cluster as its administrator: CREATEROLE, not a superuser.</summary>
/// <param name="SslMode">libpq's word: <c>disable</c>, <c>allow</c>, <c>prefer</c>, <c>require</c>, <c>verify-ca</c> or
/// <c>verify-full</c>.</param>
/// <param name="Database">Where the administrator logs in when no database is meant.</param>
/// <param name="Readers">Further instances (<c>host:port</c>) on which a role can have sessions.</param>
public sealed record AdminCredential(
    string Host,
    int Port,
    string Username,
    Secret Password,
    string SslMode,
    string Database,
    IReadOnlyList<string> Readers)
{
    /// <summary>
    /// True: whoever answers may ask for the password in whatever way, also in clear. Otherwise, where nobody verifies who answers (an
    /// <see cref="SslMode"/> below <c>verify-ca</c>), only SCRAM is taken, which shows the password to nobody.
    /// </summary>
    public bool AnyAuthentication { get; init; }
}

/// <summary>The administrator credentials of a cluster.</summary>
public interface IAdminCredentials
{
    /// <summary>
    /// Answers from a short-lived cache unless <paramref name="fresh"/>, which is for the moment after a server rejected what the cache
    /// held. Missing, unreadable, malformed, or readable by others: a refusal that says which cluster and what to do, never the content.
    /// </summary>
    Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken);
}
