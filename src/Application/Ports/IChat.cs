using DbAccess.Domain;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>
/// A message in plain words and few parts; the adapter draws it. Everything in it may come from people, so the adapter treats all text as
/// literal.
/// </summary>
/// <param name="Summary">One full sentence: the notification on a phone, and what a screen reader reads. Never a secret.</param>
public sealed record ChatMessage(string Summary, IReadOnlyList<ChatPart> Parts)
{
    /// <summary>What it is about, where it is about a grant; the same whenever it is sent again.</summary>
    public CardMark? Mark { get; init; }

    /// <summary>A message that is nothing but its sentence.</summary>
    public static ChatMessage Plain(string text) => new(text, [new ChatPart.Text(text)]);
}

/// <summary>What a message is about, for programs that read it. Everybody in the workspace can read it: ids only, no secret.</summary>
/// <param name="Grant">The grant's id; another thing's name where there is no grant.</param>
/// <param name="Kind">Which message about it (<c>card</c>, <c>asked</c>, <c>decided</c>).</param>
/// <param name="Key">The same whenever the same message is sent again, and for no other message; not a secret.</param>
public sealed record CardMark(string Grant, string Kind, string Key);

/// <summary>A part of a message.</summary>
public abstract record ChatPart
{
    private ChatPart()
    {
    }

    public sealed record Header(string Words) : ChatPart;

    /// <summary>A paragraph. Words between back-ticks are shown as code.</summary>
    public sealed record Text(string Words) : ChatPart;

    /// <summary>Labels with values, in two columns where there is room.</summary>
    public sealed record Fields(IReadOnlyList<(string Label, string Value)> Pairs) : ChatPart;

    /// <summary>A point in time behind some words, shown in the reader's own zone.</summary>
    public sealed record When(string Words, DateTimeOffset At) : ChatPart;

    /// <summary>Text to copy, shown as it is.</summary>
    public sealed record Code(string Words) : ChatPart;

    /// <summary>Small print.</summary>
    public sealed record Note(string Words) : ChatPart;

    public sealed record Buttons(IReadOnlyList<ChatButton> Items) : ChatPart;

    /// <summary>People and user groups (<c>U…</c>, <c>S…</c>) behind some words. In a new message they are notified of it.</summary>
    public sealed record Mention(string Words, IReadOnlyList<string> Ids) : ChatPart;

    /// <summary>A line across.</summary>
    public sealed record Divider : ChatPart;
}

/// <summary>A button. It carries an id, never authority: whoever presses it is checked on the server.</summary>
/// <param name="Action">What it does, stable (<c>return_grant</c>).</param>
/// <param name="Value">Which thing it does it to, at most 2,000 characters.</param>
/// <param name="Confirm">Asked before it counts; null asks nothing.</param>
/// <param name="Primary">What is to be pressed in the usual case; at most one in a message. Danger is stronger.</param>
/// <param name="Spoken">What a screen reader reads in place of a short label; at most 75 characters.</param>
public sealed record ChatButton(string Action, string Label, string Value, bool Danger = false, string? Confirm = null,
    bool Primary = false, string? Spoken = null);

/// <summary>Where an answer goes.</summary>
/// <param name="To">Who asked.</param>
/// <param name="Channel">Where they asked, so that only they see the answer there; null for a direct message.</param>
/// <param name="ResponseUrl">Slack's own short-lived address for answers, kept in memory only; null after a restart.</param>
public sealed record ReplyAddress(PrincipalId To, string? Channel, Secret? ResponseUrl);

/// <summary>How a message or form fared.</summary>
public abstract record Post
{
    private Post()
    {
    }

    /// <param name="View">Of a window that was opened: what it is drawn anew by.</param>
    public sealed record Sent(MessageRef? Message, string? View = null) : Post;

    /// <summary>Not now, or nobody knows; a notice may be sent again, a rare double does no harm.</summary>
    public sealed record NotNow(string Why, TimeSpan? RetryAfter) : Post;

    /// <summary>Never: the person, the conversation or the form is gone, or Slack refuses what we send.</summary>
    /// <param name="Gone">
    /// The message, the channel or the person is not there (any more) or may not be written to: the same words elsewhere may arrive.
    /// </param>
    public sealed record Never(string Why, bool Gone = false) : Post;
}

/// <summary>
/// The conversation with people. Slack is a door and a mirror, never the store: a message that fails changes nothing that is on record.
/// </summary>
public interface IChat
{
    /// <summary>A direct message.</summary>
    Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken);

    /// <summary>An answer that only the person who asked sees, where they asked if possible, else as a direct message.</summary>
    Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken);

    /// <summary>Blanks and deletes a message of ours. One that is gone already is a success.</summary>
    Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken);
}
