using System.Collections.Concurrent;
using DbAccess.Application.Ports;
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

    public async Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken)
    {
        _attempted.Enqueue((grant.Id, credential));
        await Meanwhile(grant, credential);
        if (Answer() is { } answer) return answer;

        _delivered.Enqueue((grant.Id, credential));
        return new Delivery.Delivered(new MessageRef($"D{grant.State.Requester.User[1..]}", $"1767225600.{Interlocked.Increment(ref _count):D6}"));
    }
}
