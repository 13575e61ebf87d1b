namespace DbAccess.Application.Evidence.Pages;

/// <summary>What was found and done when access was taken away.</summary>
internal static class PackReceipt
{
    public static Markup Draw(ToldGrant grant)
    {
        if (grant.Receipt is not { } receipt) return Markup.Nothing;
        var facts = PageFrame.Facts(
            ("The role", !receipt.Has("existed") ? Markup.Nothing
                : Markup.Of($"{(receipt.Flag("existed") ? "was there, and was removed" : "was gone already")}")),
            ("Locked out", At(receipt.Time("locked_out"))),
            ("Sessions ended", receipt.Count("sessions_ended") is { } ended ? Markup.Of($"{ended}") : Markup.Nothing),
            ("Last one gone", At(receipt.Time("last_session_gone"))),
            ("After its time", receipt.Count("overrun_ms") is { } late
                ? Markup.Of($"{(late == 0 ? "none: nothing outlived it" : PageWords.Length(TimeSpan.FromMilliseconds(late)))}")
                : Markup.Nothing),
            ("Proved gone", At(receipt.Time("proved"))),
            ("Handed over", List(receipt.Texts("handed_over"))),
            ("Went with it", List(receipt.Texts("dropped"))),
            ("In the way", List(receipt.Texts("blockers"))),
            ("Remarks", List(receipt.Texts("remarks"))));
        return Markup.Of($"{facts}{Instances(receipt.Texts("instances"))}{Left(receipt.Texts("left"))}");
    }

    private static Markup At(DateTimeOffset? at) => at is { } known ? Markup.Of($"{PageWords.Time(known)} UTC") : Markup.Nothing;

    private static Markup List(IReadOnlyList<string> said) => said.Count switch
    {
        0 => Markup.Nothing,
        1 => Markup.Of($"{said[0]}"),
        _ => Markup.Of($"<ul>\n{Markup.All(said.Select(one => Markup.Of($"<li>{one}</li>\n")))}</ul>"),
    };

    /// <summary><c>host:port writer found/ended</c>, one for each; one that reads otherwise is shown as it is.</summary>
    private static Markup Instances(IReadOnlyList<string> instances)
    {
        if (instances.Count == 0) return Markup.Nothing;
        var rows = instances.Select(one => (IReadOnlyList<Markup>)(one.Split(' ') is [var where, var part, var count]
            && count.Split('/') is [var found, var ended]
            ? [Markup.Of($"<code>{where}</code>"), Markup.Of($"{part}"), Markup.Of($"{found}"), Markup.Of($"{ended}")]
            : [Markup.Of($"{one}"), Markup.Nothing, Markup.Nothing, Markup.Nothing]));
        return Markup.Of($"<p>Where sessions were looked for:</p>\n{PageFrame.Table(
            [new("server"), new("part"), new("found", "num"), new("ended", "num")], rows, "small")}");
    }

    private static Markup Left(IReadOnlyList<string> left)
    {
        if (left.Count == 0) return Markup.Nothing;
        var rows = left.Select(one => (IReadOnlyList<Markup>)(one.LastIndexOf(' ') is var space and > 0
            ? [Markup.Of($"{one[..space]}"), Markup.Of($"{one[(space + 1)..]}")] : [Markup.Of($"{one}"), Markup.Nothing]));
        return Markup.Of($"<p>What the last look at the server’s catalogs found of the role; all zero is the proof:</p>\n{
            PageFrame.Table([new("kind"), new("left", "num")], rows, "small")}");
    }
}
