using DbAccess.Domain;

namespace DbAccess.Application.Ports;

/// <summary>Whether Slack takes our token, and whether it is the workspace that the settings name.</summary>
public interface IChatHealth
{
    /// <summary>
    /// Refuses with what is wrong and what to do. That all is well may be up to a minute old; what is wrong is asked anew.
    /// </summary>
    Task<Result> CheckAsync(CancellationToken cancellationToken);
}
