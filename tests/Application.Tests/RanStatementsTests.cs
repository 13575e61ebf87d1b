using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests;

public sealed class RanStatementsTests
{
    private const string Verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g=:c2VydmVyc2VydmVyc2VydmVyc2VydmVyc2VydmVyc2U=";

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void What_is_run_is_kept_in_order_with_where_and_what_came_of_it()
    {
        using var ran = RanStatements.Begin(_clock);

        RanStatements.Present!.Add("orders at db:5432", ["BEGIN;"], 1);
        RanStatements.Present.Add("orders at db:5432", ["GRANT a TO b;", "COMMIT;"], 2);
        RanStatements.Present.Remark("orders at db:5432", "failed\nhard");
        RanStatements.Present.Add("billing at db:5432", ["DROP ROLE b;"], 0);

        Assert.Equal(
            "-- 4 statements, and 3 that only read\n-- on orders at db:5432:\nBEGIN;\n-- 2 together:\nGRANT a TO b;\nCOMMIT;\n-- failed hard\n-- on billing at db:5432:\nDROP ROLE b;",
            ran.Text);
        Assert.Equal(4, ran.Count);
    }

    [Fact]
    public void Where_only_questions_were_asked_there_is_nothing_to_tell()
    {
        using var ran = RanStatements.Begin(_clock);

        ran.Add("orders", [], 3);
        ran.Remark("orders", "failed");

        Assert.Equal((0, ""), (ran.Count, ran.Text));
    }

    [Fact]
    public void What_is_told_is_not_told_again()
    {
        using var ran = RanStatements.Begin(_clock);
        ran.Add("orders", ["CREATE ROLE a;"], 0);

        ran.Told();
        var nothing = (ran.Count, ran.Text);
        ran.Add("orders", ["DROP ROLE a;"], 0);

        Assert.Equal((0, ""), nothing);
        Assert.Equal("-- 1 statements, and 0 that only read\n-- on orders:\nDROP ROLE a;", ran.Text);
    }

    [Fact]
    public async Task Each_flow_of_work_has_its_own_and_what_it_begins_belongs_to_it()
    {
        async Task<string> WorkAsync(string name)
        {
            using var ran = RanStatements.Begin(_clock);
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
            {
                await Task.Yield();
                RanStatements.Present!.Add(name, [$"{name};"], 0);
            }));
            return ran.Text;
        }

        var texts = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(() => WorkAsync($"w{n}"))));

        Assert.All(texts.Index(), one => Assert.Equal(
            $"-- 20 statements, and 0 that only read\n-- on w{one.Index}:\n{string.Join('\n', Enumerable.Repeat($"w{one.Index};", 20))}", one.Item));
        Assert.Null(RanStatements.Present);
    }

    [Fact]
    public async Task What_is_begun_aside_and_what_comes_after_the_end_is_nobodys()
    {
        Task behind;
        var gate = new TaskCompletionSource();
        async Task BehindAsync()
        {
            await gate.Task;
            RanStatements.Present?.Add("orders", ["SELECT later();"], 0);
        }

        using (var ran = RanStatements.Begin(_clock))
        {
            using (RanStatements.Aside()) behind = BehindAsync();
            Assert.Same(ran, RanStatements.Present);
            gate.SetResult();
            await behind;
            Assert.Equal(0, ran.Count);
        }

        var over = RanStatements.Begin(_clock);
        over.Dispose();
        over.Add("orders", ["DROP ROLE a;"], 0);

        Assert.Equal(0, over.Count);
        Assert.Null(RanStatements.Present);
    }

    [Theory]
    [InlineData("CREATE ROLE a PASSWORD '" + Verifier + "'")]
    [InlineData("alter role a password   'hunter''2 SCRAM'")]
    [InlineData("ALTER ROLE a PASSWORD E'hunter\\'2' VALID UNTIL '2026-01-01'")]
    [InlineData("ALTER ROLE a PASSWORD 'hunter\\'")]
    [InlineData("ALTER ROLE a PASSWORD 'hunter2 that does not end")]
    [InlineData("SELECT 'scram-sha-256$4096:c2FsdHNhbHQ=$hunter:hunter', 1")]
    [InlineData("ALTER ROLE a\nPASSWORD\n'md5aaaabbbbccccddddeeeeffff00001111'")]
    [InlineData("-- md5aaaabbbbccccddddeeeeffff00001111")]
    public void What_looks_like_a_secret_is_cut_out_wherever_it_stands(string statement)
    {
        using var ran = RanStatements.Begin(_clock);

        ran.Add("orders", [statement], 0);
        ran.Remark("orders", $"failed at: {statement}");
        var text = ran.Text + RanStatements.Value(statement);

        Assert.DoesNotContain("hunter", text, StringComparison.Ordinal);
        Assert.DoesNotContain("c2Fsd", text, StringComparison.Ordinal);
        Assert.DoesNotContain("eeeeffff", text, StringComparison.Ordinal);
        Assert.Contains(RanStatements.Hidden, text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_role_that_forgets_its_password_is_no_secret()
    {
        const string block = "DO $do$ BEGIN EXECUTE 'ALTER ROLE x NOLOGIN PASSWORD NULL VALID UNTIL ''1970-01-01'''; END $do$;";
        using var ran = RanStatements.Begin(_clock);

        ran.Add("orders", [block], 0);

        Assert.EndsWith(block, ran.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(10_000, 100)]
    [InlineData(40, 5_000)]
    [InlineData(5, 200_000)]
    [InlineData(1, 1_000_000)]
    public void However_much_is_run_the_text_has_an_end_and_shows_the_first_and_the_last(int statements, int length)
    {
        using var ran = RanStatements.Begin(_clock);

        for (var n = 0; n < statements; n++) ran.Add($"ордера {n % 3}", [$"GRANT {n} {new string('ş', length)};"], 0);
        ran.Add("orders", ["CREATE ROLE last;"], 0);
        var text = ran.Text;

        Assert.True(Encoding.UTF8.GetByteCount(text) <= RanStatements.Longest, $"{Encoding.UTF8.GetByteCount(text)} bytes");
        Assert.Equal(statements + 1, ran.Count);
        Assert.Contains("GRANT 0 ", text, StringComparison.Ordinal);
        Assert.EndsWith("CREATE ROLE last;", text, StringComparison.Ordinal);
        Assert.Contains("bytes", text, StringComparison.Ordinal);
    }

    [Fact]
    public void How_many_are_left_out_is_said()
    {
        const string one = "GRANT SELECT ON TABLE t0000 TO scope_role_of_something;\n";
        using var ran = RanStatements.Begin(_clock);

        for (var n = 0; n < 2_000; n++) ran.Add("orders", [$"GRANT SELECT ON TABLE t{n:0000} TO scope_role_of_something;"], 0);

        var text = ran.Text;
        var shown = text.Split('\n').Count(line => line.StartsWith("GRANT", StringComparison.Ordinal));
        Assert.InRange(shown, 500, 1_990);
        Assert.Contains($"… and {2_000 - shown} more statements ({(2_000 - shown) * one.Length} bytes) …", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_block_that_is_run_again_is_referred_to_with_its_own_values()
    {
        var block = $"DO $do$ {new string('x', 1_000)} $do$;";
        using var ran = RanStatements.Begin(_clock);

        ran.Add("orders", [$"{block}\n-- $1 = 'a'"], 0);
        ran.Add("orders", [$"{block}\n-- $1 = 'b'"], 0);

        Assert.Equal(
            $"-- 2 statements, and 0 that only read\n-- on orders:\n{block}\n-- $1 = 'a'\n-- again, as above: {block[..80]}…\n-- $1 = 'b'", ran.Text);
    }
}
