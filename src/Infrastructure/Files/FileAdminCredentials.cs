using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Credentials;

namespace DbAccess.Infrastructure.Files;

/// <summary>
/// Administrator credentials from one JSON file per cluster, in the shape AWS gives RDS secrets. A file that anybody but its owner can read
/// or write is refused, and no refusal shows anything of what the file holds.
/// </summary>
/// <param name="directory">Holds <c>&lt;cluster&gt;.json</c>; a cluster's name has no character that could lead elsewhere.</param>
internal sealed class FileAdminCredentials(string directory, TimeProvider clock) : IAdminCredentials
{
    private const int LongestFile = AdminCredentialJson.Longest;

    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly AdminCredentialCache _cache = new(clock);

    public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _cache.FindAsync(cluster, fresh, () => Task.FromResult(Read(cluster)));
    }

    private Result<AdminCredential> Read(ClusterName cluster)
    {
        var path = Path.Combine(directory, $"{cluster}.json");
        byte[] content;
        try
        {
            if (OperatingSystem.IsWindows())
                return AdminCredentialJson.Refuse(
                    "open", cluster, path, "who can read it cannot be checked on Windows; run DbAccess on Linux or macOS");

            // The mode is asked of the open file, which is also what a link leads to: nobody can exchange it in between.
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var mode = File.GetUnixFileMode(file);
            if ((mode & Others) != UnixFileMode.None)
                return AdminCredentialJson.Refuse(
                    "open", cluster, path, $"it is open to others (mode {Convert.ToString((int)mode, 8)}); run: chmod 600 {path}");
            if (RandomAccess.GetLength(file) > LongestFile)
                return AdminCredentialJson.Refuse("malformed", cluster, path, "it is longer than 64 KiB");

            content = new byte[LongestFile];
            var length = 0;
            while (length < content.Length && RandomAccess.Read(file, content.AsSpan(length), length) is var read and > 0) length += read;
            content = content[..length];
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return AdminCredentialJson.Refuse(
                "missing", cluster, path, "it does not exist; put the administrator's credentials there, with mode 600");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return AdminCredentialJson.Refuse("unreadable", cluster, path, $"it cannot be read ({failure.GetType().Name})");
        }

        return AdminCredentialJson.Read(content, cluster, path);
    }
}
