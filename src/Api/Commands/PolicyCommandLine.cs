using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Commands;

/// <summary>Reads what stands behind <c>policy</c> on the command line.</summary>
internal static class PolicyCommandLine
{
    private const string Words = "policy takes lint, explain, schema, history, show or replay.";

    public static Verb Read(string[] how, string help) => how switch
    {
        [_, .. var rest] when rest.Any(word => word is "--help" or "-h") => new Verb.Say(help, CommandLine.Success),
        ["lint", .. var rest] => Lint(rest, help),
        ["explain", .. var rest] => Explain(rest, help),
        ["schema"] => new Verb.PolicySchema(),
        ["history"] => new Verb.PolicyHistory(),
        ["show", { Length: >= 6 and <= 64 } hash] when hash.All(char.IsAsciiHexDigit) => new Verb.PolicyShow(hash),
        ["show", ..] => Misuse(
            "policy show wants the hash of a policy, or the first six of its characters; policy history lists them.", help),
        ["replay", .. var rest] => Replay(rest, help),
        _ => Misuse(Words, help),
    };

    private static Verb Lint(string[] how, string help)
    {
        var said = Said.Part(how, flags: ["--strict", "--live"], valued: []);
        if (said.Wrong is not null || said.Words.Count > 1)
            return Misuse($"policy lint takes one file, --strict and --live{said.Not(1)}.", help);
        return new Verb.PolicyLint(
            said.Words.Count == 0 ? null : said.Words[0], said.Options.ContainsKey("--strict"), said.Options.ContainsKey("--live"));
    }

    private static Verb Explain(string[] how, string help)
    {
        const string Usage = "policy explain wants --as U… or --in group,group (or both), and what would be typed in Slack; " +
            "--at 2026-12-01T10:00:00Z and --policy FILE may be given";
        var said = Said.Part(how, flags: [], valued: ["--as", "--in", "--at", "--policy"]);
        var person = said.Options.GetValueOrDefault("--as");
        if (said.Wrong is not null || said.Words.Count == 0 || (person is null && !said.Options.ContainsKey("--in")))
            return Misuse($"{Usage}{said.Not(int.MaxValue)}.", help);
        // The team comes from the settings; any well-formed one lets the domain judge the user's half.
        if (person is not null && PrincipalId.Parse("T000", person) is null) return Misuse($"'{person}' is not a Slack user id.", help);
        DateTimeOffset? at = null;
        if (said.Options.TryGetValue("--at", out var when) && (at = Instants.Parse(when)) is null)
            return Misuse($"--at is '{when}', which is not an instant like 2026-12-01T10:00:00Z.", help);
        return new Verb.PolicyExplain(
            person, Groups(said), string.Join(' ', said.Words), at, said.Options.GetValueOrDefault("--policy"));
    }

    private static Verb Replay(string[] how, string help)
    {
        var said = Said.Part(how, flags: [], valued: ["--since", "--in"]);
        if (said.Wrong is not null || said.Words.Count != 1)
            return Misuse($"policy replay wants the new policy file; --since 30d and --in group,group may be given{said.Not(1)}.", help);
        var since = said.Options.GetValueOrDefault("--since") ?? "30d";
        return Durations.Parse(since) is { } length ? new Verb.PolicyReplay(said.Words[0], length, Groups(said))
            : Misuse($"--since is '{since}', which is not a length of time like 30d.", help);
    }

    private static string[]? Groups(Said said) => said.Options.TryGetValue("--in", out var groups)
        ? groups.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : null;

    private static Verb.Say Misuse(string sentence, string help) => new($"{sentence}\n\n{help}", CommandLine.Misuse);
}
