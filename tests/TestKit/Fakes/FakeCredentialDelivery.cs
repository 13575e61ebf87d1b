using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;

namespace DbAccess.TestKit.Fakes;

/// <summary>A delivery that keeps what it was given, so that a test can log in with it.</summary>
public sealed class FakeCredentialDelivery : ICredentialDelivery
{
    private readonly ConcurrentQueue<(GrantId Grant, Credential Credential)> _delivered = new();
    private readonly ConcurrentQueue<(GrantId Grant, Credential Credential)> _attempted = new();
    private int _count;

    /// <summary>Decides how every following delivery ends: a <see cref="Delivery"/>, or null for success. It may throw.</summary>
    public Func<Delivery?> Answer { get; set; } = () => null;

    /// <summary>Runs while a delivery is under way, before it ends: the place to let something happen in between.</summary>
    public Func<Grant, Credential, Task> Meanwhile { get; set; } = (_, _) => Task.CompletedTask;

    public IReadOnlyList<(GrantId Grant, Credential Credential)> Delivered => [.. _delivered];

    /// <summary>Every call, those that did not succeed included.</summary>
    public IReadOnlyList<(GrantId Grant, Credential Credential)> Attempted => [.. _attempted];

    public void Works() => Answer = () => null;

    public void IsUnknown(TimeSpan? retryAfter = null) => Answer = () => new Delivery.Unknown("slack: internal_error", retryAfter);

    public void CannotReach() => Answer = () => new Delivery.Undeliverable("slack: cannot_dm_bot");

    public void Breaks() => Answer = () => throw new HttpRequestException("The connection was cut.");

    /// <summary>Messages that a password can be shown from, and to whom they went.</summary>
    public ConcurrentQueue<(MessageRef Message, GrantSnapshot Grant)> Offered { get; } = new();

    /// <summary>What was drawn anew, as it is on record by then.</summary>
    public ConcurrentQueue<(MessageRef Message, GrantSnapshot Grant, TimeSpan? ExtendBy)> Updated { get; } = new();

    /// <summary>Passwords that were shown in a window.</summary>
    public ConcurrentQueue<(string View, Credential Credential)> Shown { get; } = new();

    public async Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken)
    {
        _attempted.Enqueue((grant.Id, credential));
        await Meanwhile(grant, credential);
        if (Answer() is { } answer) return answer;

        _delivered.Enqueue((grant.Id, credential));
        if (grant.State.Password?.View is not { } view) return new Delivery.Delivered(Next(grant.State));

        Shown.Enqueue((view, credential));
        return new Delivery.Shown();
    }

    public Task<Post> OfferAsync(GrantSnapshot grant, CancellationToken cancellationToken)
    {
        var message = Next(grant);
        Offered.Enqueue((message, grant));
        return Task.FromResult<Post>(new Post.Sent(message));
    }

    public Task<Post> UpdateAsync(GrantSnapshot grant, MessageRef message, TimeSpan? extendBy, CancellationToken cancellationToken)
    {
        Updated.Enqueue((message, grant, extendBy));
        return Task.FromResult<Post>(new Post.Sent(message));
    }

    private MessageRef Next(GrantSnapshot grant) =>
        new($"D{grant.Requester.User[1..]}", $"1767225600.{Interlocked.Increment(ref _count):D6}");
}
