using DbAccess.Application.Home;
using DbAccess.Application.Presets;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests;

/// <summary>Requests that people keep under a name.</summary>
public sealed class PresetTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task It_says_all_that_was_asked_for_and_whoever_keeps_it_alone_sees_it()
    {
        var asked = Stage.Ask() with { AskedBy = Some.OtherEngineer };
        asked = asked with { Wish = asked.Wish with { Only = TableMention.ReadAll("public.orders").Tables, Duration = TimeSpan.FromMinutes(20) } };
        var filed = await _stage.First.SendAsync(asked);
        Assert.Null(filed.Refusal);

        var kept = (await _stage.First.SendAsync(new KeepPreset(Some.OtherEngineer, filed.Value.Id, " Erin's orders "))).Value;

        Assert.Equal(("Erin's orders", Some.Engineer.User, TimeSpan.FromMinutes(20)), (kept.Name, kept.For, kept.Duration));
        var found = (await _stage.First.SendAsync(new GetPreset(Some.OtherEngineer, kept.Key))).Value;
        Assert.Equivalent(kept, found);
        Assert.Equal(asked.Wish.Only, found.Wish!.Only);
        Assert.Equal("preset.gone", (await _stage.First.SendAsync(new GetPreset(Some.Engineer, kept.Key))).Refusal?.Code);
        Assert.Equal([kept.Key], (await _stage.First.SendAsync(new GetHome(Some.OtherEngineer))).Value.Presets.Select(preset => preset.Key));
    }

    [Fact]
    public async Task A_name_is_one_presets_and_there_is_room_for_ten()
    {
        var id = await _stage.AskedAsync();
        foreach (var n in Enumerable.Range(0, 10)) Assert.Null((await KeepAsync(id, $"number {n}")).Refusal);

        Assert.Equal("preset.full", (await KeepAsync(id, "one more")).Refusal?.Code);
        Assert.Null((await KeepAsync(id, "NUMBER 3")).Refusal);

        Assert.Equal(10, (await ListAsync()).Count);
        Assert.Contains("NUMBER 3", (await ListAsync()).Select(preset => preset.Name));
    }

    [Fact]
    public async Task A_key_is_of_what_it_asks_for_so_that_an_old_button_asks_for_nothing_else()
    {
        var (short_, long_) = (await _stage.AskedAsync(TimeSpan.FromMinutes(10)), await _stage.AskedAsync(TimeSpan.FromMinutes(50)));
        var before = (await KeepAsync(short_, "usual")).Value.Key;

        await KeepAsync(long_, "usual");

        Assert.Equal("preset.gone", (await _stage.First.SendAsync(new GetPreset(Some.Engineer, before))).Refusal?.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two\nlines")]
    [InlineData("12345678901234567890123456789012345678901")]
    public async Task A_name_is_one_short_line(string name)
    {
        Assert.Equal("request.invalid", (await KeepAsync(await _stage.AskedAsync(), name)).Refusal?.Code);
    }

    [Fact]
    public async Task What_is_for_emergencies_is_not_kept()
    {
        _stage.Current = _stage.Current with
        {
            Allow = [.. Policies.Ordinary.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with { Approval = null, BreakGlass = new BreakGlass(null, new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(24)) })],
        };
        var ask = Stage.Ask("fix");
        var filed = await _stage.First.SendAsync(ask with { Wish = ask.Wish with { BreakGlass = true } });

        Assert.Equal("preset.break_glass", (await KeepAsync(filed.Value.Id, "quick")).Refusal?.Code);
    }

    [Fact]
    public async Task Two_that_are_kept_in_one_instant_are_both_kept()
    {
        var id = await _stage.AskedAsync();

        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => _stage.Start().SendAsync(new KeepPreset(Some.Engineer, id, $"number {n}"))));

        Assert.Equal(4, (await ListAsync()).Count);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1,null,{\"name\":5},{\"name\":\"x\"}]")]
    [InlineData("no json")]
    public async Task What_somebody_else_wrote_there_is_not_shown_and_stops_nothing(string text)
    {
        await _stage.Audit.TryWriteMarkAsync($"presets:{Some.Engineer.Team}:{Some.Engineer.User}", null, text, TestContext.Current.CancellationToken);

        Assert.Empty(await ListAsync());
        Assert.Null((await KeepAsync(await _stage.AskedAsync(), "mine")).Refusal);
        Assert.Single(await ListAsync());
    }

    private Task<Result<Preset>> KeepAsync(Domain.Grants.GrantId id, string name) =>
        _stage.First.SendAsync(new KeepPreset(Some.Engineer, id, name));

    private async Task<IReadOnlyList<Preset>> ListAsync() => (await _stage.First.SendAsync(new GetHome(Some.Engineer))).Value.Presets;
}
