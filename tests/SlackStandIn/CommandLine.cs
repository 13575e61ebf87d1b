using System.Globalization;

namespace DbAccess.SlackStandIn;

internal static class CommandLine
{
    public const string Help = """
        A stand-in for Slack: its Web API, its deliveries and a page to play it on. Loopback only.

          --port N                  port to listen on; 0 (the default) picks a free one
          --app URL                 the app under test, on this machine (default http://127.0.0.1:5080)
          --signing-secret-file F   file with the signing secret (or environment STANDIN_SIGNING_SECRET)
          --bot-token-file F        file with the bot token (or environment STANDIN_BOT_TOKEN)
          --seed F                  the workspace as JSON (a small one is built in)
          --help                    this text

        Once it listens it prints: Slack stand-in on http://127.0.0.1:PORT
        Exit codes: 0 stopped, 1 cannot listen, 2 wrong arguments.
        """;

    /// <summary>Throws <see cref="FormatException"/>. Secrets come from files or the environment: arguments can be read by everybody.</summary>
    public static StandInOptions Read(string[] args, Func<string, string?> environment)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        string[] known = ["--port", "--app", "--signing-secret-file", "--bot-token-file", "--seed"];
        for (var i = 0; i < args.Length; i += 2)
        {
            if (!known.Contains(args[i], StringComparer.Ordinal)) throw new FormatException($"Unknown argument: {args[i]}");
            if (i + 1 == args.Length) throw new FormatException($"{args[i]} needs a value.");
            if (!given.TryAdd(args[i], args[i + 1])) throw new FormatException($"{args[i]} is given twice.");
        }

        var port = 0;
        if (given.TryGetValue("--port", out var wanted)
            && !(int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 0 and <= 65535))
            throw new FormatException("--port is a number from 0 to 65535.");
        if (!Uri.TryCreate(given.GetValueOrDefault("--app", "http://127.0.0.1:5080"), UriKind.Absolute, out var app)
            || app.Scheme != Uri.UriSchemeHttp || !app.IsLoopback)
            throw new FormatException("--app is an http address on this machine.");

        return new StandInOptions
        {
            Port = port,
            AppUrl = app,
            SigningSecret = Secret("--signing-secret-file", "STANDIN_SIGNING_SECRET"),
            BotToken = Secret("--bot-token-file", "STANDIN_BOT_TOKEN"),
            SeedJson = given.TryGetValue("--seed", out var seed) ? File("--seed", seed) : null,
        };

        string Secret(string argument, string variable)
        {
            var secret = (given.TryGetValue(argument, out var path) ? File(argument, path) : environment(variable))?.Trim();
            return string.IsNullOrEmpty(secret) ? throw new FormatException($"Give {argument} or set {variable}.") : secret;
        }

        static string File(string argument, string path)
        {
            try
            {
                return System.IO.File.ReadAllText(path);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new FormatException($"{argument}: the file cannot be read.", fault);
            }
        }
    }
}
