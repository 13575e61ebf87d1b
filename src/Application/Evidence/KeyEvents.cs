using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Evidence;

/// <summary>The events about the keys that sign the log. Pure, but for the way in.</summary>
internal static class KeyEvents
{
    /// <summary>By this one a key comes into the log.</summary>
    public static LogEvent BringIn(LogKey key, Actor by, DateTimeOffset now) => Event("audit.key", key, by, now) with
    {
        What = [new Fact.Text("key", Convert.ToBase64String([.. key.Spki])), new Fact.Text("key_id", key.Id)],
    };

    /// <summary>The one before is lost: nothing vouches for this one.</summary>
    public static LogEvent Lost(LogKey key, Actor by, DateTimeOffset now) => Event("audit.key_lost", key, by, now);

    public static LogEvent Taken(LogKey key, Actor by, DateTimeOffset now) => Event("audit.key_taken", key, by, now);

    private static LogEvent Event(string type, LogKey key, Actor by, DateTimeOffset now) => new()
    {
        At = now, Type = type, By = by, Way = Way.Current, What = [new Fact.Text("key_id", key.Id)],
    };
}
