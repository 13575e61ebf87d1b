using System.Globalization;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.TestKit;

namespace DbAccess.Api.Tests.Slack;

public sealed class RequestTextTests
{
    [Theory]
    [InlineData("orders read 30m because INC-1", "30m", "INC-1")]
    [InlineData("read orders 30m because INC-1", "30m", "INC-1")]
    [InlineData("30m orders read because INC-1", "30m", "INC-1")]
    [InlineData("30m read orders INC-1", "30m", "INC-1")]
    [InlineData("orders 30m read INC-1", "30m", "INC-1")]
    [InlineData("READ on Orders for 30M BECAUSE INC-1", "30m", "INC-1")]
    [InlineData("please read access to the orders database for 30m because INC-1", "30m", "INC-1")]
    [InlineData("I need read on orders for 30m because INC-1", "30m", "INC-1")]
    [InlineData("@orders read, 30m, because: INC-1", "30m", "INC-1")]
    [InlineData("`orders` \"read\" 30m INC-1", "30m", "INC-1")]
    [InlineData("“orders” ‘read’ 30m INC-1", "30m", "INC-1")]
    [InlineData("ｏｒｄｅｒｓ　ｒｅａｄ　３０ｍ because INC-1", "30m", "INC-1")]
    [InlineData("orders\u00a0read\u00a030m INC-1", "30m", "INC-1")]
    [InlineData("orders\u200b read 30m INC-1", "30m", "INC-1")]
    [InlineData("orders\nread\n30m\nINC-1", "30m", "INC-1")]
    [InlineData("orders read 30 min because INC-1", "30m", "INC-1")]
    [InlineData("orders read 30min because INC-1", "30m", "INC-1")]
    [InlineData("orders read for 90 minutes because INC-1", "1h30m", "INC-1")]
    [InlineData("orders read 2 hours: INC-1", "2h", "INC-1")]
    [InlineData("orders read 1h 30m because INC-1", "1h30m", "INC-1")]
    [InlineData("orders read 1 hour 30 minutes INC-1", "1h30m", "INC-1")]
    [InlineData("1h 30m orders read INC-1", "1h30m", "INC-1")]
    [InlineData("orders read 45s x", "45s", "x")]
    [InlineData("orders read 1d x", "1d", "x")]
    [InlineData("orders read 1h30m x", "1h30m", "x")]
    [InlineData("orders read 30m - checking INC-1", "30m", "checking INC-1")]
    [InlineData("orders read 30m – checking INC-1", "30m", "checking INC-1")]
    [InlineData("orders read - 30m because x", "30m", "x")]
    [InlineData("orders: read 30m. because x", "30m", "x")]
    [InlineData("orders read 30m for INC-1", "30m", "for INC-1")]
    [InlineData("orders read 30m read-replica is slow", "30m", "read-replica is slow")]
    [InlineData("orders read 30m fix-orders fails on billing for 2h", "30m", "fix-orders fails on billing for 2h")]
    [InlineData("orders read 30m down because of a deploy", "30m", "down because of a deploy")]
    [InlineData("orders read 30m because because", "30m", "because")]
    [InlineData("orders read 30m because 42", "30m", "42")]
    [InlineData("orders read 30m because  two  spaces   kept ", "30m", "two  spaces   kept")]
    [InlineData("orders read 30m because line one\nline two\n\tline three", "30m", "line one\nline two\n\tline three")]
    [InlineData("orders read 30m because Ａ①ﬁ is kept", "30m", "Ａ①ﬁ is kept")]
    [InlineData("orders read 30m because 日本語の理由 🔑", "30m", "日本語の理由 🔑")]
    [InlineData("orders read 30m because '; DROP TABLE orders; --", "30m", "'; DROP TABLE orders; --")]
    [InlineData("orders read 30m because <!channel> *b* `code` _i_", "30m", "<!channel> *b* `code` _i_")]
    [InlineData("orders read 30m -verbose is needed", "30m", "-verbose is needed")]
    public void A_whole_request_is_read_whatever_the_order(string typed, string length, string reason)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal(("orders", "read", length, reason), (filed.Wish.Database.Value, filed.Wish.Scope.Value, Domain.Policies.Durations.Write(filed.Wish.Duration!.Value), filed.Wish.Reason));
    }

    [Fact]
    public void A_reason_of_three_thousand_characters_is_kept_to_the_last()
    {
        var reason = string.Join('\n', Enumerable.Range(0, 300).Select(i => i.ToString("D9", CultureInfo.InvariantCulture)));

        Assert.Equal(reason, Assert.IsType<Intent.File>(Read($"orders read 30m because {reason}")).Wish.Reason);
    }

    [Theory]
    [InlineData("", null, null, null, null)]
    [InlineData("   \n ", null, null, null, null)]
    [InlineData("orders", "orders", null, null, null)]
    [InlineData("read", null, "read", null, null)]
    [InlineData("2h", null, null, "2h", null)]
    [InlineData("orders read", "orders", "read", null, null)]
    [InlineData("orders read 30m", "orders", "read", "30m", null)]
    [InlineData("orders read 30m because", "orders", "read", "30m", null)]
    [InlineData("orders read 30m -", "orders", "read", "30m", null)]
    [InlineData("orders read INC-1 stuck", "orders", "read", null, "INC-1 stuck")]
    [InlineData("because INC-1", null, null, null, "INC-1")]
    [InlineData("orders 30m checking stuck invoices", "orders", null, "30m", "checking stuck invoices")]
    [InlineData("orders 30m checking why orders are stuck", "orders", null, "30m", "checking why orders are stuck")]
    [InlineData("orders 30m I need to check", "orders", null, "30m", "I need to check")]
    [InlineData("orders 30m because read timeouts", "orders", null, "30m", "read timeouts")]
    [InlineData("stuck invoices again", null, null, null, "stuck invoices again")]
    [InlineData("payroll", "payroll", null, null, null)]
    public void What_is_missing_is_asked_for_with_what_was_said(string typed, string? database, string? scope, string? length, string? reason) =>
        Assert.Equal(new Draft(database, scope, length, reason), Assert.IsType<Intent.Form>(Read(typed)).Draft);

    [Theory]
    [InlineData("ordrs read 30m because x", "orders", "ordrs")]
    [InlineData("oredrs read 30m because x", "orders", "oredrs")]
    [InlineData("orders raed 30m because x", "read", "raed")]
    [InlineData("orders fix-order 30m because x", "fix-orders", "fix-order")]
    public void A_near_miss_becomes_a_question_and_never_a_request(string typed, string meant, string wrote)
    {
        var misread = Assert.IsType<Intent.Misread>(Read(typed));

        Assert.Contains($"`{meant}`", misread.Why, StringComparison.Ordinal);
        Assert.Contains($"\"{wrote}\"", misread.Why, StringComparison.Ordinal);
        Assert.Equal(("30m", "x"), (misread.Suggestion!.Duration, misread.Suggestion.Reason));
    }

    [Theory]
    [InlineData("orders read 0m because x")]
    [InlineData("orders read -5m because x")]
    [InlineData("orders read +5m because x")]
    [InlineData("orders read 2w because x")]
    [InlineData("orders read 1.5h because x")]
    [InlineData("orders read 1,5h because x")]
    [InlineData("orders read 30 because x")]
    [InlineData("orders read 10x because x")]
    [InlineData("orders read 999999d because x")]
    [InlineData("orders read 99999999d because x")]
    [InlineData("orders read 0 minutes because x")]
    [InlineData("orders read forever because x")]
    [InlineData("orders read ∞ because x")]
    public void A_bad_length_is_named_and_nothing_is_filed(string typed)
    {
        var misread = Assert.IsType<Intent.Misread>(Read(typed));

        Assert.Contains("1d", misread.Why, StringComparison.Ordinal);
        Assert.Null(misread.Suggestion);
    }

    [Theory]
    [InlineData("warehouse read 30m because x", "\"warehouse\"", "orders, billing")]
    [InlineData("warehouse read 30m x", "\"warehouse\"", "orders, billing")]
    [InlineData("orders-prod read 30m because x", "\"orders-prod\"", "orders, billing")]
    [InlineData("orders superuser 30m because x", "\"superuser\"", "read, fix-orders")]
    [InlineData("orders read soon because x", "\"soon\"", "30m")]
    [InlineData("ware`house read 30m because x", "\"ware'house\"", "orders")]
    public void An_unknown_name_is_said_with_what_there_is(string typed, string named, string offered)
    {
        var why = Assert.IsType<Intent.Misread>(Read(typed)).Why;

        Assert.Contains(named, why, StringComparison.Ordinal);
        Assert.Contains(offered, why, StringComparison.Ordinal);
        Assert.Equal(0, why.Count(letter => letter == '`') % 2);
    }

    [Fact]
    public void Something_that_exists_and_is_not_theirs_is_left_to_the_policy_to_refuse() =>
        Assert.Equal("payroll", Assert.IsType<Intent.File>(Read("payroll read 30m because x")).Wish.Database.Value);

    [Fact]
    public void One_word_of_forty_thousand_letters_is_answered()
    {
        var misread = Assert.IsType<Intent.Misread>(Read(new string('a', 40_000) + "🔑 read 30m because x"));
        Assert.InRange(misread.Why.Length, 20, 400);
    }

    [Theory]
    [InlineData("orders read 30m only public.orders because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read 30m only public.orders, public.items because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m only public.orders public.items because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m only public.orders,public.items because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m only public.orders and public.items because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m ONLY Public.Orders BECAUSE INC-1", "public.orders", "INC-1")]
    [InlineData("only public.orders orders read 30m because INC-1", "public.orders", "INC-1")]
    [InlineData("orders only public.orders read 30m because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read only public.orders, 30m, because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read only public.orders,30m because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read only public.orders for 30m because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read only public.orders 30 minutes because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read only the tables public.orders, public.items for 30m because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m only orders, items because INC-1", "orders items", "INC-1")]
    [InlineData("orders read 30m only orders items because INC-1", "orders items", "INC-1")]
    [InlineData("orders read 30m only public.orders - INC-1", "public.orders", "INC-1")]
    [InlineData("orders read 30m only public.orders INC-4711 stuck", "public.orders", "INC-4711 stuck")]
    [InlineData("orders read 30m only items INC-4711 stuck", "items", "INC-4711 stuck")]
    [InlineData("orders read 30m only public.orders stuck again", "public.orders", "stuck again")]
    [InlineData("orders read 30m only public.orders. because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read 30m only `public.orders`, `public.items` because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m only public.“Order Items”, public.orders because INC-1", "public.\"Order Items\" public.orders", "INC-1")]
    [InlineData("orders read 30m only \"My, Schema\".\"a \"\"b\"\" because c\" because INC-1", "\"My, Schema\".\"a \"\"b\"\" because c\"", "INC-1")]
    [InlineData("orders read 30m only \"30m\" because INC-1", "\"30m\"", "INC-1")]
    [InlineData("orders read 30m only \"and\", \"because\" because INC-1", "and because", "INC-1")]
    [InlineData("orders read 30m only public.orders, public.orders because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read 30m only ｐｕｂｌｉｃ．ｏｒｄｅｒｓ，public.items because INC-1", "public.orders public.items", "INC-1")]
    [InlineData("orders read 30m only public.orders\u200b because INC-1", "public.orders", "INC-1")]
    [InlineData("orders read 30m only public.ärger because INC-1", "public.ärger", "INC-1")]
    public void Only_and_some_tables_narrow_a_request(string typed, string tables, string reason)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal((tables, "orders", "read", TimeSpan.FromMinutes(30), reason), (string.Join(' ', filed.Wish.Only), filed.Wish.Database.Value, filed.Wish.Scope.Value, filed.Wish.Duration, filed.Wish.Reason));
    }

    [Theory]
    [InlineData("orders read 30m because only public.orders is slow", "only public.orders is slow")]
    [InlineData("orders read 30m - only public.orders is slow", "only public.orders is slow")]
    [InlineData("orders read 30m INC-1 only public.orders is slow", "INC-1 only public.orders is slow")]
    public void Only_in_a_reason_is_part_of_the_reason(string typed, string reason)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal((0, reason), (filed.Wish.Only.Count, filed.Wish.Reason));
    }

    [Theory]
    [InlineData("orders read 30m only because INC-1", "which tables")]
    [InlineData("orders read 30m only", "which tables")]
    [InlineData("orders read 30m only the because INC-1", "which tables")]
    [InlineData("orders read only 30m because INC-1", "\"30m\"")]
    [InlineData("orders read 30m only items stuck again", "\"stuck\" is one more table or the start of the reason")]
    [InlineData("orders read 30m only need to look", "\"need\" is none")]
    [InlineData("read only access to orders 30m because x", "\"access\" is none")]
    [InlineData("read 30m only orders because x", "\"orders\" is none")]
    [InlineData("orders read 30m only public.my-table because x", "other characters go in double quotes")]
    [InlineData("orders read 30m only public.orders_* because x", "pattern 'orders_*'")]
    [InlineData("orders read 30m only a.b.c because x", "has 3 names")]
    [InlineData("orders read 30m only public.orders, \"Order Items because x", "not closed")]
    [InlineData("orders read 30m only public.orders \"Order Items because x", "not closed")]
    [InlineData("orders read 30m only public.orders, INC-4711 stuck", "INC-4711")]
    public void A_word_that_may_or_may_not_be_a_table_is_asked_back_and_nothing_is_filed(string typed, string asked)
    {
        var misread = Assert.IsType<Intent.Misread>(Read(typed));

        Assert.Contains(asked, misread.Why, StringComparison.Ordinal);
        Assert.Contains("only public.orders, public.items because", misread.Why, StringComparison.Ordinal);
        Assert.Null(misread.Suggestion);
    }

    [Fact]
    public void Tables_that_were_said_go_into_the_form_and_into_a_suggestion()
    {
        Assert.Equal(new Draft("orders", "read", null, null, "public.orders, public.\"Items\""), Assert.IsType<Intent.Form>(Read("orders read only public.orders, public.\"Items\"")).Draft);
        Assert.Equal("public.orders", Assert.IsType<Intent.Misread>(Read("ordrs read 30m only public.orders because x")).Suggestion!.Only);
        // Too long for a button, which must not lose them.
        Assert.Contains("opens a form", Assert.IsType<Intent.Misread>(Read($"orders read 30m only {string.Join(", ", Enumerable.Range(0, 40).Select(i => $"public.t{new string('x', 50)}{i}"))} because x")).Why, StringComparison.Ordinal);
        Assert.Contains("too many", Assert.IsType<Intent.Misread>(Read($"orders read 30m only {string.Join(", ", Enumerable.Range(0, 51).Select(i => $"t{i}"))} because x")).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scope_may_be_called_only() =>
        Assert.Equal("only", Assert.IsType<Intent.File>(Read("orders only 30m because x", SomeOffers.Of([("orders", ["only"])]))).Wish.Scope.Value);

    [Theory]
    [InlineData("mine please")]
    [InlineData("mine, thanks!")]
    [InlineData("Mine now")]
    [InlineData("mine grants")]
    public void Politeness_behind_a_verb_changes_nothing(string typed) => Assert.IsType<Intent.Mine>(Read(typed));

    [Theory]
    [InlineData("list please", null)]
    [InlineData("list all", null)]
    [InlineData("list all on orders please", "orders")]
    [InlineData("list `orders`, thanks", "orders")]
    public void A_list_is_asked_for_politely(string typed, string? database) => Assert.Equal(database, Assert.IsType<Intent.List>(Read(typed)).Database?.Value);

    [Theory]
    [InlineData("done K7Q3-MD please", "K7Q3-MD")]
    [InlineData("done with K7Q3-MD, thanks", "K7Q3-MD")]
    [InlineData("done all please", null)]
    [InlineData("done with everything", null)]
    public void A_grant_is_given_back_politely(string typed, string? id) => Assert.Equal(id, Assert.IsType<Intent.Done>(Read(typed)).Id?.ToString());

    [Theory]
    [InlineData("done please")]
    [InlineData("done K7Q3-MD K7Q4-MD")]
    [InlineData("list warehouse please")]
    public void Politeness_is_not_what_is_missing(string typed) => Assert.IsType<Intent.Misread>(Read(typed));

    [Theory]
    [InlineData("help")]
    [InlineData("HELP")]
    [InlineData("?")]
    [InlineData("--help")]
    [InlineData("help me")]
    public void Help_is_help(string typed) => Assert.IsType<Intent.Help>(Read(typed));

    [Fact]
    public void Verbs_are_read()
    {
        Assert.IsType<Intent.Mine>(Read("mine"));
        Assert.IsType<Intent.Mine>(Read("ｍｉｎｅ"));
        Assert.Null(Assert.IsType<Intent.List>(Read("list")).Database);
        Assert.Equal("orders", Assert.IsType<Intent.List>(Read("list Orders")).Database!.Value);
        Assert.Null(Assert.IsType<Intent.Done>(Read("done ALL")).Id);
        Assert.Equal("K7Q3-MD", Assert.IsType<Intent.Done>(Read("done k7q3md")).Id!.ToString());
        Assert.Equal("K7Q3-MD", Assert.IsType<Intent.Done>(Read("done\u00a0`K7Q3-MD`")).Id!.ToString());
        var revoke = Assert.IsType<Intent.Revoke>(Read("revoke K7Q3-MD left the\nteam"));
        Assert.Equal(("K7Q3-MD", "left the\nteam"), (revoke.Target.ToString(), revoke.Why));
    }

    [Theory]
    [InlineData("revoke <@U0ENGINE1|erin> left the team", "@U0ENGINE1", "left the team")]
    [InlineData("revoke <@U0ENGINE1> <@U0APPROV1|ann> asked", "@U0ENGINE1", "@U0APPROV1 asked")]
    [InlineData("revoke orders incident over", "orders", "incident over")]
    [InlineData("revoke Orders: incident over", "orders", "incident over")]
    [InlineData("revoke all key leaked", "all", "key leaked")]
    [InlineData("revoke ALL key leaked", "all", "key leaked")]
    public void A_person_a_database_or_all_can_be_revoked(string typed, string target, string why)
    {
        var revoke = Assert.IsType<Intent.Revoke>(Read(typed));

        Assert.Equal((target, why), (revoke.Target.ToString(), revoke.Why));
    }

    [Theory]
    [InlineData("status", "list")]
    [InlineData("Status?", "list")]
    [InlineData("minee", "mine")]
    [InlineData("revok", "revoke")]
    [InlineData("stop", "done")]
    [InlineData("gibberish", null)]
    public void One_unknown_word_is_never_a_filled_form(string typed, string? meant)
    {
        var why = Assert.IsType<Intent.Misread>(Read(typed)).Why;

        Assert.Contains($"\"{typed}\"", why, StringComparison.Ordinal);
        Assert.Equal(meant is not null, why.Contains($"Did you mean `/db-access {meant}`?", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("done")]
    [InlineData("done K7Q3-M0")]
    [InlineData("done orders")]
    [InlineData("revoke")]
    [InlineData("revoke K7Q3-MD")]
    [InlineData("revoke everything now")]
    [InlineData("revoke all")]
    [InlineData("revoke orders")]
    [InlineData("revoke <@U0ENGINE1|erin>")]
    [InlineData("revoke @erin left")]
    [InlineData("revoke warehouse incident over")]
    [InlineData("list warehouse")]
    public void A_verb_that_misses_something_says_what(string typed) => Assert.IsType<Intent.Misread>(Read(typed));

    [Theory]
    [InlineData("extend K7Q3-MD 1h", "extend", "1h")]
    [InlineData("extend `K7Q3-MD`", "extend", "")]
    [InlineData("cancel K7Q3-MD", "cancel", "")]
    [InlineData("approve K7Q3-MD", "approve", "")]
    [InlineData("deny K7Q3-MD use read instead", "deny", "use read instead")]
    public void A_verb_about_a_grant_takes_its_id_and_what_belongs_to_it(string typed, string verb, string rest)
    {
        var decided = Assert.IsType<Intent.Decide>(Read(typed));
        Assert.Equal((verb, "K7Q3-MD", rest), (decided.Verb, decided.Id.ToString(), decided.Rest));
    }

    [Theory]
    [InlineData("deny K7Q3-MD")]
    [InlineData("approve")]
    [InlineData("extend K7Q3-MD soon")]
    public void A_verb_about_a_grant_that_misses_something_says_what(string typed) => Assert.IsType<Intent.Misread>(Read(typed));

    [Theory]
    [InlineData("list")]
    [InlineData("done")]
    [InlineData("revoke")]
    [InlineData("help")]
    [InlineData("mine")]
    [InlineData("why")]
    [InlineData("show")]
    [InlineData("again")]
    [InlineData("history")]
    [InlineData("until")]
    [InlineData("break-glass")]
    [InlineData("extend")]
    public void A_scope_may_be_called_like_a_verb(string name)
    {
        var offers = SomeOffers.Of([("orders", [name])]);

        Assert.Equal(name, Assert.IsType<Intent.File>(Read($"{name} orders 30m because x", offers)).Wish.Scope.Value);
        Assert.Equal(name, Assert.IsType<Intent.File>(Read($"orders {name} 30m because x", offers)).Wish.Scope.Value);
    }

    [Theory]
    [InlineData("orders read 30m because x", "orders", "read")]
    [InlineData("read orders 30m because x", "orders", "read")]
    [InlineData("orders orders 30m because x", "orders", "orders")]
    [InlineData("orders billing 30m because x", "billing", "orders")]
    [InlineData("billing orders 30m because x", "billing", "orders")]
    public void One_name_for_a_database_and_a_scope_is_what_the_other_words_do_not_say(string typed, string database, string scope)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed, SomeOffers.Of([("orders", ["orders", "read"]), ("billing", ["orders"])])));

        Assert.Equal((database, scope), (filed.Wish.Database.Value, filed.Wish.Scope.Value));
    }

    [Fact]
    public void A_small_word_that_is_a_name_is_a_name() =>
        Assert.Equal("db", Assert.IsType<Intent.File>(Read("db read 30m because x", SomeOffers.Of([("db", ["read"])]))).Wish.Database.Value);

    [Theory]
    [InlineData("orders <@U0APPROV1|ann>", "orders @ann")]
    [InlineData("<@U0APPROV1>", "@U0APPROV1")]
    [InlineData("<#C0GENERAL|general> <#C0PRIVATE|>", "#general #C0PRIVATE")]
    [InlineData("<!here> <!subteam^S0ONCALL1|@oncall>", "@here @oncall")]
    [InlineData("<https://x.example/INC-1>", "https://x.example/INC-1")]
    [InlineData("<https://x.example/INC-1|x.example/INC-1>", "https://x.example/INC-1")]
    [InlineData("<https://evil.example|INC-1>", "INC-1 (https://evil.example)")]
    [InlineData("only <http://app.events|app.events> x", "only app.events x")]
    [InlineData("<http://app.events/|app.events>", "app.events")]
    [InlineData("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d")]
    [InlineData("&amp;lt;", "&lt;")]
    [InlineData("C++ * 🔑 café", "C++ * 🔑 café")]
    public void What_Slack_puts_around_words_is_taken_away(string sent, string typed) => Assert.Equal(typed, Typed.Unwrap(sent));

    [Fact]
    public void Any_text_is_read_without_a_fault_and_nothing_is_filed_that_was_not_said()
    {
        string[] pieces = ["orders", "read", "30m", "because", "mine", "-", "0", "9999999999", "h", "<", ">", "|", "&", "`", "\"", "\u202e", "\0", "🔑", "%", "@", "'", "\\", "1h", "2", "min", "\n", "only", "only", "public.orders", "items", ",", "and"];
        var random = new Random(4711);
        for (var round = 0; round < 5_000; round++)
        {
            var text = string.Join(random.Next(3) == 0 ? "" : " ", Enumerable.Range(0, random.Next(1, 9)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (Read(Typed.Unwrap(text)) is Intent.File filed)
                Assert.True(text.Contains(filed.Wish.Database.Value, StringComparison.Ordinal) && text.Contains(filed.Wish.Scope.Value, StringComparison.Ordinal) && filed.Wish.Duration > TimeSpan.Zero && filed.Wish.Reason.Length > 0
                    && (filed.Wish.Only.Count == 0 || text.Contains("only", StringComparison.Ordinal)) && filed.Wish.Only.All(table => text.Contains(table.Name, StringComparison.OrdinalIgnoreCase)), text);
        }
    }

    private static Intent Read(string typed) => Read(typed, SomeOffers.Usual);

    /// <summary>As the desk does it: what is a verb first, which needs the names only.</summary>
    private static Intent Read(string typed, Offers offers) => VerbWords.Read(typed, offers.Names, "T0DBACME1") ?? RequestWords.Read(typed, offers, Some.Now);
}
