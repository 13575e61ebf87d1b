using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Ports;

/// <summary>What the holder needs to log in.</summary>
public sealed record Credential(RoleName Role, Secret Password, string Host, int Port, string Database, string SslMode)
{
    /// <summary>Where people have the authority's certificate, as libpq takes it; null when the policy does not say.</summary>
    public string? SslRootCert { get; init; }

    /// <summary>What comes before the ways to connect, one line each: a note, what opens the tunnel.</summary>
    public IReadOnlyList<string> Before { get; init; } = [];

    /// <summary>How much longer its holder can have it by asking; null when the rule gives no more time.</summary>
    public TimeSpan? ExtendBy { get; init; }

    /// <summary>It takes the place of an earlier one, which no longer works.</summary>
    public bool Again { get; init; }

    /// <summary>As people reach it, where the policy says that this differs from how the administrator does.</summary>
    public Credential As(ConnectHints? hints) => hints is null ? this : this with
    {
        Host = hints.Host ?? Host,
        Port = hints.Port ?? Port,
        SslMode = hints.SslMode ?? SslMode,
        SslRootCert = hints.SslRootCert,
        Before = BeforeOf(hints),
    };

    internal static IReadOnlyList<string> BeforeOf(ConnectHints? hints) =>
        [.. new[] { hints?.Note, hints?.Bastion is { } bastion ? $"Tunnel: {bastion}" : null }.OfType<string>()];
}

/// <summary>How a delivery ended.</summary>
public abstract record Delivery
{
    private Delivery()
    {
    }

    /// <summary>The holder has it.</summary>
    public sealed record Delivered(MessageRef Message) : Delivery;

    /// <summary>
    /// It was not sent, or nobody knows whether it was. This password must not be sent again: set a new one first, so that at most one
    /// message holds a password that works.
    /// </summary>
    public sealed record Unknown(string Why, TimeSpan? RetryAfter) : Delivery;

    /// <summary>
    /// It was shown in the window that the holder had open for it, or that window is not there any more and nobody has seen it. No message
    /// holds it; who did not see it asks again.
    /// </summary>
    public sealed record Shown : Delivery;

    /// <summary>It can never reach this person (deactivated, unknown, direct messages off).</summary>
    public sealed record Undeliverable(string Why) : Delivery;
}

/// <summary>
/// The one way a password leaves: a private message to the holder, or a window that the holder has open for it
/// (<see cref="PasswordAsk.View"/>). Nothing secret is in its notification text, and nothing of it is logged or stored here.
/// </summary>
public interface ICredentialDelivery
{
    Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken);

    /// <summary>Posts the message that the password can be had shown from, to the holder. Nothing in it is secret.</summary>
    Task<Post> OfferAsync(GrantSnapshot grant, CancellationToken cancellationToken);

    /// <summary>
    /// Draws anew what changes in a message of one of the above: until when, and which buttons. All else stands there as before, a
    /// password too, which nobody else has any more. Safe to repeat; whatever fails, the message is left as it is.
    /// </summary>
    /// <param name="extendBy">As <see cref="Credential.ExtendBy"/>.</param>
    Task<Post> UpdateAsync(GrantSnapshot grant, MessageRef message, TimeSpan? extendBy, CancellationToken cancellationToken);
}
