using System.Reflection;
using DbAccess.Api.Commands;
using DbAccess.Api.Lambda;
using DbAccess.Application.Evidence;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api;

/// <summary>What the executable was asked to do.</summary>
internal abstract record Verb
{
    private Verb()
    {
    }

    public sealed record Serve(string[] Host) : Verb;

    /// <param name="DryRun">Say what would be done, and do nothing.</param>
    /// <param name="Reconcile">Compare the record with every cluster first.</param>
    /// <param name="Confirm">An administrator says that the record is right.</param>
    /// <param name="Now">Also try what was put off until later.</param>
    public sealed record Sweep(bool DryRun, bool Reconcile, bool Confirm, bool Now = false) : Verb;

    public sealed record Doctor(bool Json) : Verb;

    /// <param name="Only">The tables to narrow it to; empty for the whole scope.</param>
    public sealed record Plan(DatabaseName Database, ScopeName Scope, IReadOnlyList<TableMention> Only, bool Json) : Verb;

    public sealed record StoreInit : Verb;

    /// <param name="Strict">A warning is a fault.</param>
    /// <param name="Live">Also expand the scopes on the live databases.</param>
    public sealed record PolicyLint(string? Path, bool Strict = false, bool Live = false) : Verb;

    /// <param name="Person">A Slack user id, or null where only groups are given.</param>
    /// <param name="In">The groups they are taken to be in; null asks Slack.</param>
    /// <param name="Ask">As it would be typed in Slack.</param>
    /// <param name="At">When it is asked; null for now.</param>
    public sealed record PolicyExplain(string? Person, IReadOnlyList<string>? In, string Ask, DateTimeOffset? At, string? Path) : Verb;

    public sealed record PolicySchema : Verb;

    public sealed record PolicyHistory : Verb;

    /// <param name="Hash">As the history says it, or enough of its beginning.</param>
    public sealed record PolicyShow(string Hash) : Verb;

    /// <param name="In">The groups that everybody is taken to be in; null takes the policy's lists of users.</param>
    public sealed record PolicyReplay(string Path, TimeSpan Since, IReadOnlyList<string>? In) : Verb;

    /// <summary>Ends access, without Slack and without a policy.</summary>
    public sealed record Revoke(RevokeWish Target, string Why) : Verb;

    /// <param name="From">A folder that was exported; null for the store of the settings.</param>
    /// <param name="Key">A file with the public keys to verify with; null for the installation's own.</param>
    /// <param name="Kept">Files of checkpoints that somebody kept elsewhere.</param>
    public sealed record AuditVerify(string? From, string? Key, IReadOnlyList<string> Kept) : Verb;

    /// <param name="Withhold">Sealed values that are left out, by name.</param>
    public sealed record AuditExport(string To, PackSelection Selection, IReadOnlyList<string> Withhold) : Verb;

    public sealed record AuditReport(string To, DateTimeOffset From, DateTimeOffset Until) : Verb;

    /// <param name="Webhook">Which of <c>Audit:Webhooks</c>.</param>
    /// <param name="From">The first event that it gets again.</param>
    public sealed record AuditResend(int Webhook, long From) : Verb;

    /// <param name="Change">Begin with another key.</param>
    public sealed record AuditKey(bool Change) : Verb;

    /// <summary>Asks a serving process on this machine whether it is up.</summary>
    public sealed record Health(Uri Address) : Verb;

    public sealed record Lambda(LambdaFunction Function) : Verb;

    /// <summary>Print and leave with this exit code.</summary>
    public sealed record Say(string Text, int Exit) : Verb;
}

/// <summary>
/// Reads the command line. Settings, secrets above all, never come this way: process arguments can be read by everybody on the machine.
/// </summary>
internal static class CommandLine
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Misuse = 2;

    private const string Help = """
        DbAccess: just-in-time, least-privilege PostgreSQL roles, asked for in Slack.

        Usage: dbaccess [verb]

          serve                 answer Slack, make and remove roles (the verb when none is given)
                                  --urls http://127.0.0.1:5080   where to listen
          sweep                 one pass over everything that is due, then leave (for cron)
                                  --now         also try at once what did not work and waits for its next try;
                                                what another process holds is left to it
                                  --reconcile   first compare the record with every cluster: remove orphans,
                                                end grants whose role vanished, mend scope roles
                                  --confirm     with --reconcile: the record is right; also remove roles with our
                                                tag that it does not know (after a restore: put the store right first)
                                  --dry-run     say what all of that would do, and do nothing
          doctor [--json]       can everything be reached, may the administrators do what is needed: one line
                                for each check, with the statement that mends it; exit code 1 when one fails
          plan <database> <scope> [--only <tables>] [--json]
                                what a role of that scope could do there today: every object, by name, with what
                                everybody has anyway and what comes later; changes nothing
                                  --only public.orders,public.items   as if narrowed to these tables
          revoke <id> --reason <why>
          revoke --person U… | --database D | --all --reason <why>
                                end access now; needs neither Slack nor a policy. Ids: from the record or a role's comment
          store init            make the store's file or table, where nothing else did
          lambda create-db-user | lambda expire-db-users
                                run as that function inside AWS Lambda (custom runtime)
          policy lint [file] [--strict] [--live]
                                check an access policy and run its tests; every fault with its line
                                  --strict  a warning is a fault
                                  --live    also name what scopes lead to nothing on the databases as they are
          policy explain --as U… [--in group,group] "orders read 2h because x" [--at INSTANT] [--policy FILE]
                                what would be decided, and why, rule by rule; with --in Slack is asked nothing
          policy schema         the file as JSON Schema, for editors
          policy history        the last policies that were in force, by their hash
          policy show <hash>    the text of one of them
          policy replay <file> [--since 30d] [--in group,group]
                                which requests on record that policy would decide otherwise
          audit verify [--from DIR|s3://…] [--key FILE] [--checkpoint FILE,FILE]
                                is the evidence log whole? Of the store, or of an export or a pack alone; exit code 1 with
                                the first event that is wrong, and why
                                  --key         public keys (PEM) that you got another way
                                  --checkpoint  checkpoints that you kept, from Slack for instance
          audit export --to DIR [--withhold reason,note,sql,run]
          audit export --to DIR [--grant ID] [--person U…] [--database D] [--from DATE --until DATE]
                                the whole log; or some grants' part of it, with proofs and a page to read
          audit report --to DIR --from DATE --until DATE
                                who had what, by which rule, and what stands out: a page and tables
          audit key [--change]  the public key that the log is signed with; or begin with another one
          audit resend --webhook N --from EVENT
                                sends a webhook what it has lost: everything from that event on, by its number
          health [address]      is a serving process up? For containers without curl
                                  http://127.0.0.1:5081/health/live when no address is given

          --help, --version

        Settings are read from appsettings.json, appsettings.Production.json and the environment
        (Slack__BotToken for Slack:BotToken); the README lists them all.

        Exit codes: 0 done, 1 it did not work (the reason is on standard error), 2 the call or the settings are wrong.
        """;

    public static Verb Read(string[] args) => args switch
    {
        [] => new Verb.Serve([]),
        ["serve", .. var host] when host.Any(arg => arg is "--help" or "-h") => new Verb.Say(Help, Success),
        ["serve", .. var host] => ReadHost(host),
        ["--urls", ..] => ReadHost(args),
        ["sweep", "--help" or "-h"] or ["doctor", "--help" or "-h"] or ["revoke", "--help" or "-h"] => new Verb.Say(Help, Success),
        ["sweep", .. var how] => ReadSweep(how),
        ["doctor"] => new Verb.Doctor(Json: false),
        ["doctor", "--json"] => new Verb.Doctor(Json: true),
        ["plan", "--help" or "-h"] => new Verb.Say(Help, Success),
        ["plan", var database, var scope, .. var how] => ReadPlan(database, scope, how),
        ["plan", ..] => new Verb.Say($"plan wants a database and a scope of the policy.\n\n{Help}", Misuse),
        ["store", "init"] => new Verb.StoreInit(),
        ["lambda", "create-db-user"] => new Verb.Lambda(LambdaFunction.CreateDbUser),
        ["lambda", "expire-db-users"] => new Verb.Lambda(LambdaFunction.ExpireDbUsers),
        ["revoke", .. var how] => RevokeWish.Read(how, Help),
        ["policy", .. var how] => PolicyCommandLine.Read(how, Help),
        ["audit", .. var how] => AuditCommandLine.Read(how, Help),
        ["health"] => new Verb.Health(new Uri("http://127.0.0.1:5081/health/live")),
        ["health", var address] when ReadLocal(address) is { } local => new Verb.Health(local),
        ["health", var address] when !address.StartsWith('-') =>
            new Verb.Say($"health asks this machine only, for example http://127.0.0.1:5081/health/ready; not '{address}'.", Misuse),
        ["--help" or "-h" or "help", ..] => new Verb.Say(Help, Success),
        [_, "--help" or "-h"] or [_, _, "--help" or "-h"] => new Verb.Say(Help, Success),
        ["--version"] => new Verb.Say(Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "unknown", Success),
        _ => new Verb.Say($"I do not know '{string.Join(' ', args.Take(3))}'.\n\n{Help}", Misuse),
    };

    private static Uri? ReadLocal(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback ? uri : null;

    private static Verb ReadSweep(string[] how)
    {
        bool Has(string option) => how.Contains(option, StringComparer.Ordinal);
        var (dryRun, reconcile, confirm) = (Has("--dry-run"), Has("--reconcile"), Has("--confirm"));
        if (how.Except(["--dry-run", "--reconcile", "--confirm", "--now"], StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            return new Verb.Say($"sweep takes --now, --reconcile, --confirm and --dry-run, not '{unknown}'.\n\n{Help}", Misuse);
        // Nobody confirms what they did not ask for.
        return confirm && !reconcile
            ? new Verb.Say("sweep takes --confirm only together with --reconcile.", Misuse)
            : new Verb.Sweep(dryRun, reconcile, confirm, Has("--now"));
    }

    private static Verb ReadPlan(string database, string scope, string[] how)
    {
        if (DatabaseName.Parse(database) is not { } name)
            return new Verb.Say($"'{database}' is not the name of a database of the policy.", Misuse);
        if (ScopeName.Parse(scope) is not { } known) return new Verb.Say($"'{scope}' is not the name of a scope of the policy.", Misuse);

        IReadOnlyList<TableMention> only = [];
        var json = false;
        for (var i = 0; i < how.Length; i++)
        {
            switch (how[i])
            {
                case "--json":
                    json = true;
                    break;
                case "--only" when i + 1 < how.Length:
                    var (tables, wrong) = SqlNames.Tables(how[++i]);
                    if (wrong is not null || tables.Count == 0)
                        return new Verb.Say(
                            $"--only wants names of tables, with commas between them; '{how[i]}' {wrong ?? "names none"}.", Misuse);
                    only = tables;
                    break;
                case var unknown:
                    return new Verb.Say($"plan takes --only <tables> and --json, not '{unknown}'.\n\n{Help}", Misuse);
            }
        }

        return new Verb.Plan(name, known, only, json);
    }

    private static Verb ReadHost(string[] host) => host switch
    {
        [] or ["--urls", _] => new Verb.Serve(host),
        _ => new Verb.Say($"serve takes --urls and nothing else.\n\n{Help}", Misuse),
    };
}
