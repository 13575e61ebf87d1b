namespace DbAccess.Application.Evidence;

/// <summary>The names of what followers of the log remember, where more than one place knows them.</summary>
public static class Marks
{
    /// <summary>How far a webhook came: the place of the next event that it is sent.</summary>
    public static string WebhookCursor(int webhook) => FormattableString.Invariant($"webhook:{webhook}:next");
}
