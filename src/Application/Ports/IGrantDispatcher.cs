using DbAccess.Domain.Grants;

namespace DbAccess.Application.Ports;

/// <summary>
/// Makes the next step of a grant happen now instead of at the next sweep. Losing a dispatch loses nothing but time: the step is on record
/// as due.
/// </summary>
public interface IGrantDispatcher
{
    /// <summary>Returns at once; the step is taken behind.</summary>
    void Dispatch(GrantId id);
}
