using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Ports;

/// <summary>How a check ended.</summary>
public enum Health
{
    Ok,

    /// <summary>It works; something should be known or done.</summary>
    Warn,

    /// <summary>Access cannot be given, or cannot be taken away, until this is mended.</summary>
    Fail,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="About">The cluster, or the part of the product (<c>policy</c>, <c>slack</c>, <c>store</c>).</param>
/// <param name="Name">Stable, for machines: <c>tls</c>, <c>administrator.createrole</c>.</param>
/// <param name="What">What was found and what it means, for people. Never a secret.</param>
/// <param name="Mend">The statement or the act that mends it; null when there is nothing to mend.</param>
public sealed record Check(string About, string Name, Health Health, string What, string? Mend = null)
{
    /// <summary>The statements by themselves, and who runs them where; null where it is something else that mends it.</summary>
    public Remedy? Remedy { get; init; }
}

/// <summary>A database of the policy and the scopes that may be asked for on it.</summary>
public sealed record DatabaseToExamine(DatabaseTarget Target, IReadOnlyList<PrivilegeScope> Scopes);

/// <summary>Looks at a cluster as its administrator and leaves nothing changed.</summary>
public interface IClusterDoctor
{
    /// <summary>A cluster that cannot be reached is a failed check, not an exception.</summary>
    Task<IReadOnlyList<Check>> ExamineAsync(
        ClusterName cluster, string installation, IReadOnlyList<DatabaseToExamine> databases, CancellationToken cancellationToken);
}
