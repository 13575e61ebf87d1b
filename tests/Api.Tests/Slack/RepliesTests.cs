using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Words;
using System.Globalization;
using DbAccess.Api.Slack;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

public sealed class RepliesTests
{
    private static readonly AccessWish Wish = new(Some.Target().Name, Some.ReadScope().Name, TimeSpan.FromMinutes(30), "INC-4711");

    private static readonly string Long = new('n', 62);

    [Fact]
    public void No_id_is_longer_than_Slack_takes_when_everything_is_long()
    {
        var reason = new string('"', 3_000);
        var draft = new Draft(Long, Long, "366d23h59m59s", reason);
        ChatMessage[] all = [Replies.AskForRest(draft), Replies.Misread(new Intent.Misread("Did you mean?", draft)), Replies.Misread(new Intent.Misread("?", draft with { Reason = string.Concat(Enumerable.Repeat("🔑", 900)) }))];

        foreach (var button in all.SelectMany(message => message.Parts.OfType<ChatPart.Buttons>()).SelectMany(buttons => buttons.Items))
        {
            Assert.InRange(button.Value.Length, 1, 2_000);
            Assert.Equal(Long, DraftJson.Read(button.Value)!.Database);
        }
    }

    [Fact]
    public void A_suggestion_that_is_whole_is_one_press_away_and_one_that_is_not_opens_the_form()
    {
        var whole = Replies.Misread(new Intent.Misread("Did you mean?", new Draft("orders", "read", "30m", "x")));
        var part = Replies.Misread(new Intent.Misread("Did you mean?", new Draft("orders", "read", null, "x")));

        Assert.Contains("file_request", FakeChat.Words(whole), StringComparison.Ordinal);
        Assert.Contains("open_form", FakeChat.Words(part), StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_list_of_one_database_is_about_that_database_alone()
    {
        Assert.Equal("Nobody has access to shop through DbAccess right now.", Replies.Live(new GrantList([]), Some.Now, DatabaseName.Parse("shop")).Summary);
        Assert.Equal("Nobody has access through DbAccess right now.", Replies.Live(new GrantList([]), Some.Now).Summary);
    }

    [Fact]
    public void Help_and_lists_stay_within_blocks_and_words_when_there_is_much()
    {
        var names = Enumerable.Range(0, 200).Select(i => $"{i.ToString("D3", CultureInfo.InvariantCulture)}{Long[..59]}").ToArray();
        var offers = SomeOffers.Of([.. names.Select(name => (name, names[..20]))]);
        var grants = new GrantList([.. Enumerable.Range(0, 50).Select(_ => Some.Active().State)]);
        foreach (var message in (ChatMessage[])[HelpReply.Of(offers), Replies.Mine(grants, Some.Now), Replies.Live(grants, Some.Now)])
        {
            Assert.InRange(message.Parts.Count, 1, 50);
            Assert.All(message.Parts.OfType<ChatPart.Text>(), text => Assert.InRange(text.Words.Length, 1, 3_000));
            Assert.InRange(message.Summary.Length, 1, 150);
        }
    }

    [Fact]
    public void Help_shows_examples_only_of_what_may_be_asked_for()
    {
        var nothing = FakeChat.Words(HelpReply.Of(null));
        var unclear = FakeChat.Words(HelpReply.Of(null, new Error("directory.unavailable", "Slack does not answer me.")));

        Assert.Contains("/db-access billing read 1h because", FakeChat.Words(HelpReply.Of(SomeOffers.Of([("billing", ["read"])]))), StringComparison.Ordinal);
        Assert.Contains("no database you may ask for", nothing, StringComparison.Ordinal);
        Assert.Contains("Slack does not answer me.", unclear, StringComparison.Ordinal);
        Assert.All([nothing, unclear], words => Assert.DoesNotContain("because INC", words, StringComparison.Ordinal));
        Assert.All([nothing, unclear], words => Assert.Contains("/db-access done K7Q3-MD", words, StringComparison.Ordinal));
    }

    [Fact]
    public void A_handle_with_back_ticks_does_not_turn_code_inside_out()
    {
        var grant = Some.Active().State with { Handle = "er`in" };

        var words = Replies.Live(new GrantList([grant]), Some.Now).Parts.Select(part => part switch { ChatPart.When moment => moment.Words, ChatPart.Text text => text.Words, _ => "" });

        Assert.All(words, line => Assert.Equal(0, line.Count(letter => letter == '`') % 2));
    }

    [Fact]
    public void What_a_removal_waits_for_can_be_copied_as_it_is_and_says_how_much_there_is()
    {
        string[] blockers = ["table \"odd`name\" is held. Run: DROP TABLE \"odd`name\";", .. Enumerable.Range(2, 11).Select(i => $"blocker {i}")];
        var quarantined = Some.Active().State with { Status = GrantStatus.Quarantined, Blockers = blockers };
        var stuck = Some.Active().State with { Status = GrantStatus.Revoking, Attempts = 3, Trouble = "the server does not answer" };

        var parts = Replies.Mine(new GrantList([quarantined, stuck]), Some.Now).Parts;

        Assert.Equal([.. blockers.Take(10), "and 2 more"], parts.OfType<ChatPart.Code>().First().Words.Split('\n'));
        Assert.Equal("the server does not answer", parts.OfType<ChatPart.Code>().Last().Words);
        Assert.Contains(parts.OfType<ChatPart.Text>(), text => text.Words.EndsWith("being taken away (try 3); what kept it until now:", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_filed_says_the_id_the_rule_and_how_to_give_it_back()
    {
        var id = GrantId.Parse("K7Q3-MD")!;
        var words = FakeChat.Words(Replies.Filed(new GrantFiled(id, Some.Target().Name, Some.ReadScope().Name, TimeSpan.FromMinutes(90), "oncall-read"), Wish));

        foreach (var said in (string[])["`K7Q3-MD`", "1h30m", "oncall-read", "/db-access done K7Q3-MD"]) Assert.Contains(said, words, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_narrowed_acts_as_an_owner_or_was_revoked_says_so()
    {
        var id = GrantId.Parse("K7Q3-MD")!;
        var filed = FakeChat.Words(Replies.Filed(new GrantFiled(id, Some.Target().Name, Some.ReadScope().Name, TimeSpan.FromMinutes(30), "r") { Only = "public.orders" }, Wish));
        var risky = FakeChat.Words(Replies.Filed(new GrantFiled(id, Some.Target().Name, Some.ReadScope().Name, TimeSpan.FromMinutes(30), "r") { ActsAs = "orders_owner", HighRisk = true }, Wish));
        var narrowed = Some.Active().State with { Scope = Some.ReadScope() with { NarrowedTo = ["public.a", "public.b", "public.c", "public.d", "public.e", "public.f", "public.g"] } };
        var revoked = Some.Active().State with { Status = GrantStatus.Ended, EndedAt = Some.Now, EndReason = EndReason.Revoked, EndedBy = "da`na", EndNote = "left the `team`." };

        var list = FakeChat.Words(Replies.Mine(new GrantList([narrowed, revoked]), Some.Now));

        Assert.Contains("read, only public.orders, on orders for 30m is allowed", filed, StringComparison.Ordinal);
        Assert.Contains("High risk. Sessions act as the owner orders_owner", risky, StringComparison.Ordinal);
        Assert.Contains("read, only public.a, public.b, public.c, public.d, public.e and 2 more, on orders", list, StringComparison.Ordinal);
        Assert.Contains("revoked by da'na: left the 'team'", list, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_agrees_to_a_later_start_is_told_it_by_their_own_clock()
    {
        var start = Some.Now.AddHours(8);
        var later = Some.Active().State with { Status = GrantStatus.Approved, StartsAt = start, Asking = null };

        Assert.All([DecisionReplies.Approved(later), DecisionReplies.Accepted(later)], said =>
        {
            Assert.Equal(start, Assert.Single(said.Parts.OfType<ChatPart.When>()).At);
            Assert.Contains("begins later", said.Summary, StringComparison.Ordinal);
            Assert.DoesNotContain("UTC", said.Summary, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_refusal_is_its_own_words() => Assert.Equal("No.", Replies.Refused(new Error("x.y", "No.")).Summary);
}
