using System.CommandLine;
using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Application.Evidence.Packs;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>audit export</c>: the whole log, or some grants' part of it, in a folder.</summary>
internal static class AuditExportVerb
{
    private static readonly string[] Sealed = ["all", "reason", "note", "sql", "run", "found", "arguments"];

    public static VerbCommand Describe()
    {
        var to = AuditDates.To();
        var grant = Takes.Value("--grant", "ID", "Of this grant only.", GrantId.Parse, "the id of a grant");
        var person = Takes.Value("--person", "U…", "Of this Slack user's grants only.",
            text => PrincipalId.Parse("T000", text)?.User, "a Slack user id");
        var database = Takes.Value("--database", "D", "Of grants on this database only.",
            text => DatabaseName.Parse(text)?.Value, "a database of the policy");
        var (from, until) = (AuditDates.From(), AuditDates.Until());
        var withhold = Takes.List("--withhold", "NAME,NAME", $"Leave these values out, and keep the proof: {string.Join(", ", Sealed)}.",
            Sealed);
        return new VerbCommand("export", "The whole log; or some grants' part of it, with proofs and a page to read.",
            read => new Verb.AuditExport(read.GetValue(to)!, new PackSelection(
                read.GetValue(grant), read.GetValue(person), read.GetValue(database), read.GetValue(from), read.GetValue(until)),
                Takes.Split(read.GetValue(withhold)) ?? []),
            to, grant, person, database, from, until, withhold);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.AuditExport verb)
    {
        if (Refuse(verb.To) is { } why)
        {
            await Console.Error.WriteLineAsync(why);
            return ExitCode.Misuse;
        }

        // What happened a moment ago is to be in it; where that cannot be, what has a place is exported all the same.
        await using (var scope = services.CreateAsyncScope())
            if ((await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new SequenceEvents())).Refusal is { } refusal)
                await Console.Error.WriteLineAsync($"The newest events are not in it: {refusal.Message}");

        var log = services.GetRequiredService<IEvidenceLog>();
        var (export, progress) = (new LogExport(log, verb.Withhold), new Progress("events read"));
        return verb.Selection.IsAll
            ? await WholeAsync(export, verb.To, progress) : await PackAsync(new PackExport(log, export), verb, progress);
    }

    private static async Task<int> WholeAsync(LogExport export, string to, Progress progress)
    {
        var exported = await export.WriteAsync(path => Make(to, path), progress.Report, CancellationToken.None);
        if (exported.Checkpoint is not { } newest) return await NothingAsync("There is no checkpoint yet, so there is nothing to export.");

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{exported.Events:N0} events in {to}, up to the checkpoint of size {newest.Checkpoint.Size} " +
                $"of {newest.Checkpoint.At:yyyy-MM-dd HH:mm:ss} UTC."));
        Console.WriteLine($"Verify it anywhere: dbaccess audit verify --from {to} --key FILE, with the public key that you kept.");
        return ExitCode.Success;
    }

    private static async Task<int> PackAsync(PackExport export, Verb.AuditExport verb, Progress progress)
    {
        var packed = await export.WriteAsync(path => Make(verb.To, path), verb.Selection, export.Draw, progress.Report,
            CancellationToken.None);
        if (packed is null) return await NothingAsync("No grant on record fits that, so nothing was exported.");

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{packed.Grants.Count} {(packed.Grants.Count == 1 ? "grant" : "grants")}, {packed.Events.Count} events with their proofs " +
                $"in {verb.To}."));
        Console.WriteLine($"Read {Path.Combine(verb.To, "index.html")}; verify it anywhere: dbaccess audit verify --from {verb.To} " +
            $"--key FILE");
        return ExitCode.Success;
    }

    /// <summary>Nothing of anybody else's is written over, and no old file stays among the new ones.</summary>
    internal static string? Refuse(string to) => File.Exists(to) ? $"{to} is a file; --to names a folder."
        : Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any()
            ? $"{to} is not empty. Name a folder that is not there yet, so that nothing old stays among what is exported." : null;

    internal static FileStream Make(string to, string path)
    {
        var file = Path.Combine(to, path.Replace('/', Path.DirectorySeparatorChar));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return new FileStream(file, FileMode.CreateNew, FileAccess.Write);
    }

    private static async Task<int> NothingAsync(string why)
    {
        await Console.Error.WriteLineAsync(why);
        return ExitCode.Failure;
    }
}
