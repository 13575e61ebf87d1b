namespace DbAccess.Domain.Policies;

/// <summary>
/// How people reach a cluster, where that differs from how the administrator does. Only told, never used by the product itself.
/// </summary>
/// <param name="SslMode">libpq's word.</param>
/// <param name="SslRootCert">Where people have the authority's certificate, as libpq takes it (<c>system</c>, or a path).</param>
/// <param name="Note">One line that comes before the ways to connect: <c>VPN first</c>.</param>
/// <param name="Bastion">What opens the tunnel.</param>
public sealed record ConnectHints(string? Host, int? Port, string? SslMode, string? SslRootCert, string? Note, string? Bastion);
