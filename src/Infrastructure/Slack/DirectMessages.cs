using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// The direct message with each person. Messages go to the conversation, not to the person's id: only so can they be changed and deleted
/// later.
/// </summary>
internal sealed class DirectMessages(SlackApi api, TimeProvider clock)
{
    private const int MostRemembered = 10_000;

    private static readonly SlackAnswer Found = new SlackAnswer.Ok(default, null);

    private readonly ConcurrentDictionary<PrincipalId, string> _known = new();

    /// <summary>The conversation's id, or why there is none. Opening one twice gives the same one.</summary>
    private async Task<(string? Channel, SlackAnswer.Failed? Failure)> FindAsync(
            PrincipalId person, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(person, out var known)) return (known, null);

        return await OpenAsync(person, patience, cancellationToken);
    }

    /// <summary>Asks Slack, and makes sure that the conversation it names is with this very person.</summary>
    public async Task<(string? Channel, SlackAnswer.Failed? Failure)> OpenAsync(
            PrincipalId person, TimeSpan patience, CancellationToken cancellationToken)
    {
        const string method = "conversations.open";
        var answer = await api.CallAsync(
            method, new JsonObject { ["users"] = person.User, ["return_im"] = true }, patience, cancellationToken);
        if (answer is SlackAnswer.Failed failed) return (null, failed);

        var channel = ((SlackAnswer.Ok)answer).Body.Field("channel");
        if (channel?.Text("id") is not { Length: > 1 } id || id[0] != 'D')
            return (null, new(SlackFault.Transient, method, "unreadable_answer"));
        if (channel.Value.Text("user") != person.User) return (null, new(SlackFault.Transient, method, "other_person"));

        if (_known.Count >= MostRemembered) _known.Clear();
        _known[person] = id;
        return (id, null);
    }

    /// <summary>Posts into the conversation. One that we remember can have gone: then it is opened anew, once.</summary>
    public async Task<SlackAnswer> PostAsync(
        PrincipalId person, TimeSpan patience, Func<string, Task<SlackAnswer>> post, CancellationToken cancellationToken)
    {
        var answer = await OnceAsync();
        if (answer is not SlackAnswer.Failed { Code: "channel_not_found" }) return answer;

        Forget(person);
        return await OnceAsync();

        async Task<SlackAnswer> OnceAsync()
        {
            string? channel = null;
            var found = await SlackPosts.RepeatAsync(FindOnceAsync, clock, cancellationToken);
            return channel is null ? found : await post(channel);

            async Task<SlackAnswer> FindOnceAsync()
            {
                (channel, var failure) = await FindAsync(person, patience, cancellationToken);
                return failure ?? Found;
            }
        }
    }

    public void Forget(PrincipalId person) => _known.TryRemove(person, out _);
}
