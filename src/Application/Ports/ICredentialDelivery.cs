using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Roles;

namespace DbAccess.Application.Ports;

/// <summary>What the holder needs to log in.</summary>
public sealed record Credential(RoleName Role, Secret Password, string Host, int Port, string Database, string SslMode);

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

    /// <summary>It can never reach this person (deactivated, unknown, direct messages off).</summary>
    public sealed record Undeliverable(string Why) : Delivery;
}

/// <summary>
/// The one way a password leaves: a private message to the holder. Nothing secret is in its notification text, and nothing of it is logged
/// or stored here.
/// </summary>
public interface ICredentialDelivery
{
    Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken);
}
