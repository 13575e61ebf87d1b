using DbAccess.Application.Policies;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests;

public sealed class TellOfPolicyTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task Administrators_are_told_of_a_policy_that_is_not_taken()
    {
        _stage.Current = _stage.Current with { Admins = ["dba"] };

        Assert.Null((await _stage.First.SendAsync(new TellOfPolicy("T0DBACME1", "line 3: there is no group 'dbas'"))).Refusal);

        Assert.Contains("there is no group 'dbas'", Assert.Single(_stage.Chat.SaidTo(Some.Dba)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_tried_again_while_nobody_can_be_told_and_not_where_there_is_nobody()
    {
        Assert.Null((await _stage.First.SendAsync(new TellOfPolicy("T0DBACME1", "line 3"))).Refusal);

        _stage.Current = _stage.Current with { Admins = ["dba"] };
        _stage.Chat.IsBusy();
        Assert.Equal("chat.not_now", (await _stage.First.SendAsync(new TellOfPolicy("T0DBACME1", "line 3"))).Refusal?.Code);
    }
}
