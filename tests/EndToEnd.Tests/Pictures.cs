using Microsoft.Playwright;

namespace DbAccess.EndToEnd.Tests;

/// <summary>Pictures for the documentation, made only where somebody asks for them (<c>DBACCESS_SCREENSHOTS</c>).</summary>
internal static class Pictures
{
    /// <summary>Where they go; null mostly.</summary>
    public static string? Folder => Environment.GetEnvironmentVariable("DBACCESS_SCREENSHOTS") is { Length: > 0 } folder
        ? Directory.CreateDirectory(folder).FullName : null;

    /// <summary>No password stands on a picture, not even one of a server that is thrown away.</summary>
    public static async Task HidePasswordsAsync(this IPage page)
    {
        foreach (var frame in page.Frames)
            await frame.EvaluateAsync("""
                () => {
                  for (const code of document.querySelectorAll("code"))
                    if (/^(?!dba_)[A-Za-z0-9_-]{24,}$/.test(code.textContent)) code.textContent = "•".repeat(24);
                }
                """);
    }
}
