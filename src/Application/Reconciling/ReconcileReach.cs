namespace DbAccess.Application.Reconciling;

/// <summary>Which clusters are compared with the record.</summary>
public enum ReconcileReach
{
    /// <summary>
    /// Those with live or lately ended grants, and of the grants only what was not seen by the last pass: cheap enough for every sweep.
    /// </summary>
    BusyCheaply,

    /// <summary>
    /// Those with live or lately ended grants; every live grant is read. For every hour: a cluster where nothing is live is left asleep.
    /// </summary>
    Busy,

    /// <summary>All that the policy names, for a person who asks. Wakes those that sleep.</summary>
    All,
}
