using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Ports;

/// <summary>
/// Where what happened is recorded that belongs to no grant's state: who tried what, refused attempts included, policies, acts of
/// administrators. A grant's own events are recorded by the write that saves it.
/// </summary>
public interface IAuditTrail
{
    /// <summary>On disk before it returns. A failure is the caller's failure: what cannot be recorded is not done.</summary>
    Task RecordAsync(LogEvent happened, CancellationToken cancellationToken);
}
