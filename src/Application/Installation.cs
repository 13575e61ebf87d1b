namespace DbAccess.Application;

/// <summary>Which installation this is: the tag on every role it makes. Unique among the installations that share a cluster.</summary>
public sealed record Installation(string Name);
