using System.Globalization;
using System.Text.RegularExpressions;
using DbAccess.TestKit.Postgres;

namespace DbAccess.LocalPostgres;

/// <summary>The command line of this program.</summary>
internal sealed partial record Arguments
{
    public const string Help = """
        Starts a throw-away PostgreSQL on 127.0.0.1 with an administrator like a managed cloud database's
        (CREATEROLE and CREATEDB, no superuser), prints one line "PostgreSQL MAJOR on 127.0.0.1:PORT" when it is
        ready, and runs until Ctrl-C, SIGTERM or SIGHUP. Then everything it made is removed.

          --credentials-dir DIR   where <cluster>.json with the administrator's credentials is written (required)
          --cluster NAME          the cluster's name in the policy (required)
          --major N               14 to 18; without it, what is found first
          --sample NAME           makes a database NAME with the sample shop (samples/orders.sql)
          --durable               waits for the disk, as a real server does; without it, commits are fast and unsafe
          --stdin                 also ends when its standard input is closed
          --help                  this text

        Binaries are looked for in DBACCESS_PG_BIN_<MAJOR>, DBACCESS_PG_BIN, /usr/lib/postgresql/<MAJOR>/bin, PATH
        and the cache that scripts/test fills. Exit code: 0 stopped, 1 failed, 2 wrong arguments.
        """;

    public int? Major { get; private init; }

    public string CredentialsDirectory { get; private init; } = "";

    public string Cluster { get; private init; } = "";

    /// <summary>The name of the database with the sample; null makes none.</summary>
    public string? Sample { get; private init; }

    public bool Durable { get; private init; }

    public bool Stdin { get; private init; }

    /// <summary>Null when something is wrong; every mistake is then listed.</summary>
    public static Arguments? Parse(IReadOnlyList<string> args, out IReadOnlyList<string> mistakes)
    {
        var parsed = new Arguments();
        var wrong = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var option = args[i];
            switch (option)
            {
                case "--durable": parsed = parsed with { Durable = true }; continue;
                case "--stdin": parsed = parsed with { Stdin = true }; continue;
                case "--major" or "--credentials-dir" or "--cluster" or "--sample": break;
                default: wrong.Add($"{option} is not an option."); continue;
            }
            if (++i == args.Count)
            {
                wrong.Add($"{option} needs a value.");
                break;
            }
            switch (option)
            {
                case "--major" when int.TryParse(args[i], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
                                    && PostgresBinaries.SupportedMajors.Contains(major):
                    parsed = parsed with { Major = major };
                    break;
                case "--major": wrong.Add($"--major is {args[i]}; it can be 14, 15, 16, 17 or 18."); break;
                case "--credentials-dir": parsed = parsed with { CredentialsDirectory = args[i] }; break;
                // It becomes the name of a file.
                case "--cluster" when PlainName().IsMatch(args[i]): parsed = parsed with { Cluster = args[i] }; break;
                case "--cluster": wrong.Add("--cluster can hold lower-case letters, digits and hyphens."); break;
                default: parsed = parsed with { Sample = args[i] }; break;
            }
        }
        if (parsed.CredentialsDirectory.Length == 0) wrong.Add("--credentials-dir is missing.");
        if (parsed.Cluster.Length == 0 && !args.Contains("--cluster")) wrong.Add("--cluster is missing.");
        mistakes = wrong;
        return wrong.Count == 0 ? parsed : null;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,62}$", RegexOptions.CultureInvariant)]
    private static partial Regex PlainName();
}
