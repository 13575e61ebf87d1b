using System.Diagnostics;

namespace DbAccess.Domain.Evidence;

/// <summary>The ways in. Which one a piece of work came by travels with its activity, so that every event it makes can say so.</summary>
public static class Way
{
    public const string SlackCommand = "slack.command";
    public const string SlackPress = "slack.press";
    public const string SlackForm = "slack.form";
    public const string SlackEvent = "slack.event";
    public const string CommandLine = "cli";
    public const string Function = "function";
    public const string Worker = "worker";

    private const string Key = "dbaccess.way";

    /// <summary>Of the present activity, or of one that it is part of; without any it is the product's own work.</summary>
    public static string Current => Activity.Current?.GetBaggageItem(Key) ?? Worker;

    /// <summary>The id that log lines and events of the same request carry; null outside of any.</summary>
    public static string? Trace => Activity.Current?.TraceId.ToString();

    /// <summary>From here on everything in the present activity came by this way.</summary>
    public static void Mark(string way) => Activity.Current?.SetBaggage(Key, way);
}
