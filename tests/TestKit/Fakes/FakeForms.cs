using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.TestKit.Fakes;

/// <summary>Windows that remember what they showed.</summary>
public sealed class FakeForms : IForms
{
    private readonly ConcurrentQueue<ChatForm> _opened = new();
    private readonly ConcurrentQueue<(string View, string? Hash, ChatForm Form)> _redrawn = new();

    /// <summary>Decides what every following call answers: a <see cref="Post"/>, or null for success. It may throw.</summary>
    public Func<Post?> Answer { get; set; } = () => null;

    public IReadOnlyList<ChatForm> Opened => [.. _opened];

    public IReadOnlyList<(string View, string? Hash, ChatForm Form)> Redrawn => [.. _redrawn];

    public Task<Post> OpenAsync(Secret trigger, ChatForm form, CancellationToken cancellationToken) => Do(() => _opened.Enqueue(form), "V0WINDOW1");

    public Task<Post> RedrawAsync(string view, string? hash, ChatForm form, CancellationToken cancellationToken) =>
        Do(() => _redrawn.Enqueue((view, hash, form)), null);

    private Task<Post> Do(Action record, string? view)
    {
        if (Answer() is { } answer) return Task.FromResult(answer);

        record();
        return Task.FromResult<Post>(new Post.Sent(null, view));
    }
}
