using System.Security.Cryptography;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>Tells whether two files of an export are the same.</summary>
internal static class ExportHash
{
    public static async Task<string> OfAsync(Stream content, CancellationToken cancellationToken) =>
        Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
}
