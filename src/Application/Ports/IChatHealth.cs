using DbAccess.Domain;

namespace DbAccess.Application.Ports;

/// <summary>Whether Slack takes our token, and whether it is the workspace that the settings name.</summary>
public interface IChatHealth
{
    /// <summary>Refuses with what is wrong and what to do. Answers may be up to a minute old.</summary>
    Task<Result> CheckAsync(CancellationToken cancellationToken);
}
