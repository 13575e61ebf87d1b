namespace DbAccess.TestKit.Faults;

/// <summary>The process is gone: whatever it still wants to do fails.</summary>
public sealed class CrashException() : Exception("The process died.");
