namespace DbAccess.Domain.Grants;

/// <summary>A password that a holder asked for and has not got yet. Which one it will be nobody knows before it is given.</summary>
/// <param name="At">When it was asked for.</param>
/// <param name="View">
/// The window, open on the holder's screen, that it is to be shown in (Slack's id of it); null where it comes by direct message.
/// </param>
public sealed record PasswordAsk(DateTimeOffset At, string? View);

/// <summary>Where people find the databases of a grant, as it was when its role was made; nothing of it is secret.</summary>
/// <param name="SslMode">libpq's word.</param>
public sealed record Door(string Host, int Port, string SslMode);
