using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests;

/// <summary>
/// The text beside the blocks of everything that is posted by itself: what a locked phone shows (150 characters) and a screen reader reads.
/// </summary>
public sealed class NotificationTests
{
    private const int Preview = 150;
    private const string Length = @"\b\d+[smhd]\b";

    private static readonly NoticeKind[] ToAdministrators = [NoticeKind.ReviewLate, NoticeKind.ReviewBad, NoticeKind.CardLost];

    public static TheoryData<NoticeKind, bool> Notices => [.. Enum.GetValues<NoticeKind>().Except([NoticeKind.Ready]).SelectMany(kind => (TheoryDataRow<NoticeKind, bool>[])[(kind, false), (kind, true)])];

    [Theory]
    [MemberData(nameof(Notices))]
    public void A_notice_says_what_and_how_long_first_and_to_administrators_who(NoticeKind kind, bool long_)
    {
        var grant = Grant(long_);

        var message = HolderMessages.For(kind, grant, TimeSpan.FromMinutes(30)) ?? GrantMessages.For(kind, grant);

        Says(message, ["fix-orders", "orders", "42m", .. ToAdministrators.Contains(kind) ? (string[])["erin"] : []]);
    }

    [Fact]
    public void The_end_in_the_place_of_the_password_and_the_card_of_all_say_what_they_are_about()
    {
        Says(HolderMessages.Over(Grant(long_: true) with { Status = GrantStatus.Ended, EndedAt = Some.Now }), ["fix-orders", "orders", "42m"]);
        Says(NowWords.Draw([Grant(long_: false) with { Status = GrantStatus.Active }], new Dictionary<GrantId, SessionLook>()), ["erin", "fix-orders", "orders"]);
    }

    /// <summary>For the end of every test that has cards: whatever became of them.</summary>
    internal static void CheckCards(Stage stage)
    {
        foreach (var card in stage.Cards.All)
        {
            if (GrantId.Parse(card.Mark.Grant) is not { } id || stage.Store.Stored.FirstOrDefault(one => one.Id == id) is not { } grant) continue;
            foreach (var message in card.Thread.Select(entry => entry.Line).Concat(card.Versions))
            {
                var handle = grant.Handle[..Math.Min(30, grant.Handle.Length)];
                Says(message, [.. handle.All(char.IsLetter) ? (string[])[handle] : [], grant.Target.Name.Value]);
                Assert.Matches(Length, Shown(message));
            }
        }
    }

    private static string Shown(ChatMessage message) => message.Summary[..Math.Min(Preview, message.Summary.Length)];

    private static void Says(ChatMessage message, string[] words)
    {
        Assert.All(words, word => Assert.Contains(word, Shown(message), StringComparison.Ordinal));
        // Nothing is said by a colour or a sign alone: each button has letters, and a screen reader reads letters too.
        foreach (var button in message.Parts.OfType<ChatPart.Buttons>().SelectMany(row => row.Items))
            Assert.All((string?[])[button.Label, button.Spoken], label => Assert.True(label is null || label.Any(char.IsLetter), $"{button.Action}: {label}"));
        Assert.All(message.Parts.OfType<ChatPart.Text>(), text => Assert.Contains(text.Words, char.IsLetter));
    }

    /// <param name="long_">Everything that people choose is long: what they are called, the reason, the tables.</param>
    private static GrantSnapshot Grant(bool long_)
    {
        var read = Some.ReadScope();
        var scope = read with { Name = Domain.Scopes.ScopeName.Parse("fix-orders")!, NarrowedTo = long_ ? [.. Enumerable.Range(0, 40).Select(n => $"public.{new string('t', 55)}_{n}")] : [] };
        var dana = new Agreement(Some.Dba, long_ ? $"dana {new string('d', 75)}" : "dana", 0, Some.Now, "hash", "plan");
        return Some.Active(duration: TimeSpan.FromMinutes(42)).State with
        {
            Handle = long_ ? $"erin {new string('e', 75)}" : "erin", Reason = long_ ? new string('r', 3_000) : "INC-4711", Scope = scope,
            Asking = Some.Asking() with { Offer = new CounterOffer(scope, TimeSpan.FromMinutes(15), Some.Asking().Plan!, "rule", dana), Grew = ["select on table public.refunds"] },
            Review = new ReviewOwed("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24)) { Since = Some.Now },
            BreakGlass = false, Trouble = "the cluster does not answer", AbandonedBecause = "it went away",
        };
    }
}
