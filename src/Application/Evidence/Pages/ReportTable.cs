namespace DbAccess.Application.Evidence.Pages;

/// <summary>A table of a report: once for the page and once as a file of values.</summary>
/// <param name="Name">Of the file, without its ending.</param>
/// <param name="Total">How many rows there would be; more than there are when the list is cut.</param>
internal sealed record ReportTable(string Name, IReadOnlyList<ReportColumn> Columns, IReadOnlyList<IReadOnlyList<object?>> Rows, long Total)
{
    /// <summary>A page that nobody reads to its end helps nobody; the rest is in the file.</summary>
    private const int MostShown = 25;

    public Markup Draw(string nothing, int most = MostShown)
    {
        if (Rows.Count == 0) return Markup.Of($"<p class=\"soft\">{nothing}</p>\n");

        var shown = Columns.Select((column, at) => (Column: column, At: at)).Where(one => one.Column.OnPage).ToList();
        var table = PageFrame.Table([.. shown.Select(one => new Column(one.Column.Title, one.Column.Class))],
            Rows.Take(most).Select(row => (IReadOnlyList<Markup>)[.. shown.Select(one => Cell(row[one.At]))]),
            shown.Count > 4 ? "stack" : "small");
        var more = Math.Max(Total, Rows.Count) - Math.Min(Rows.Count, most);
        return more == 0 ? table
            : Markup.Of($"{table}<p class=\"note\">And {more} more, in <code>{Name}.csv</code>{
                (Total > Rows.Count ? Markup.Of($" (the first {Rows.Count})") : Markup.Nothing)}.</p>\n");
    }

    private static Markup Cell(object? value) => value switch
    {
        null => Markup.Nothing,
        Markup drawn => drawn,
        long number => Markup.Of($"{number}"),
        int number => Markup.Of($"{number}"),
        DateTimeOffset at => PageWords.Time(at),
        TimeSpan length => Markup.Of($"{PageWords.Length(length)}"),
        bool yes => Markup.Of($"{(yes ? "yes" : "")}"),
        _ => Markup.Of($"{value.ToString()}"),
    };
}

/// <param name="Title">On the page.</param>
/// <param name="Header">In the file: small letters, with the unit of a length (<c>held_seconds</c>).</param>
/// <param name="OnPage">False for what only programs want.</param>
internal sealed record ReportColumn(string Title, string Header, string Class = "", bool OnPage = true);
