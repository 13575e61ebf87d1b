namespace DbAccess.Application.Ports;

/// <summary>Nothing could be kept there now. The message says why, without a secret.</summary>
public sealed class ExportException(string why) : Exception(why);

/// <summary>Where the evidence log is kept for outsiders, day by day: a folder, or a bucket whose objects nobody can change.</summary>
public interface IExportPlace
{
    /// <summary>For people: the folder, or <c>s3://bucket/prefix</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Adds a file that never changes, all of it or nothing. Safe to repeat: one that is there and is the same is left as it is.
    /// </summary>
    /// <param name="path">Inside the place, with <c>/</c>.</param>
    /// <param name="lines">Read once. What they throw goes on to the caller, and then nothing was added.</param>
    /// <returns>False when one is there that differs: it is never put over.</returns>
    /// <exception cref="ExportException">It could not be added now.</exception>
    Task<bool> TryAddAsync(string path, IAsyncEnumerable<string> lines, CancellationToken cancellationToken);

    /// <summary>Whether such a file is there.</summary>
    /// <param name="content">And is exactly this; null when what is in it does not matter.</param>
    /// <exception cref="ExportException">That cannot be known now.</exception>
    Task<bool> HoldsAsync(string path, string? content, CancellationToken cancellationToken);

    /// <summary>Puts a small file, over one that is there.</summary>
    /// <exception cref="ExportException">It could not be put now.</exception>
    Task PutAsync(string path, string content, CancellationToken cancellationToken);
}
