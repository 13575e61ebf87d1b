using System.Diagnostics;
using DbAccess.Api.Commands;
using DbAccess.Infrastructure.Policies;

namespace DbAccess.Api.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void Without_words_it_serves()
    {
        Assert.Empty(Assert.IsType<Verb.Serve>(CommandLine.Read([])).Host);
        Assert.Equal(["--urls", "http://127.0.0.1:1"], Assert.IsType<Verb.Serve>(CommandLine.Read(["--urls", "http://127.0.0.1:1"])).Host);
        Assert.Equal(["--urls", "http://127.0.0.1:1"], Assert.IsType<Verb.Serve>(CommandLine.Read(["serve", "--urls", "http://127.0.0.1:1"])).Host);
    }

    [Fact]
    public void Verbs_are_told_apart()
    {
        Assert.Equal(new Verb.Sweep(false, false, false, Now: false), CommandLine.Read(["sweep"]));
        Assert.Equal(new Verb.Sweep(true, false, false, Now: true), CommandLine.Read(["sweep", "--now", "--dry-run"]));
        Assert.IsType<Verb.StoreInit>(CommandLine.Read(["store", "init"]));
        Assert.Equal("orders read False", Assert.IsType<Verb.Plan>(CommandLine.Read(["plan", "orders", "read"])) is var plan ? $"{plan.Database} {plan.Scope} {plan.Json}" : "");
        Assert.True(Assert.IsType<Verb.Plan>(CommandLine.Read(["plan", "orders", "read", "--json"])).Json);
        Assert.Equal(["public.orders", "items"], Assert.IsType<Verb.Plan>(CommandLine.Read(["plan", "orders", "read", "--only", "public.orders, items"])).Only.Select(table => table.ToString()));
        Assert.Null(Assert.IsType<Verb.PolicyLint>(CommandLine.Read(["policy", "lint"])).Path);
        Assert.Equal("a.yaml", Assert.IsType<Verb.PolicyLint>(CommandLine.Read(["policy", "lint", "a.yaml"])).Path);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("help")]
    [InlineData("--version")]
    [InlineData("serve --help")]
    [InlineData("sweep --help")]
    [InlineData("policy lint --help")]
    [InlineData("policy explain --help")]
    [InlineData("policy replay --help")]
    public void Whoever_asks_is_told_and_leaves_with_success(string line) =>
        Assert.Equal(ExitCode.Success, Assert.IsType<Verb.Say>(CommandLine.Read(line.Split(' '))).Exit);

    [Theory]
    [InlineData("audit verify --key k.pem --from there --checkpoint a,b")]
    [InlineData("audit export --to there --person U0ENGINE1 --database orders --from 2026-10-01 --until 2026-11-01")]
    [InlineData("audit report --until 2026-11-01 --from 2026-10-01 --to there")]
    [InlineData("audit resend --from 7 --webhook 0")]
    [InlineData("audit key --change")]
    [InlineData("audit key --change --old-key alias/before")]
    [InlineData("audit repair")]
    [InlineData("audit repair --checkpoint kept.txt --yes")]
    public void The_verbs_of_an_audit_take_their_options_in_any_order(string line) =>
        Assert.IsNotType<Verb.Say>(CommandLine.Read(line.Split(' ')));

    [Theory]
    [InlineData("audit", "Required command was not provided")]
    [InlineData("audit verify --from there", "not the one from the same folder")]
    [InlineData("audit verify nonsense", "argument 'nonsense'")]
    [InlineData("audit export", "Option '--to' is required")]
    [InlineData("audit export --to there --grant x", "--grant is 'x', which is not the id of a grant")]
    [InlineData("audit export --to there --from yesterday", "--from is 'yesterday', which is not a date")]
    [InlineData("audit export --to there --withhold names", "not 'names'")]
    [InlineData("audit report --to there --from 2026-11-01 --until 2026-10-01", "a later --until")]
    [InlineData("audit resend --webhook 0", "Option '--from' is required")]
    [InlineData("audit key --new", "argument '--new'")]
    [InlineData("audit key --old-key alias/before", "audit key takes --old-key only together with --change")]
    [InlineData("audit repair --no", "argument '--no'")]
    public void What_is_wrong_with_a_verb_of_an_audit_is_said(string line, string words)
    {
        var said = Assert.IsType<Verb.Say>(CommandLine.Read(line.Split(' ')));

        Assert.Equal(ExitCode.Misuse, said.Exit);
        Assert.Contains(words, said.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_verbs_of_a_policy_take_their_options_in_any_order()
    {
        Assert.Equal(new Verb.PolicyLint("a.yaml", Strict: true, Live: true), CommandLine.Read(["policy", "lint", "--live", "a.yaml", "--strict"]));
        Assert.IsType<Verb.PolicySchema>(CommandLine.Read(["policy", "schema"]));

        var explain = Assert.IsType<Verb.PolicyExplain>(CommandLine.Read("policy explain orders read --as U0ENGINE1 2h --in oncall,dba --at 2026-12-01T10:00:00Z --policy a.yaml".Split(' ')));
        Assert.Equal(("U0ENGINE1", "orders read 2h", "a.yaml"), (explain.Person, explain.Ask, explain.Path));
        Assert.Equal(["oncall", "dba"], explain.In);
        Assert.Equal(DateTimeOffset.Parse("2026-12-01T10:00:00Z"), explain.At);
        Assert.Null(Assert.IsType<Verb.PolicyExplain>(CommandLine.Read(["policy", "explain", "--as", "U0ENGINE1", "orders read"])).In);

        Assert.IsType<Verb.PolicyHistory>(CommandLine.Read(["policy", "history"]));
        Assert.Equal(new Verb.PolicyShow("3f1c0a"), CommandLine.Read(["policy", "show", "3f1c0a"]));

        var replay = Assert.IsType<Verb.PolicyReplay>(CommandLine.Read(["policy", "replay", "new.yaml"]));
        Assert.Equal(("new.yaml", TimeSpan.FromDays(30)), (replay.Path, replay.Since));
        Assert.Equal(TimeSpan.FromDays(7), Assert.IsType<Verb.PolicyReplay>(CommandLine.Read(["policy", "replay", "--since", "7d", "new.yaml"])).Since);
    }

    [Theory]
    [InlineData("revoke K7Q3-MD --reason x", "K7Q3-MD")]
    [InlineData("revoke --reason x --person U0ENGINE1", "@U0ENGINE1")]
    [InlineData("revoke --database orders --reason x", "orders")]
    [InlineData("revoke --all --reason x", "all")]
    public void Revoke_takes_one_target_and_a_reason(string line, string target)
    {
        var revoke = Assert.IsType<Verb.Revoke>(CommandLine.Read(line.Split(' ')));

        Assert.Equal((target, "x"), (revoke.Target.Target("T0DBACME1")!.ToString(), revoke.Why));
    }

    [Theory]
    [InlineData("srve")]
    [InlineData("audit export --to a --to b")]
    [InlineData("sweep -now")]
    [InlineData("sweep --confirm")]
    [InlineData("revoke @U0ENGINE1 --reason x")]
    [InlineData("completion")]
    [InlineData("health http://example.com/")]
    [InlineData("serve --port 1")]
    [InlineData("--Slack:BotToken=x")]
    [InlineData("store drop")]
    [InlineData("policy")]
    [InlineData("policy lint --strict a b")]
    [InlineData("policy lint --lively")]
    [InlineData("policy explain")]
    [InlineData("policy explain --as U0ENGINE1")]
    [InlineData("policy explain orders read")]
    [InlineData("policy explain --as nobody orders read")]
    [InlineData("policy explain --in a --in b orders read")]
    [InlineData("policy explain --in a --at noon orders read")]
    [InlineData("policy explain orders read --in")]
    [InlineData("policy schema extra")]
    [InlineData("policy history all")]
    [InlineData("policy show")]
    [InlineData("policy show 3f1c")]
    [InlineData("policy show not-hex")]
    [InlineData("policy replay")]
    [InlineData("policy replay a b")]
    [InlineData("policy replay a --since ever")]
    [InlineData("revoke")]
    [InlineData("revoke K7Q3-MD")]
    [InlineData("revoke --all")]
    [InlineData("revoke --reason x")]
    [InlineData("revoke --all --database orders --reason x")]
    [InlineData("revoke nonsense --reason x")]
    [InlineData("revoke --person nobody --reason x")]
    [InlineData("plan")]
    [InlineData("plan orders")]
    [InlineData("plan orders read --yaml")]
    [InlineData("plan ORDERS! read")]
    [InlineData("plan orders read --only")]
    [InlineData("plan orders read --only a.b.c")]
    public void Anything_else_is_misuse(string line) =>
        Assert.Equal(ExitCode.Misuse, Assert.IsType<Verb.Say>(CommandLine.Read(line.Split(' '))).Exit);

    [Theory]
    [InlineData("--help", "dbaccess [command]", "revoke <id>")]
    [InlineData("sweep --help", "--reconcile", "First compare the record with every cluster")]
    [InlineData("help audit export", "dbaccess audit export [options]", "--withhold <NAME,NAME>")]
    [InlineData("policy --help", "explain <ask>", "replay <file>")]
    public void Each_verb_has_a_help_of_its_own(string line, string one, string other)
    {
        var said = Assert.IsType<Verb.Say>(CommandLine.Read(line.Split(' ')));

        Assert.Contains(one, said.Text, StringComparison.Ordinal);
        Assert.Contains(other, said.Text, StringComparison.Ordinal);
        Assert.Contains("Exit codes: 0 done", said.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("srve", "serve")]
    [InlineData("policy lnt", "lint")]
    [InlineData("audit verfy", "verify")]
    public void A_near_miss_is_told_what_was_meant(string line, string word)
    {
        var said = Assert.IsType<Verb.Say>(CommandLine.Read(line.Split(' ')));

        Assert.Equal(["Did you mean one of the following?", word], said.Text.Split(["was not matched. ", "\n"], StringSplitOptions.None).Skip(1).Take(2));
    }

    [Theory]
    [InlineData("--Slack:BotToken=xoxb-not-for-a-command-line")]
    [InlineData("serve --Slack:BotToken=xoxb-not-for-a-command-line")]
    [InlineData("revoke --all --reason=x --Slack:BotToken=xoxb-not-for-a-command-line")]
    public void A_secret_that_was_tried_as_an_option_is_not_said_again(string line)
    {
        var said = Assert.IsType<Verb.Say>(CommandLine.Read(line.Split(' ')));

        Assert.Contains("'--Slack:BotToken=…'", said.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("xoxb", said.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dbaccess au", "audit")]
    [InlineData("dbaccess audit ex", "export")]
    [InlineData("dbaccess sweep --re", "--reconcile")]
    public async Task A_shell_finishes_our_words(string typed, string finished)
    {
        var (script, suggested) = (Assert.IsType<Verb.Say>(CommandLine.Read(["completion", "bash"])).Text, Assert.IsType<Verb.Say>(CommandLine.Read([$"[suggest:{typed.Length}]", typed])).Text);
        Assert.Equal(finished, suggested.Trim());

        // As bash does it, with the program's answer in its place.
        var words = typed.Split(' ');
        using var bash = Process.Start(new ProcessStartInfo("bash") { ArgumentList = { "-c", $"""
            dbaccess() {"{"} [ "$1" = "[suggest:{typed.Length}]" ] && [ "$2" = "{typed}" ] && printf '%s\n' "$SUGGESTED"; {"}"}
            {script}
            COMP_LINE='{typed}' COMP_POINT={typed.Length} COMP_WORDS=({typed}) COMP_CWORD={words.Length - 1}
            _dbaccess; printf '%s\n' "${"{"}COMPREPLY[@]{"}"}"
            """ }, RedirectStandardOutput = true, UseShellExecute = false, Environment = { ["SUGGESTED"] = suggested } })!;
        Assert.Equal(finished, (await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim());
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
    }
}
