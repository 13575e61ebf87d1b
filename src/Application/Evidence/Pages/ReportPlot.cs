namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// Stacked bars, one for each part of a period. Widths are parts of a hundred, so that letters keep their size on every screen.
/// </summary>
internal static class ReportPlot
{
    private const int MostShown = 5;
    private const double Top = 14, Bottom = 176, Left = 5, Right = 100;

    /// <summary>From dark to light, so that they differ on paper without colour too.</summary>
    private static readonly string[] Colours = ["#173f66", "#c0731a", "#4f8fc4", "#6b7f3a", "#a9c6df"];

    private const string OtherColour = "#d5dbe1";

    public static Markup Draw(AccessTally tally, ReportPeriod period, Func<string, string> name)
    {
        var lines = tally.Lines.Where(line => line.Given > 0).ToList();
        if (lines.Count == 0) return Markup.Nothing;

        // One that would be alone under "others" has its own colour instead.
        var shown = lines.Count <= MostShown ? lines : lines.Take(MostShown - 1).ToList();
        var layers = shown.Select((line, at) => (Name: name(line.Name), line.Parts, line.Given, Colour: Colours[at])).ToList();
        if (shown.Count < lines.Count)
        {
            var rest = lines.Skip(shown.Count).ToList();
            layers.Add(($"{rest.Count} others", [.. Enumerable.Range(0, period.Count).Select(part => rest.Sum(line => line.Parts[part]))],
                rest.Sum(line => line.Given), OtherColour));
        }

        var highest = Enumerable.Range(0, period.Count).Max(part => layers.Sum(layer => layer.Parts[part]));
        var (step, top) = Scale(highest);
        var said = $"Grants given for each {period.Unit} by {tally.By}: {
            string.Join("; ", layers.Select(layer => $"{layer.Name} {layer.Given}"))}. The table below has the sums.";
        return Markup.Of(
            $"""
            <figure class="together" style="margin:0">
            <svg class="plot" role="img" aria-label="{said}">
            {Grid(step, top)}{Bars(layers, period, top)}</svg>
            <ul class="key">{Markup.All(layers.Select(layer => Markup.Of(
                $"<li>{PackTimeline.Named(layer.Colour, layer.Name)} <span class=\"soft\">{layer.Given}</span></li>")))}</ul>
            </figure>

            """);
    }

    private static Markup Grid(int step, int top)
    {
        List<Markup> lines = [];
        for (var value = 0; value <= top; value += step)
        {
            var y = Bottom - ((Bottom - Top) * value / top);
            lines.Add(Markup.Of(
                $"<line x1=\"{Left}%\" x2=\"{Right}%\" y1=\"{y}\" y2=\"{y}\" stroke=\"{(value == 0 ? "#59626c" : "#d9dee3")}\"/>" +
                $"<text x=\"{Left - 1}%\" y=\"{y + 4}\" text-anchor=\"end\">{value}</text>\n"));
        }

        return Markup.All(lines);
    }

    private static Markup Bars(List<(string Name, int[] Parts, int Given, string Colour)> layers, ReportPeriod period, int top)
    {
        List<Markup> bars = [];
        var width = (Right - Left) / period.Count;
        var every = (period.Count + 5) / 6;
        for (var part = 0; part < period.Count; part++)
        {
            var (x, y) = (Left + (width * part), Bottom);
            foreach (var layer in layers.Where(layer => layer.Parts[part] > 0))
            {
                var height = (Bottom - Top) * layer.Parts[part] / top;
                y -= height;
                bars.Add(Markup.Of($"<rect x=\"{x + (width * .12)}%\" y=\"{y}\" width=\"{width * .76}%\" height=\"{height}\" " +
                    $"fill=\"{layer.Colour}\" stroke=\"#fff\" stroke-width=\".5\"><title>{
                        period.Label(part)}: {layer.Name} {layer.Parts[part]}</title></rect>\n"));
            }

            if (part % every == 0)
                bars.Add(Markup.Of(
                    $"<text x=\"{x + (width / 2)}%\" y=\"{Bottom + 18}\" text-anchor=\"middle\">{period.Label(part)}</text>\n"));
        }

        return Markup.All(bars);
    }

    /// <summary>At most five lines, at 1, 2 or 5 times a power of ten.</summary>
    private static (int Step, int Top) Scale(int highest)
    {
        var step = 1;
        for (var at = 0; step * 4 < highest; at++) step = at % 3 == 1 ? step / 2 * 5 : step * 2;
        return (step, Math.Max(1, (highest + step - 1) / step) * step);
    }
}
