using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Policies;
using DbAccess.Domain;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>The texts of policies that were in force.</summary>
public sealed class KeptPoliciesTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task The_texts_of_policies_in_force_are_kept_and_shown_to_the_byte()
    {
        var (first, second) = (await PutAsync("\uFEFFversion: 1\r\n# ü\n"), await PutAsync("version: 1\n"));

        Assert.Equal([second, first], await HashesAsync());
        Assert.Equal("\uFEFFversion: 1\r\n# ü\n", (await ShowAsync(first[..8])).Value.Text);
        Assert.Equal("policy.not_kept", (await ShowAsync("abcdefab")).Refusal?.Code);
    }

    [Fact]
    public async Task One_that_comes_back_stands_first_and_only_once_and_the_oldest_go()
    {
        var first = await PutAsync("# 0");
        foreach (var n in Enumerable.Range(1, 19)) await PutAsync($"# {n}");
        Assert.Equal(first, await PutAsync("# 0"));
        Assert.Equal((20, first), ((await HashesAsync()).Count, (await HashesAsync())[0]));

        await PutAsync("# 20");
        await PutAsync("# 21");

        var kept = await HashesAsync();
        Assert.Equal(20, kept.Count);
        var gone = Hash("# 1");
        Assert.DoesNotContain(gone, kept);
        Assert.Equal("", await _stage.Audit.ReadMarkAsync($"policy:{gone}", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_was_changed_in_the_store_is_not_shown_as_what_was_in_force()
    {
        var (one, other) = (await PutAsync("# one"), await PutAsync("# other"));
        var stop = TestContext.Current.CancellationToken;
        var packed = await _stage.Audit.ReadMarkAsync($"policy:{other}", stop);
        await _stage.Audit.TryWriteMarkAsync($"policy:{one}", await _stage.Audit.ReadMarkAsync($"policy:{one}", stop), packed!, stop);

        Assert.Equal("policy.changed", (await ShowAsync(one)).Refusal?.Code);

        await _stage.Audit.TryWriteMarkAsync($"policy:{one}", packed, "no base 64", stop);
        Assert.Equal("policy.changed", (await ShowAsync(one)).Refusal?.Code);
    }

    [Fact]
    public async Task What_unpacks_to_more_than_any_policy_is_not_unpacked()
    {
        var stop = TestContext.Current.CancellationToken;
        var text = new string('#', 5 * 1024 * 1024);
        using var packed = new MemoryStream();
        await using (var pressing = new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true)) await pressing.WriteAsync(Encoding.UTF8.GetBytes(text), stop);
        await _stage.Audit.TryWriteMarkAsync($"policy:{Hash(text)}", null, Convert.ToBase64String(packed.ToArray()), stop);
        await _stage.Audit.TryWriteMarkAsync("policies", null, $"{Hash(text)} 0", stop);

        Assert.Equal("policy.changed", (await ShowAsync(Hash(text))).Refusal?.Code);
    }

    [Fact]
    public async Task One_that_was_in_force_before_texts_were_kept_is_kept_at_the_next_start()
    {
        _stage.Current = _stage.Current with { Hash = Hash("# here") };
        await _stage.First.SendAsync(new RecordPolicy(AtStart: true));
        Assert.Empty(await HashesAsync());

        Assert.Equal([await PutAsync("# here")], await HashesAsync());
        Assert.Single(_stage.Audit.Records);
    }

    private async Task<string> PutAsync(string text)
    {
        _stage.Current = _stage.Current with { Hash = Hash(text), Text = text };
        Assert.Null((await _stage.First.SendAsync(new RecordPolicy(AtStart: false))).Refusal);
        return Hash(text);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private async Task<IReadOnlyList<string>> HashesAsync() => [.. (await _stage.First.SendAsync(new ListKeptPolicies())).Value.Versions.Select(one => one.Hash)];

    private Task<Result<PolicyText>> ShowAsync(string hash) => _stage.First.SendAsync(new GetKeptPolicy(hash));
}
