using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Application.Principals;

/// <summary>A group of the policy whose Slack user group cannot be read, and why.</summary>
public sealed record UnreadableGroup(string Name, string Why);

/// <summary>
/// Which of the policy's Slack user groups cannot be read: whatever rests on them is closed meanwhile, and only those whom it shuts out
/// would notice. Every question that a request asks is remembered; what nobody asked for lately is asked when somebody looks, so that a
/// scrape every few seconds is no load on Slack.
/// </summary>
public sealed class GroupHealth(IDirectory directory, IPolicySource policies, TimeProvider clock)
{
    private static readonly TimeSpan Good = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Bad = TimeSpan.FromMinutes(1);

    /// <summary>By Slack's id of the group.</summary>
    private readonly ConcurrentDictionary<string, (DateTimeOffset At, string? Why)> _answers = new(StringComparer.Ordinal);

    /// <summary>In the order of the policy's names. Fails never: a directory that does not answer is what this is about.</summary>
    public async Task<IReadOnlyList<UnreadableGroup>> ListAsync(CancellationToken cancellationToken)
    {
        var groups = policies.Current.Groups.Values.Where(group => group.SlackUsergroup is not null)
            .OrderBy(group => group.Name, StringComparer.Ordinal).ToList();
        await Task.WhenAll(groups.Select(group => group.SlackUsergroup!).Distinct(StringComparer.Ordinal).Where(IsStale)
            .Select(group => AskAsync(group, cancellationToken)));
        return
        [
            .. groups.Select(group => (group.Name, Why: _answers.GetValueOrDefault(group.SlackUsergroup!).Why))
                .Where(group => group.Why is not null).Select(group => new UnreadableGroup(group.Name, group.Why!)),
        ];
    }

    /// <summary>Somebody asked, and this was the answer.</summary>
    internal void Remember(string usergroup, Error? refusal) => _answers[usergroup] = (clock.GetUtcNow(), refusal?.Message);

    private bool IsStale(string usergroup) => !_answers.TryGetValue(usergroup, out var known)
        || clock.GetUtcNow() - known.At >= (known.Why is null ? Good : Bad);

    private async Task AskAsync(string usergroup, CancellationToken cancellationToken)
    {
        try
        {
            Remember(usergroup, (await directory.ListMembersAsync(usergroup, cancellationToken)).Refusal);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            Remember(usergroup, new Error("directory.failed", $"asking failed ({failure.GetType().Name})"));
        }
    }
}
