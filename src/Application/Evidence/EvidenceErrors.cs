using DbAccess.Domain;

namespace DbAccess.Application.Evidence;

/// <summary>Why events do not get their place.</summary>
internal static class EvidenceErrors
{
    public static Error Held() => new("audit.held", "Another process gives events their place right now.");

    public static Error NoKey(string why) => new("audit.no_key", $"Nothing can be signed: {why}.");

    public static Error Failed(Exception why) =>
        new("audit.failed", $"Events get no place in the evidence log: the store failed ({why.GetType().Name}).");

    public static Error NoRepair(string why) => new("audit.no_repair", $"The evidence log cannot be repaired: {why}.");

    public static Error Broken(string fault) => new("audit.broken", $"The evidence log was tampered with: {fault}.");
}
