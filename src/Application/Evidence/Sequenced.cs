using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>What a sequencing did.</summary>
/// <param name="Placed">How many events got their place.</param>
/// <param name="Size">How many have one now.</param>
/// <param name="Checkpoint">The newest one; null while the log is empty.</param>
public sealed record Sequenced(long Placed, long Size, SignedCheckpoint? Checkpoint);
