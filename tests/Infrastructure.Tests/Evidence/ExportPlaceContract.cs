using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>What every place that the log is exported to keeps.</summary>
public abstract class ExportPlaceContract
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_added_is_there_whole_and_the_same_again_is_no_fault()
    {
        var place = await OpenAsync();

        Assert.True(await place.TryAddAsync("log/2026/11/29.jsonl", Lines("one é\n", "two\n"), Stop));
        Assert.True(await place.TryAddAsync("log/2026/11/29.jsonl", Lines("one é\ntwo\n"), Stop));
        Assert.True(await place.TryAddAsync("log/2026/11/30.jsonl", Lines(), Stop));

        Assert.Equal("one é\ntwo\n", await ReadAsync("log/2026/11/29.jsonl"));
        Assert.Equal(["log/2026/11/29.jsonl", "log/2026/11/30.jsonl"], await ListAsync());
    }

    [Fact]
    public async Task What_differs_is_never_put_over()
    {
        var place = await OpenAsync();
        await place.TryAddAsync("a.txt", Lines("first"), Stop);

        Assert.False(await place.TryAddAsync("a.txt", Lines("second"), Stop));
        Assert.False(await place.TryAddAsync("a.txt", Lines("firs"), Stop));

        Assert.Equal("first", await ReadAsync("a.txt"));
        Assert.Equal(["a.txt"], await ListAsync());
    }

    [Fact]
    public async Task What_is_there_is_told_from_what_is_not_and_from_what_differs()
    {
        var place = await OpenAsync();
        await place.TryAddAsync("log/a.txt", Lines("é first"), Stop);

        Assert.True(await place.HoldsAsync("log/a.txt", null, Stop));
        Assert.True(await place.HoldsAsync("log/a.txt", "é first", Stop));
        Assert.False(await place.HoldsAsync("log/a.txt", "é firs", Stop));
        Assert.False(await place.HoldsAsync("log/b.txt", null, Stop));
        Assert.False(await place.HoldsAsync("log/b.txt", "é first", Stop));
    }

    [Fact]
    public async Task What_breaks_off_leaves_nothing()
    {
        var place = await OpenAsync();

        await Assert.ThrowsAsync<InvalidDataException>(() => place.TryAddAsync("log/a", Breaking("line\n", 3), Stop));
        await Assert.ThrowsAsync<InvalidDataException>(() => place.TryAddAsync("log/b", Breaking(new string('x', 1024 * 1024), 18), Stop));

        Assert.Empty(await ListAsync());
    }

    [Fact]
    public async Task A_day_of_many_megabytes_goes_in_parts_and_is_compared_as_a_whole()
    {
        var place = await OpenAsync();
        var line = new string('x', 1024 * 1024 - 1) + "\n";

        Assert.True(await place.TryAddAsync("log/big", Many(line, 19, "end\n"), Stop));
        Assert.True(await place.TryAddAsync("log/big", Many(line, 19, "end\n"), Stop));
        Assert.False(await place.TryAddAsync("log/big", Many(line, 19, "and\n"), Stop));

        var content = await ReadAsync("log/big");
        Assert.Equal((19 * 1024 * 1024 + 4, true), (content.Length, content.EndsWith("x\nend\n", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_is_put_takes_the_place_of_what_was_there()
    {
        var place = await OpenAsync();

        await place.PutAsync("key.pem", "one", Stop);
        await place.PutAsync("key.pem", "two", Stop);

        Assert.Equal("two", await ReadAsync("key.pem"));
        Assert.Equal(["key.pem"], await ListAsync());
    }

    [Fact]
    public async Task Of_many_that_add_the_same_all_succeed_and_of_many_that_add_something_else_one_does()
    {
        var places = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OpenAsync()));

        Assert.All(await Task.WhenAll(places.Select(place => place.TryAddAsync("same", Lines("line\n"), Stop))), Assert.True);
        Assert.Single(await Task.WhenAll(places.Select((place, i) => place.TryAddAsync("other", Lines($"line {i}\n"), Stop))), added => added);
    }

    internal static IAsyncEnumerable<string> Lines(params string[] lines) => lines.ToAsyncEnumerable();

    /// <summary>The place as a process of its own sees it.</summary>
    private protected abstract Task<IExportPlace> OpenAsync();

    private protected abstract Task<string> ReadAsync(string path);

    private protected abstract Task<IReadOnlyList<string>> ListAsync();

    private static async IAsyncEnumerable<string> Many(string line, int count, string last)
    {
        await Task.CompletedTask;
        for (var i = 0; i < count; i++) yield return line;
        yield return last;
    }

    private static async IAsyncEnumerable<string> Breaking(string line, int after)
    {
        await Task.CompletedTask;
        for (var i = 0; i < after; i++) yield return line;
        throw new InvalidDataException("not what was signed");
    }
}
