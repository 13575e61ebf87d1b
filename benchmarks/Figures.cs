using System.Globalization;
using System.Text.Json;

namespace DbAccess.Benchmarks;

/// <summary>One row: what was measured, and how it compares with the bare thing measured in the same run.</summary>
internal sealed record Figure(string Bench, string What, string Unit, int Count, double Median, double? P99, double? Ratio, string? Note = null)
{
    public static Figure Of(string bench, string what, List<double> values, string unit = "ms", List<double>? bare = null, string? note = null) =>
        new(bench, what, unit, values.Count, Percentile(values, 50), Percentile(values, 99), bare is null ? null : RatioOf(values, bare), note);

    public static Figure Single(string bench, string what, double value, string unit, string? note = null, double? ratio = null) =>
        new(bench, what, unit, 1, value, null, ratio, note);

    /// <summary>Of the medians.</summary>
    public static double RatioOf(List<double> values, List<double> bare) => Percentile(values, 50) / Percentile(bare, 50);

    /// <summary>The nearest rank: a value that really occurred, no interpolation.</summary>
    public static double Percentile(List<double> values, int percent)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Clamp((int)Math.Ceiling(sorted.Count * percent / 100.0) - 1, 0, sorted.Count - 1)];
    }
}

/// <summary>Prints each figure as it comes: a table for people, or one JSON object per line.</summary>
internal sealed class Report(bool json)
{
    private static readonly JsonSerializerOptions Lines = new(JsonSerializerDefaults.Web);

    private readonly List<(string What, double Value, string Unit, bool Held)> _bars = [];

    public void Say(string words)
    {
        // Standard output holds nothing but results when they are for a program.
        if (json) Console.Error.WriteLine(words);
        else Console.WriteLine(words);
    }

    public void Head()
    {
        if (!json) Console.WriteLine($"\n{"",-58}{"n",7}{"median",12}{"p99",12}{"ratio",8}");
    }

    public void Add(Figure figure)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(figure, Lines));
            return;
        }

        var p99 = figure.P99 is { } value ? Number(value) : "";
        var ratio = figure.Ratio is { } times ? times.ToString("0.00", CultureInfo.InvariantCulture) : "";
        Console.WriteLine($"{$"{figure.What}, {figure.Unit}",-58}{figure.Count,7}{Number(figure.Median),12}{p99,12}{ratio,8}{(figure.Note is null ? "" : $"   {figure.Note}")}");
    }

    /// <summary>What was promised, and whether it is held.</summary>
    public void Bar(string what, double value, double limit, string unit = "", bool atLeast = false)
    {
        var held = atLeast ? value >= limit : value <= limit;
        _bars.Add((what, value, unit, held));
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { bar = what, value, limit, unit, held }, Lines));
    }

    /// <summary>All bars together, after everything else; nothing when there were none.</summary>
    public void Bars()
    {
        if (json || _bars.Count == 0) return;

        Console.WriteLine($"\n{"bar",-80}{"measured",14}");
        foreach (var (what, value, unit, held) in _bars)
            Console.WriteLine($"{what,-80}{$"{Number(value)}{(unit.Length > 0 ? " " : "")}{unit}",14}   {(held ? "held" : "MISSED")}");
        Console.WriteLine($"{_bars.Count(bar => bar.Held)} bars held, {_bars.Count(bar => !bar.Held)} missed");
    }

    private static string Number(double value) => value.ToString(value >= 1000 ? "0" : value >= 10 ? "0.0" : "0.000", CultureInfo.InvariantCulture);
}
