using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.TestKit.Fakes;

/// <summary>Home pages that remember every version.</summary>
public sealed class FakeHome : IHome
{
    private readonly ConcurrentQueue<(PrincipalId Person, ChatMessage Page)> _published = new();
    private int _calls;

    /// <summary>Decides what every following call answers: a <see cref="Post"/>, or null for success. It may throw.</summary>
    public Func<Post?> Answer { get; set; } = () => null;

    public IReadOnlyList<(PrincipalId Person, ChatMessage Page)> Published => [.. _published];

    /// <summary>How often it was asked, failures included.</summary>
    public int Calls => _calls;

    /// <summary>What this person's page shows now; null before the first.</summary>
    public ChatMessage? Of(PrincipalId person) => _published.LastOrDefault(published => published.Person == person).Page;

    public Task<Post> PublishAsync(PrincipalId person, ChatMessage page, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        if (Answer() is { } answer) return Task.FromResult(answer);

        _published.Enqueue((person, page));
        return Task.FromResult<Post>(new Post.Sent(null));
    }
}
