namespace DbAccess.Domain;

/// <summary>
/// A message that was posted: the conversation and the time stamp that Slack knows it by (text, as it has more digits than a number keeps).
/// </summary>
public sealed record MessageRef(string Channel, string Timestamp);
