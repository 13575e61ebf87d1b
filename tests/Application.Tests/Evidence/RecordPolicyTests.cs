using DbAccess.Application.Policies;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Tests.Evidence;

public sealed class RecordPolicyTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task A_policy_that_comes_into_force_is_on_record_once_with_what_it_changed()
    {
        await _stage.First.SendAsync(new RecordPolicy(AtStart: true));
        await _stage.Start().SendAsync(new RecordPolicy(AtStart: true));
        var before = _stage.Current;
        var first = Assert.Single(_stage.Audit.Records);
        Assert.Equal(("policy.in_force", before.Hash), (first.Type, first.PolicyHash));
        Assert.DoesNotContain(first.What, fact => fact.Name == "difference");

        _stage.Current = before with { Hash = new string('b', 64), Allow = [.. before.Allow.Skip(1)], Admins = ["dba", "more"] };
        await _stage.First.SendAsync(new RecordPolicy(AtStart: false));

        var second = _stage.Audit.Records[^1];
        var difference = second.What.OfType<Fact.Texts>().Single().Values;
        Assert.Contains($"rule {before.Allow[0].Id} was removed", difference);
        Assert.Contains("the list of administrators was changed", difference);
        Assert.Contains(new Fact.Text("before", before.Hash), second.What);
    }

    [Fact]
    public async Task What_could_not_be_recorded_is_recorded_the_next_time()
    {
        _stage.Audit.FailNext(new IOException("The disk is full."));
        await Assert.ThrowsAsync<IOException>(() => _stage.First.SendAsync(new RecordPolicy(AtStart: true)));

        await _stage.First.SendAsync(new RecordPolicy(AtStart: true));

        Assert.Equal(_stage.Current.Hash, Assert.Single(_stage.Audit.Records).PolicyHash);
    }

    [Fact]
    public void Every_part_of_a_rule_counts()
    {
        var policy = _stage.Current;
        var rule = policy.Allow[0];
        AccessRule[] others =
        [
            rule with { Lifetime = rule.Lifetime with { Max = rule.Lifetime.Max + TimeSpan.FromMinutes(1) } },
            rule with { Require = rule.Require with { ReasonMin = rule.Require.ReasonMin + 1 } },
            rule with { Subject = rule.Subject with { Who = ["somebody"] } },
            rule with { Subject = rule.Subject with { Scopes = ["else"] } },
            rule with { Approval = new Approval([new ApprovalStage(2, ["dba"])], TimeSpan.FromHours(1), null) },
            rule with { Caps = new Caps(1, null) },
            rule with { BreakGlass = new BreakGlass(null, new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(1)) },
        ];

        Assert.All(others, other => Assert.Equal([$"rule {rule.Id} was changed"],
            PolicyOutline.Of(policy with { Allow = [other, .. policy.Allow.Skip(1)] }).Since(PolicyOutline.Of(policy))));
    }

    [Fact]
    public void What_was_written_is_read_back()
    {
        var outline = PolicyOutline.Of(_stage.Current);

        Assert.Equal(["nothing that is decided by"], outline.Since(PolicyOutline.Read(outline.Write())));
        Assert.Equal(outline.Hash, PolicyOutline.Read(outline.Write()).Hash);
    }
}
