using DbAccess.Domain;

namespace DbAccess.Application.Ports;

/// <summary>A window: a form to be filled in, or, with nothing to submit, only to be read.</summary>
/// <param name="Kind">Comes back with what was filled in.</param>
/// <param name="Submit">What the button says that sends it; null or empty for a window without fields that is only read.</param>
/// <param name="Context">Comes back too; ids only, at most 3,000 characters.</param>
public sealed record ChatForm(
        string Kind, string Title, string? Submit, string Context, IReadOnlyList<ChatPart> Intro, IReadOnlyList<FormField> Fields)
{
    /// <summary>Below the fields.</summary>
    public IReadOnlyList<ChatPart> Outro { get; init; } = [];
}

/// <summary>A field of a form.</summary>
/// <param name="Key">Comes back with the value; errors name it.</param>
public abstract record FormField(string Key, string Label, string? Hint)
{
    /// <summary>A choice of at most 100.</summary>
    /// <param name="Redraws">The form is to be drawn again when the choice changes.</param>
    public sealed record Choice(string Key, string Label, string? Hint, IReadOnlyList<FormOption> Options, string? Chosen,
        bool Redraws = false) : FormField(Key, Label, Hint);

    /// <summary>A choice among more than a menu holds: what is typed is asked of us, and we answer with at most 100 suggestions.</summary>
    /// <param name="Chosen">Chosen beforehand; at most <paramref name="Most"/>.</param>
    /// <param name="MinLength">Characters that are typed before we are asked; 0 asks at once.</param>
    /// <param name="Most">How many can be chosen.</param>
    /// <param name="Redraws">The form is to be drawn again when the choice changes.</param>
    public sealed record Search(string Key, string Label, string? Hint, IReadOnlyList<FormOption> Chosen, int MinLength = 0, int Most = 1,
        bool Optional = false, bool Redraws = false) : FormField(Key, Label, Hint);

    /// <summary>Free text.</summary>
    public sealed record Text(string Key, string Label, string? Hint, string? Initial, bool Multiline, int MinLength, int MaxLength)
        : FormField(Key, Label, Hint);
}

/// <summary>One choice; label at most 75 characters, value at most 75.</summary>
public sealed record FormOption(string Value, string Label, string? Description = null);

/// <summary>Windows that open at somebody's press or command.</summary>
public interface IForms
{
    /// <summary>
    /// Opens a form. <paramref name="trigger"/> works once and for three seconds, so this is never repeated. <see cref="Post.Sent.View"/>
    /// is what it is drawn anew by.
    /// </summary>
    Task<Post> OpenAsync(Secret trigger, ChatForm form, CancellationToken cancellationToken);

    /// <summary>Draws an open form again, unless it changed since <paramref name="hash"/>.</summary>
    Task<Post> RedrawAsync(string view, string? hash, ChatForm form, CancellationToken cancellationToken);
}
