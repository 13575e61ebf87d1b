using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Commands;

/// <summary>Reads what stands behind <c>audit</c> on the command line.</summary>
internal static class AuditCommandLine
{
    private static readonly string[] Sealed = ["all", "reason", "note", "sql", "run", "found", "arguments"];

    public static Verb Read(string[] how, string help) => how switch
    {
        [.. var all] when all.Any(word => word is "--help" or "-h") => new Verb.Say(help, CommandLine.Success),
        ["verify", .. var rest] => Verify(rest, help),
        ["export", .. var rest] => Export(rest, help),
        ["report", .. var rest] => Report(rest, help),
        ["resend", .. var rest] => Resend(rest, help),
        ["repair", .. var rest] => Repair(rest, help),
        ["key", .. var rest] => Key(rest, help),
        _ => Misuse("audit takes verify, export, report, resend, repair or key.", help),
    };

    private static Verb Verify(string[] how, string help)
    {
        var said = Said.Part(how, flags: [], valued: ["--from", "--key", "--checkpoint"]);
        if (said.Wrong is not null || said.Words.Count > 0)
            return Misuse($"audit verify takes --from DIR or s3://…, --key FILE and --checkpoint FILE{said.Not(0)}.", help);
        return said.Option("--from") is not null && said.Option("--key") is null
            ? Misuse("audit verify --from wants the public key too, and not the one from the same folder: --key FILE.", help)
            : new Verb.AuditVerify(said.Option("--from"), said.Option("--key"), List(said.Option("--checkpoint")));
    }

    private static Verb Repair(string[] how, string help)
    {
        var said = Said.Part(how, flags: ["--yes"], valued: ["--checkpoint"]);
        return said.Wrong is null && said.Words.Count == 0
            ? new Verb.AuditRepair(List(said.Option("--checkpoint")), said.Option("--yes") is not null)
            : Misuse($"audit repair takes --checkpoint FILE and --yes{said.Not(0)}.", help);
    }

    private static Verb Key(string[] how, string help)
    {
        var said = Said.Part(how, flags: ["--change"], valued: ["--old-key"]);
        var change = said.Option("--change") is not null;
        return said.Wrong is null && said.Words.Count == 0 && (change || said.Option("--old-key") is null)
            ? new Verb.AuditKey(change, said.Option("--old-key"))
            : Misuse($"audit key takes --change, and with it --old-key KEY in KMS{said.Not(0)}.", help);
    }

    private static Verb Export(string[] how, string help)
    {
        var said = Said.Part(how, flags: [], valued: ["--to", "--grant", "--person", "--database", "--from", "--until", "--withhold"]);
        if (said.Wrong is not null || said.Words.Count > 0 || said.Option("--to") is not { } to)
            return Misuse("audit export wants --to DIR; --grant, --person, --database, --from, --until and --withhold may be given" +
                $"{said.Not(0)}.", help);
        var withhold = List(said.Option("--withhold"));
        if (withhold.FirstOrDefault(name => !Sealed.Contains(name)) is { } unknown)
            return Misuse($"--withhold takes {string.Join(", ", Sealed)}, not '{unknown}'.", help);
        if (Wrong(said, "--grant", text => GrantId.Parse(text) is not null, "the id of a grant") is { } grant) return Misuse(grant, help);
        if (Wrong(said, "--person", text => PrincipalId.Parse("T000", text) is not null, "a Slack user id") is { } person)
            return Misuse(person, help);
        if (Wrong(said, "--database", text => DatabaseName.Parse(text) is not null, "a database of the policy") is { } database)
            return Misuse(database, help);
        if (Dates(said) is { } dates) return Misuse(dates, help);

        return new Verb.AuditExport(to, new PackSelection(GrantId.Parse(said.Option("--grant") ?? ""), said.Option("--person"),
            said.Option("--database"), Date(said.Option("--from")), Date(said.Option("--until"))), withhold);
    }

    private static Verb Report(string[] how, string help)
    {
        var said = Said.Part(how, flags: [], valued: ["--to", "--from", "--until"]);
        if (said.Wrong is not null || said.Words.Count > 0 || said.Option("--to") is not { } to)
            return Misuse($"audit report wants --to DIR, --from DATE and --until DATE{said.Not(0)}.", help);
        if (Dates(said) is { } dates) return Misuse(dates, help);
        if (Date(said.Option("--from")) is not { } from || Date(said.Option("--until")) is not { } until || from >= until)
            return Misuse("audit report wants --from DATE and a later --until DATE, for example 2026-10-01 and 2026-11-01.", help);
        return new Verb.AuditReport(to, from, until);
    }

    private static Verb Resend(string[] how, string help)
    {
        var said = Said.Part(how, flags: [], valued: ["--webhook", "--from"]);
        return said.Wrong is null && said.Words.Count == 0 && Number(said.Option("--webhook")) is { } webhook && webhook < int.MaxValue
            && Number(said.Option("--from")) is { } from
                ? new Verb.AuditResend((int)webhook, from)
                : Misuse($"audit resend wants --webhook N, as in Audit:Webhooks:N, and --from EVENT, the number of one{said.Not(0)}.",
                    help);
    }

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? Dates(Said said) =>
        Wrong(said, "--from", text => Date(text) is not null, "a date like 2026-10-01")
            ?? Wrong(said, "--until", text => Date(text) is not null, "a date like 2026-10-01");

    private static string? Wrong(Said said, string option, Func<string, bool> isRight, string what) =>
        said.Option(option) is { } text && !isRight(text) ? $"{option} is '{text}', which is not {what}." : null;

    /// <summary>A day, from its beginning in UTC, or an instant.</summary>
    private static DateTimeOffset? Date(string? text) =>
        DateTimeOffset.TryParseExact(text, ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;

    private static string[] List(string? text) =>
        text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static Verb.Say Misuse(string sentence, string help) => new($"{sentence}\n\n{help}", CommandLine.Misuse);
}
