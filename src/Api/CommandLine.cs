using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;
using DbAccess.Api.Commands;

namespace DbAccess.Api;

/// <summary>
/// Reads the command line; what a verb takes stands with the verb. Settings, secrets above all, never come this way: process arguments can
/// be read by everybody on the machine.
/// </summary>
internal static class CommandLine
{
    private const int Width = 110;

    private const string Footer = """

        Settings are read from appsettings.json, appsettings.Production.json and the environment
        (Slack__BotToken for Slack:BotToken); the README lists them all.
        Exit codes: 0 done, 1 it did not work (the reason is on standard error), 2 the call or the settings are wrong.
        """;

    // Nobody's words are a file to be read (@person), and -now is not -n -o -w.
    private static readonly ParserConfiguration Plainly = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    public static Verb Read(string[] args)
    {
        if (args is ["--version"])
            return new Verb.Say(Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "unknown", ExitCode.Success);

        var (root, urls) = Describe();
        var read = root.Parse(args is ["help", .. var about] ? [.. about, "--help"] : args, Plainly);
        // Asked for help, or for what could be written next.
        if (read.Action is HelpAction) return new Verb.Say(Said(read) + Footer, ExitCode.Success);
        if (args is [['[', ..], ..]) return new Verb.Say(Said(read).TrimEnd(), ExitCode.Success);
        if (read.Errors.Count > 0) return new Verb.Say(Hidden(read, Said(read)) + Footer, ExitCode.Misuse);
        return read.CommandResult.Command is VerbCommand verb ? verb.Meant(read) : ServeVerb.Meant(read, urls);
    }

    private static (RootCommand Root, Option<string?> Urls) Describe()
    {
        var urls = ServeVerb.Urls();
        var root = new RootCommand("DbAccess: just-in-time, least-privilege PostgreSQL roles, asked for in Slack.")
        {
            urls,
            ServeVerb.Describe(), SweepVerb.Describe(), DoctorVerb.Describe(), PlanVerb.Describe(), RevokeVerb.Describe(),
            VerbCommand.Group("policy", "Check, try and explain an access policy.", PolicyLintVerb.Describe(),
                PolicyExplainVerb.Describe(), PolicySchemaVerb.Describe(), PolicyHistoryVerb.Describe(), PolicyShowVerb.Describe(),
                PolicyReplayVerb.Describe()),
            VerbCommand.Group("audit", "The evidence log: is it whole, who had what, and by which key it is signed.",
                AuditVerifyVerb.Describe(), AuditExportVerb.Describe(), AuditReportVerb.Describe(), AuditKeyVerb.Describe(),
                AuditRepairVerb.Describe(), AuditResendVerb.Describe()),
            VerbCommand.Group("store", "Where grants and events are kept.", StoreInitVerb.Describe()),
            LambdaVerb.Describe(), HealthVerb.Describe(), CompletionVerb.Describe(),
        };
        // No verb is serve, and no fault.
        root.SetAction(_ => ExitCode.Success);
        foreach (var option in root.Options)
            if (option is HelpOption { Action: HelpAction help }) help.MaxWidth = Width;
        return (root, urls);
    }

    private static string Said(ParseResult read)
    {
        using var words = new StringWriter();
        read.Invoke(new InvocationConfiguration { Output = words, Error = words });
        // The library names the file that runs; what people type is dbaccess.
        return words.ToString().Trim().Replace(RootCommand.ExecutableName, "dbaccess", StringComparison.Ordinal) + Environment.NewLine;
    }

    /// <summary>Settings that were tried as options may hold secrets: what follows the name is not said again.</summary>
    private static string Hidden(ParseResult read, string text)
    {
        foreach (var token in read.Tokens.Select(token => token.Value).Concat(read.UnmatchedTokens))
        {
            if (token.IndexOf('=', StringComparison.Ordinal) is var at && at >= 0 && token.StartsWith('-'))
                text = text.Replace(token, $"{token[..at]}=…", StringComparison.Ordinal);
        }

        return text;
    }
}
