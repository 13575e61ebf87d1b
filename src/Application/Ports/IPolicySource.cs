using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Ports;

/// <summary>The access policy in force: the newest one that was read and found without faults.</summary>
public interface IPolicySource
{
    /// <summary>As long as there is none (<see cref="Missing"/>): <see cref="AccessPolicy.Nothing"/>, which allows nothing.</summary>
    AccessPolicy Current { get; }

    /// <summary>
    /// Null, or the refusal of everything that is decided by a policy: not one could be used since the start. Who takes away does not ask:
    /// what was given ends without a policy as well.
    /// </summary>
    Error? Missing => null;
}
