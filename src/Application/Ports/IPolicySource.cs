using DbAccess.Domain.Policies;

namespace DbAccess.Application.Ports;

/// <summary>The access policy in force: the newest one that was read and found without faults.</summary>
public interface IPolicySource
{
    AccessPolicy Current { get; }
}
