using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

/// <summary>What the holder reads of a removal: short, and no more than what was looked at.</summary>
public sealed class GrantMessagesTests
{
    private static readonly RemovalReceipt Clean = new(Some.Now, 0, Some.Now, Some.Now, Existed: true, [])
    {
        Left = new RemovalProof(0, 0, 0, 0, 0, 0),
        Instances = [new InstanceCheck("w:5432", true, 0, 0, Some.Now)],
    };

    [Fact]
    public void The_proof_is_told_in_words()
    {
        var text = Told(Clean);

        Assert.Contains("No session was open. The role is gone, and that was checked: no session, nothing owned, no privilege, no membership and no setting of it is left.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Readers_and_an_overrun_are_told()
    {
        var text = Told(Clean with { SessionsEnded = 2, Overrun = TimeSpan.FromSeconds(3.2), Instances = [.. Clean.Instances, new InstanceCheck("r:5433", false, 2, 2, Some.Now)] });

        Assert.Contains("2 open sessions were cut, the last one 3 s after the end.", text, StringComparison.Ordinal);
        Assert.Contains("checked on 2 servers", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_kept_what_went_and_how_much_was_run_are_told_and_no_statement()
    {
        var text = Told(Clean with
        {
            HandedOver = [.. Enumerable.Range(1, 25).Select(i => $"table t{i}")],
            Dropped = ["policy p on orders, which was for it only"],
            Remarks = ["trigger `t` was switched off", "somebody else's sessions were ended"],
            Activity = new ActivityDigest(3, 1, 1200, [new ActivityLine("SELECT a_statement", 1, 1)]),
        });

        Assert.Contains("Besides: trigger 't' was switched off; somebody else's sessions were ended.", text, StringComparison.Ordinal);
        Assert.Contains("table t20 and 5 more", text, StringComparison.Ordinal);
        Assert.Contains("went with it: policy p on orders, which was for it only.", text, StringComparison.Ordinal);
        Assert.Contains("3 statements, 1 call, 1200 rows", text, StringComparison.Ordinal);
        Assert.DoesNotContain("a_statement", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_list_that_was_cut_the_whole_number_is_told() =>
        Assert.Contains("table t20 and 8980 more", Told(Clean with { HandedOver = [.. Enumerable.Range(1, 200).Select(i => $"table t{i}"), "and 8800 more"] }), StringComparison.Ordinal);

    [Fact]
    public void A_locked_out_role_is_not_called_gone()
    {
        var text = Told(Clean with { ProvedAt = null, Left = new RemovalProof(1, 0, 1, 0, 0, 0) }, GrantStatus.Quarantined);

        Assert.Contains("locked for good", text, StringComparison.Ordinal);
        Assert.DoesNotContain("is gone", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_of_an_earlier_version_says_no_more_than_was_known() =>
        Assert.Contains("The role is gone, and that was checked.", Told(Clean with { Left = null, Instances = [] }), StringComparison.Ordinal);

    [Theory]
    [InlineData(NoticeKind.Failed)]
    [InlineData(NoticeKind.Delayed)]
    public void Back_ticks_in_why_it_does_not_work_pair_up_with_none_of_ours(NoticeKind kind)
    {
        var grant = Some.Provisioning().State with { AbandonedBecause = "table `x`\nis another's", Trouble = "table `x`\nis another's" };

        var words = FakeChat.Words(GrantMessages.For(kind, grant));

        Assert.DoesNotContain('`', words);
        Assert.Contains("table 'x'·is another's", words, StringComparison.Ordinal);
    }

    private static string Told(RemovalReceipt receipt, GrantStatus status = GrantStatus.Ended)
    {
        var grant = MaximalGrant.Snapshot(GrantId.New()) with { Status = status, EndReason = EndReason.Expired, Receipt = receipt };
        return string.Join("\n", GrantMessages.For(NoticeKind.Ended, grant).Parts.Select(part => part switch { ChatPart.Text text => text.Words, ChatPart.Note note => note.Words, _ => "" }));
    }

    [Fact]
    public void No_message_holds_an_asterisk_that_was_meant_as_bold()
    {
        var grant = Some.Active().State with { Receipt = new RemovalReceipt(Some.Now, 1, Some.Now, Some.Now, Existed: true, []), EndReason = EndReason.Revoked, EndNote = "x", EndedAt = Some.Now };

        foreach (var kind in Enum.GetValues<NoticeKind>()) Assert.DoesNotContain("*", FakeChat.Words(GrantMessages.For(kind, grant)), StringComparison.Ordinal);
    }
}
