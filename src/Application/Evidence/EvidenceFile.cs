namespace DbAccess.Application.Evidence;

/// <param name="Path">Inside the folder, with <c>/</c>: what a complaint names.</param>
/// <param name="Open">From its beginning; whoever opens it disposes of it.</param>
public sealed record EvidenceFile(string Path, Func<Stream> Open);

/// <param name="Path">As a complaint names it.</param>
/// <param name="Note">All bytes of it; of a file that is longer than a checkpoint can be, the first of them are enough.</param>
public sealed record CheckpointFile(string Path, ReadOnlyMemory<byte> Note);
