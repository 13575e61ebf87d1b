using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Grants;

/// <summary>Which way to connect a person took last, so that it stands first the next time. A preference and nothing else.</summary>
public sealed class ConnectMemory(IEvidenceLog marks)
{
    /// <summary>Null when they never chose.</summary>
    public Task<string?> ReadAsync(PrincipalId person, CancellationToken cancellationToken) =>
        marks.ReadMarkAsync(MarkOf(person), cancellationToken);

    /// <summary>Of two choices in one instant either is kept.</summary>
    public Task WriteAsync(PrincipalId person, string way, CancellationToken cancellationToken) =>
        marks.SetMarkAsync(MarkOf(person), way, cancellationToken);

    private static string MarkOf(PrincipalId person) => $"connect:{person.Team}:{person.User}";
}
