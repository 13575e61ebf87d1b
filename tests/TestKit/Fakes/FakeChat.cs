using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;

namespace DbAccess.TestKit.Fakes;

/// <summary>A conversation that remembers what was said. Direct messages get <c>D…</c> of the person as their channel and a time stamp that counts up.</summary>
public sealed class FakeChat : IChat
{
    private readonly ConcurrentQueue<(PrincipalId To, ChatMessage Message)> _told = new();
    private readonly ConcurrentQueue<(ReplyAddress To, ChatMessage Message)> _replies = new();
    private readonly ConcurrentQueue<MessageRef> _removed = new();
    private int _count;

    /// <summary>Decides what every following call answers: a <see cref="Post"/>, or null for success. It may throw.</summary>
    public Func<Post?> Answer { get; set; } = () => null;

    public IReadOnlyList<(PrincipalId To, ChatMessage Message)> Told => [.. _told];

    public IReadOnlyList<(ReplyAddress To, ChatMessage Message)> Replies => [.. _replies];

    public IReadOnlyList<MessageRef> Removed => [.. _removed];

    /// <summary>How often it was asked for anything, failures included.</summary>
    public int Calls => _count;

    public void Works() => Answer = () => null;

    public void IsBusy(TimeSpan? retryAfter = null) => Answer = () => new Post.NotNow("slack: internal_error", retryAfter);

    public void RefusesForGood(string why = "slack: channel_not_found") => Answer = () => new Post.Never(why);

    public void Breaks() => Answer = () => throw new HttpRequestException("The connection was cut.");

    /// <summary>The sentences told to a person, in order.</summary>
    public IReadOnlyList<string> SaidTo(PrincipalId person) => [.. _told.Where(t => t.To == person).Select(t => t.Message.Summary)];

    /// <summary>Everything a message says, one line for each piece of text: for tests that only look for words.</summary>
    public static string Words(ChatMessage message) => string.Join('\n', message.Parts.SelectMany(Lines).Prepend(message.Summary));

    public Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken) =>
        Do(() => _told.Enqueue((to, message)), count => new MessageRef($"D{to.User[1..]}", Stamp(count)));

    public Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken) =>
        Do(() => _replies.Enqueue((to, message)), _ => null);

    public Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken) =>
        Do(() => _removed.Enqueue(message), _ => message);

    private static string Stamp(int count) => $"1767225600.{count:D6}";

    private static IEnumerable<string> Lines(ChatPart part) => part switch
    {
        ChatPart.Header header => [header.Words],
        ChatPart.Text text => [text.Words],
        ChatPart.Fields fields => fields.Pairs.Select(pair => $"{pair.Label}: {pair.Value}"),
        ChatPart.When moment => [$"{moment.Words} {moment.At.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"],
        ChatPart.Code code => [code.Words],
        ChatPart.Mention mention => [$"{mention.Words} {string.Join(' ', mention.Ids.Select(id => $"@{id}"))}"],
        ChatPart.Note note => [note.Words],
        ChatPart.Buttons buttons => buttons.Items.Select(button => $"[{button.Label}] {button.Action} {button.Value}"),
        _ => [],
    };

    // Only what succeeded was said: a refused message is in Calls, not in the lists.
    private Task<Post> Do(Action record, Func<int, MessageRef?> reference)
    {
        var count = Interlocked.Increment(ref _count);
        if (Answer() is { } answer) return Task.FromResult(answer);

        record();
        return Task.FromResult<Post>(new Post.Sent(reference(count)));
    }
}
