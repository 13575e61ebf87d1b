namespace DbAccess.Application.Ports;

/// <summary>
/// Tells what this installation wrote from what somebody else wrote who can write to the store: a keyed hash (HMAC-SHA-256) with a key that
/// writers of the store do not have.
/// </summary>
public interface ISeal
{
    /// <summary>The same text always gets the same seal. <paramref name="kind"/> keeps a seal of one thing from fitting another.</summary>
    string Of(string kind, string text);

    /// <summary>False for none, for another text and for another key. Takes the same time whatever is wrong.</summary>
    bool Fits(string kind, string text, string? seal);
}
