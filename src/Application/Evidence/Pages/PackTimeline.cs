namespace DbAccess.Application.Evidence.Pages;

/// <summary>A grant's life as a bar to scale, with the same in words below.</summary>
internal static class PackTimeline
{
    /// <summary>In parts of a hundred; less could not be seen. The words below give the true lengths.</summary>
    private const double Narrowest = 0.8;

    public static Markup Draw(ToldGrant grant)
    {
        // What is not over was still going on at the last event that is known of it.
        var now = grant.Events.Count == 0 ? default : grant.Events.Max(one => one.At);
        var phases = grant.Phases
            .Select(phase => (phase.Kind, phase.From, Until: phase.Until ?? now, IsOpen: phase.Until is null)).ToList();
        if (phases.Count == 0) return Markup.Nothing;

        var (begin, end) = (phases[0].From, phases.Max(phase => phase.Until));
        var total = Math.Max(1, (end - begin).TotalMilliseconds);
        var widths = phases.Select(phase => Math.Max(Narrowest, (phase.Until - phase.From).TotalMilliseconds / total * 100)).ToList();
        var scale = 100 / widths.Sum();
        List<Markup> drawn = [];
        double at = 0;
        for (var i = 0; i < phases.Count; i++)
        {
            var width = widths[i] * scale;
            drawn.Add(Markup.Of(
                $"<rect x=\"{at}%\" y=\"0\" width=\"{width}%\" height=\"26\" fill=\"{Colour(phases[i].Kind)}\" stroke=\"#fff\"/>"));
            at += width;
        }

        var said = string.Join("; ", phases.Select(phase => $"{Words(phase.Kind)} {PageWords.Length(phase.Until - phase.From)}"));
        // The day stands under the bar.
        DateTimeOffset? before = begin;
        List<IReadOnlyList<Markup>> rows = [];
        foreach (var phase in phases)
            rows.Add(
            [
                Named(Colour(phase.Kind), Words(phase.Kind)), PageWords.Next(ref before, phase.From),
                phase.IsOpen ? Markup.Of($"goes on") : PageWords.TimeAfter(phase.From, phase.Until),
                Markup.Of($"{PageWords.Length(phase.Until - phase.From)}"),
            ]);
        if (grant.End is { } over)
            rows.Add([Named("#1c2126", grant.LiveFrom is null ? "over" : "gone"), PageWords.Next(ref before, over.At), default, default]);
        return Markup.Of(
            $"""
            <svg class="bar" role="img" aria-label="{said}">{Markup.All(drawn)}</svg>
            <p class="ends"><span>{PageWords.Time(begin)}</span><span>{PageWords.TimeAfter(begin, end)} UTC</span></p>
            {PageFrame.Table([new("phase", "word"), new("from", "time"), new("to", "time"), new("length", "num")], rows, "small")}
            """);
    }

    /// <summary>A name behind its colour.</summary>
    public static Markup Named(string colour, string name) => Markup.Of(
        $"<svg class=\"swatch\" width=\"12\" height=\"12\" aria-hidden=\"true\"><rect width=\"12\" height=\"12\" rx=\"2\" " +
        $"fill=\"{colour}\"/></svg>{name}");

    private static string Words(PhaseKind kind) => kind switch
    {
        PhaseKind.Asked => "asked",
        PhaseKind.Agreed => "agreed",
        PhaseKind.Live => "live",
        PhaseKind.Revoking => "revoking",
        _ => "locked out",
    };

    /// <summary>Told apart by lightness too, for paper without colour.</summary>
    private static string Colour(PhaseKind kind) => kind switch
    {
        PhaseKind.Asked => "#d5dbe1",
        PhaseKind.Agreed => "#9dbbd8",
        PhaseKind.Live => "#1f5f99",
        PhaseKind.Revoking => "#d08a2e",
        _ => "#7a4a12",
    };
}
