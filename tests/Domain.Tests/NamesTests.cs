using System.Text;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests;

/// <summary>Ids and names: built in one place and valid from then on.</summary>
public sealed class NamesTests
{
    [Fact]
    public void A_grant_id_is_read_the_way_people_type_it()
    {
        var id = GrantId.Parse("K7Q3-MD")!;

        Assert.Equal("K7Q3-MD", id.ToString());
        Assert.Equal("k7q3md", id.Compact);
        Assert.All((string[])["k7q3-md", "K7Q3MD", "k7q3md", "  K7Q3-MD ", "\tk7q3md\n"], typed => Assert.Equal(id, GrantId.Parse(typed)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("K7Q3-M")]
    [InlineData("K7Q3-MDA")]
    [InlineData("K7Q3-M0")]
    [InlineData("K7Q3-MO")]
    [InlineData("K7Q3-M1")]
    [InlineData("K7Q3-MI")]
    [InlineData("K7Q3-ML")]
    [InlineData("K7Q3-M\u00e4")]
    public void What_is_not_a_grant_id_is_not_read_as_one(string? text) => Assert.Null(GrantId.Parse(text));

    [Fact]
    public void Grant_ids_have_no_letters_that_look_alike_and_read_back_as_themselves()
    {
        for (var i = 0; i < 2_000; i++)
        {
            foreach (var id in (GrantId[])[GrantId.New(), GrantId.Derive("key", i)])
            {
                Assert.Matches("^[A-Z0-9]{4}-[A-Z0-9]{2}$", id.ToString());
                Assert.DoesNotContain(id.ToString(), letter => "01258BILOSUZ".Contains(letter, StringComparison.Ordinal));
                Assert.Equal(id, GrantId.Parse(id.ToString()));
            }
        }
    }

    [Fact]
    public void The_same_request_always_has_the_same_id_and_another_at_the_next_attempt()
    {
        Assert.Equal(GrantId.Derive("command:1", 0), GrantId.Derive("command:1", 0));
        Assert.NotEqual(GrantId.Derive("command:1", 0), GrantId.Derive("command:1", 1));
        Assert.NotEqual(GrantId.Derive("command:1", 0), GrantId.Derive("command:2", 0));

        // Role names and people's memory hold ids, so the derivation is not free to change.
        Assert.Equal(1_000, Enumerable.Range(0, 1_000).Select(i => GrantId.Derive("command:1", i)).Distinct().Count(), 5.0);
    }

    public static TheoryData<string> Handles() =>
    [
        "erin", "", "   ", "...", new string('a', 500), "Zo\u00eb \u00d8stergaard", "\ud83d\ude80\ud83d\udd25", "Robert'); DROP TABLE students;--",
        "pg_monitor", "\"quoted\"", "__--..__", "\u738b\u5c0f\u660e", "a\nb\0c", new string('_', 300), "A.B-C_D E",
    ];

    [Theory]
    [MemberData(nameof(Handles))]
    public void Whatever_people_are_called_their_roles_have_names_that_the_server_takes_whole(string handle)
    {
        foreach (var installation in (string[])["acme", "", new string('x', 400), "\ud83d\ude80", "pg_"])
        {
            RoleName[] names =
            [
                RoleName.ForGrant(installation, GrantId.New(), handle),
                RoleName.ForScope(installation, handle, Some.ReadScope().Fingerprint("orders")),
                RoleName.ForEscrow(installation),
            ];

            Assert.All(names, name =>
            {
                Assert.InRange(Encoding.UTF8.GetByteCount(name.Value), 1, 63);
                Assert.Matches("\\Adba_[a-z0-9]{6}_[a-z0-9_]+\\z", name.Value);
                Assert.StartsWith(RoleName.Prefix(installation), name.Value, StringComparison.Ordinal);
                Assert.Equal(name, RoleName.Parse(name.Value));
            });
        }
    }

    [Theory]
    [InlineData("erin", true)]
    [InlineData("a_very.long-handle_of_somebody", true)]
    [InlineData("k7q3md", true)]
    [InlineData(null, false)]
    public void A_grants_role_is_told_by_its_name_from_every_other_of_ours(string? handle, bool its)
    {
        var id = GrantId.Parse("K7Q3-MD")!;
        RoleName[] names = handle is not null ? [RoleName.ForGrant("acme", id, handle)] :
        [
            RoleName.ForGrant("other", id, "erin"), RoleName.ForGrant("acme", GrantId.New(), "k7q3md"), RoleName.ForEscrow("acme"),
            RoleName.ForScope("acme", "k7q3md", "0123456789abcdef"), RoleName.Parse(RoleName.Another(RoleName.ForScope("acme", "x_k7q3md", "0123456789abcdef").Value))!,
            RoleName.Parse($"{RoleName.Prefix("acme")}erin_k7q3md_short")!,
        ];

        Assert.All(names, name => Assert.Equal(its, name.IsOf("acme", id)));
    }

    [Fact]
    public void A_role_name_tells_its_grant_and_person_and_is_another_each_time()
    {
        var id = GrantId.Parse("K7Q3-MD")!;

        var first = RoleName.ForGrant("acme", id, "Erin.Example");
        var second = RoleName.ForGrant("acme", id, "Erin.Example");

        Assert.Contains("_erin_example_k7q3md_", first.Value, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Theory]
    [InlineData("Zoë Østergård", "zoe_ostergard")]
    [InlineData("Jürgen Groß", "jurgen_gross")]
    [InlineData("Łukasz Żółć", "lukasz_zolc")]
    [InlineData("Þóra Æsir", "thora_aesir")]
    [InlineData("ÉRIC", "eric")]
    [InlineData("Zoe\u0308", "zoe")]
    [InlineData("şükrü.çağlar", "sukru_caglar")]
    [InlineData("aaaaaaaaaaaaaaaaaaaß", "aaaaaaaaaaaaaaaaaaas")]
    [InlineData("王小明", "x")]
    public void Letters_with_marks_stay_readable_in_role_names(string handle, string part) =>
        Assert.Matches($"^dba_[a-z0-9]{{6}}_{part}_k7q3md_[a-z0-9]{{8}}$", RoleName.ForGrant("acme", GrantId.Parse("K7Q3-MD")!, handle).Value);

    [Fact]
    public void Installations_and_sets_of_privileges_are_told_apart_by_name()
    {
        var scope = Some.ReadScope().Fingerprint("orders");

        Assert.NotEqual(RoleName.Prefix("acme"), RoleName.Prefix("acme-2"));
        Assert.Equal(RoleName.ForScope("acme", "read", scope), RoleName.ForScope("acme", "read", scope));
        Assert.NotEqual(RoleName.ForScope("acme", "read", scope), RoleName.ForScope("acme", "read", Some.ReadScope().Fingerprint("billing")));
    }

    [Theory]
    [InlineData("postgres")]
    [InlineData("pg_monitor")]
    [InlineData("dba_abcdef_")]
    [InlineData("dba_ABCDEF_x")]
    [InlineData("dba_abcdef_x\"; DROP ROLE y")]
    [InlineData("dba_abcdef_x\n")]
    [InlineData("")]
    [InlineData(null)]
    public void A_name_that_we_would_not_build_is_not_a_role_name(string? text) => Assert.Null(RoleName.Parse(text));

    [Fact]
    public void No_name_ends_in_a_line_break_or_is_longer_than_its_limit()
    {
        // A cluster's name becomes part of a path and of a key, and `$` alone would let a line break through.
        Assert.Null(ClusterName.Parse("orders-prod\n"));
        Assert.Null(DatabaseName.Parse("orders\n"));
        Assert.Null(ScopeName.Parse("read\n"));
        Assert.Null(PrincipalId.Parse("T0DBACME1\n", "U0ENGINE1"));
        Assert.Null(PrincipalId.Parse("T0DBACME1", "U0ENGINE1\n"));
        Assert.Null(RoleName.Parse($"dba_abcdef_{new string('x', 53)}"));
        Assert.NotNull(RoleName.Parse($"dba_abcdef_{new string('x', 52)}"));
        Assert.Null(ClusterName.Parse("../etc"));
        Assert.Null(ClusterName.Parse(new string('a', 64)));
        Assert.NotNull(ClusterName.Parse(new string('a', 63)));
    }

    [Theory]
    [InlineData("T0DBACME1", "U0ENGINE1")]
    [InlineData("E0DBACME1", "W0ENGINE1")]
    public void A_person_is_a_workspace_and_a_user(string team, string user) => Assert.Equal($"{team}/{user}", PrincipalId.Parse(team, user)!.ToString());

    [Theory]
    [InlineData("X0DBACME1", "U0ENGINE1")]
    [InlineData("T0DBACME1", "B0ROBOT01")]
    [InlineData("T0DBACME1", "u0engine1")]
    [InlineData("T0DBACME1", "U0/ENGINE")]
    [InlineData("T", "U0ENGINE1")]
    [InlineData(null, "U0ENGINE1")]
    [InlineData("T0DBACME1", null)]
    public void What_Slack_would_not_call_a_person_is_nobody(string? team, string? user) => Assert.Null(PrincipalId.Parse(team, user));

    [Fact]
    public void Actors_are_read_back_from_what_they_wrote()
    {
        Actor[] actors = [new Actor.Person(Some.Engineer), new Actor.Rule("oncall-read"), new Actor.Rule("a/b:c"), new Actor.Sweep()];

        Assert.All(actors, actor => Assert.Equal(actor, Actor.Parse(actor.ToString()!)));
        Assert.All((string[])["", "nobody", "T0DBACME1", "T0DBACME1/U0ENGINE1/x", "sweeper"], text => Assert.Null(Actor.Parse(text)));
    }

    [Theory]
    [InlineData("", new string[0])]
    [InlineData("one", new[] { "one" })]
    [InlineData("one; two", new[] { "one", "two" })]
    [InlineData("Let a superuser run: DROP ROLE a; It stays.", new[] { "Let a superuser run: DROP ROLE a;", "It stays." })]
    public void Sentences_are_put_together_without_a_second_semicolon(string together, string[] sentences) => Assert.Equal(together, Show.Together(sentences));
}
