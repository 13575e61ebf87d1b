namespace DbAccess.Application.Tests;

/// <summary>The process is gone: whatever it still wants to do fails.</summary>
internal sealed class Crash() : Exception("The process died.");
