using System.Globalization;

namespace DbAccess.TestKit.Postgres;

/// <summary>PostgreSQL refuses to run as root; as root it is started as <c>postgres</c>, or <c>nobody</c> where there is no such user.</summary>
internal static class ServerUser
{
    public static bool IsNeeded { get; } = Environment.IsPrivilegedProcess;

    private static readonly Lazy<(int Uid, int Gid)> Identity = new(Find);

    /// <summary>What stands before a command so that it runs as that user; empty when we are not root.</summary>
    public static IReadOnlyList<string> Prefix => IsNeeded
        ? ["setpriv", $"--reuid={Identity.Value.Uid}", $"--regid={Identity.Value.Gid}", "--clear-groups", "--"]
        : [];

    /// <summary>Gives a folder and what is in it to that user.</summary>
    public static async Task OwnAsync(string path)
    {
        if (IsNeeded) await Tool.RunAsync(["chown", "-R", $"{Identity.Value.Uid}:{Identity.Value.Gid}", "--", path]);
    }

    /// <summary>True when every existing folder on the way lets all users pass.</summary>
    public static bool CanReach(string folder)
    {
        for (var current = Path.GetFullPath(folder); current is not null; current = Path.GetDirectoryName(current))
        {
            if (Directory.Exists(current) && !File.GetUnixFileMode(current).HasFlag(UnixFileMode.OtherExecute)) return false;
        }
        return true;
    }

    private static (int Uid, int Gid) Find()
    {
        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 3).ToList();
        var user = users.Find(fields => fields[0] == "postgres") ?? users.Find(fields => fields[0] == "nobody")
            ?? throw new InvalidOperationException("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.");
        return (int.Parse(user[2], CultureInfo.InvariantCulture), int.Parse(user[3], CultureInfo.InvariantCulture));
    }
}
