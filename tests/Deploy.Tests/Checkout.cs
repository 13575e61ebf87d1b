namespace DbAccess.Deploy.Tests;

/// <summary>The repository that this was built from.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    public static string Read(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path]));

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DbAccess.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("DbAccess.sln is in no folder above.");
    }
}
