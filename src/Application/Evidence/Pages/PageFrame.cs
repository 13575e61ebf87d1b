namespace DbAccess.Application.Evidence.Pages;

/// <summary>What both pages are made in: one file without script and without anything from outside, for screen, phone and paper.</summary>
internal static class PageFrame
{
    /// <summary>Everything before the first heading.</summary>
    public static Markup Begin(string title) => Markup.Of(
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <meta name="color-scheme" content="light">
        <title>{title}</title>
        <style>
        {Style}
        </style>
        </head>
        <body>
        <main>

        """);

    public static Markup End => Markup.Of($"</main>\n</body>\n</html>\n");

    /// <summary>A table whose cells say on a phone, where each row becomes a block, what they are.</summary>
    public static Markup Table(IReadOnlyList<Column> columns, IEnumerable<IReadOnlyList<Markup>> rows, string kind = "stack")
    {
        var head = Markup.All(columns.Select(column =>
            Markup.Of($"<th scope=\"col\" class=\"{column.Class}\">{column.Title}</th>")));
        var body = Markup.All(rows.Select(row => Markup.Of($"<tr>{Markup.All(row.Select((cell, at) => at == 0
            ? Markup.Of($"<th scope=\"row\" class=\"{columns[at].Class}\">{cell}</th>")
            : Markup.Of($"<td class=\"{columns[at].Class}\" data-label=\"{columns[at].Title}\">{cell}</td>")))}</tr>")), "\n");
        return Markup.Of($"<table class=\"{kind}\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n");
    }

    /// <summary>Pairs of a word and what there is to say; those with nothing to say are left out.</summary>
    public static Markup Facts(params IEnumerable<(string Word, Markup Said)> facts) => Markup.Of(
        $"<dl>\n{Markup.All(facts.Where(fact => !fact.Said.IsEmpty).Select(fact =>
            Markup.Of($"<div><dt>{fact.Word}</dt><dd>{fact.Said}</dd></div>\n")))}</dl>\n");

    public static Markup Heading(int level, string text, string? id = null) => Markup.Of(
        $"<h{level}{(id is null ? Markup.Nothing : Markup.Of($" id=\"{id}\""))}>{text}</h{level}>\n");

    private static Markup Style => Markup.Of(
        $$"""
        :root { --ink: #1c2126; --soft: #59626c; --line: #d9dee3; --tint: #f5f7f9; --blue: #1f5f99; --warn: #8a4b00; }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
        body { margin: 0; background: #fff; color: var(--ink); overflow-wrap: anywhere; font-variant-numeric: tabular-nums;
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        main { max-width: 54rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
        h1, h2, h3, h4 { line-height: 1.25; font-weight: 650; text-wrap: balance; }
        h1 { font-size: 1.75rem; margin: 0 0 .5rem; }
        h2 { font-size: 1.25rem; margin: 3rem 0 .75rem; }
        h3 { font-size: 1.0625rem; margin: 2rem 0 .5rem; }
        h4 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
        h2.grant { border-top: 2px solid var(--ink); padding-top: 1.25rem; margin-top: 4rem; }
        p { margin: 0 0 .75rem; max-width: 42rem; }
        .over { color: var(--soft); font-size: .875rem; margin: 0 0 .25rem; }
        .answer { font-size: 1.1875rem; line-height: 1.5; margin: 0 0 1.25rem; }
        .soft, .note { color: var(--soft); }
        .note { font-size: .875rem; }
        .withheld { color: var(--soft); font-style: italic; }
        .warn { border-left: 4px solid var(--warn); background: #fdf6ec; padding: .625rem .875rem; }
        a { color: var(--blue); }
        dl { margin: 0 0 1rem; border-top: 1px solid var(--line); }
        dl > div { display: grid; grid-template-columns: 8.5rem 1fr; gap: 0 1rem; padding: .4375rem 0;
          border-bottom: 1px solid var(--line); }
        dt { color: var(--soft); }
        dd { margin: 0; min-width: 0; }
        dd, td, th, bdi, code, pre { unicode-bidi: isolate; }
        q { quotes: "“" "”"; }
        code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .8125rem; }
        pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .75rem .875rem; margin: 0 0 1rem;
          white-space: pre-wrap; line-height: 1.55; }
        table { border-collapse: collapse; width: 100%; margin: 0 0 1rem; font-size: .9375rem; }
        th, td { text-align: left; vertical-align: top; padding: .4375rem .75rem .4375rem 0; border-bottom: 1px solid var(--line);
          font-weight: 400; }
        th:last-child, td:last-child { padding-right: 0; }
        thead th { color: var(--soft); font-size: .8125rem; white-space: nowrap; vertical-align: bottom; }
        .num { text-align: right; white-space: nowrap; }
        .time, .word, .day { white-space: nowrap; }
        .who { min-width: 6.5rem; }
        time, .num { overflow-wrap: normal; }
        td .day, th .day { display: block; }
        table.small { width: auto; min-width: min(26rem, 100%); }
        table.small .num { padding-left: 1.5rem; }
        table.small tbody th { overflow-wrap: break-word; }
        td code, th code { font-size: .8125rem; }
        .bar { display: block; width: 100%; height: 26px; margin: .25rem 0 .375rem; }
        .ends { display: flex; justify-content: space-between; gap: 1rem; max-width: none; color: var(--soft); font-size: .8125rem;
          margin: 0 0 .75rem; }
        .key { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0 0 1rem; padding: 0; font-size: .875rem; }
        .swatch { margin-right: .5rem; }
        .plot { display: block; width: 100%; height: 200px; margin: .5rem 0; }
        .plot text { font-size: 12px; fill: var(--soft); }
        .plot .total { fill: var(--ink); }
        .figures { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1.25rem 1rem;
          margin: 1.5rem 0; padding: 0; }
        .figures b { display: block; font-size: 1.625rem; font-weight: 600; line-height: 1.2; }
        .figures span { color: var(--soft); font-size: .875rem; }
        ol, ul { padding-left: 1.25rem; max-width: 42rem; }
        li { margin: .25rem 0; }
        svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        @media (max-width: 40rem) {
          main { padding: 1.5rem 1rem 3rem; }
          h1 { font-size: 1.5rem; }
          .answer { font-size: 1.0625rem; }
          dl > div { grid-template-columns: 1fr; }
          dt { font-size: .8125rem; }
          table.stack, table.stack tbody, table.stack tr, table.stack th, table.stack td { display: block; }
          table.stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
          table.stack tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
          table.stack th, table.stack td { border: 0; padding: .0625rem 0; text-align: left; white-space: normal; }
          table.stack tbody th { font-weight: 600; }
          table.stack td:not(.plain) { display: grid; grid-template-columns: 7.5rem 1fr; gap: 0 .5rem; }
          table.stack td:not(.plain)::before { content: attr(data-label); color: var(--soft); font-size: .8125rem; }
          table.stack td:not(.plain).run { display: inline; }
          table.stack td.run::before { content: ""; }
          table.stack td.run + td.run::before { content: " · "; }
          table.stack td.num.run + td.num.run::before, table.stack td.run + td.num.run::before { content: " · " attr(data-label) " "; }
          td .day, table.stack th .day { display: inline; }
          td .day::after, table.stack th .day::after { content: ","; }
          table.small td .day { display: block; }
          table.small td .day::after { content: ""; }
          table.stack td:empty { display: none; }
          table.small { width: 100%; }
          table.small .time { white-space: normal; }
          .swatch { margin-right: .375rem; }
          table.small th, table.small td { padding-right: .5rem; }
          table.small .num { padding-left: .25rem; }
        }
        @page { size: A4; margin: 18mm 16mm 20mm; }
        @media print {
          :root { --ink: #000; --soft: #444; --line: #bbb; --tint: #fff; --blue: #000; }
          body { font-size: 10pt; line-height: 1.4; }
          main { max-width: none; padding: 0; }
          h1 { font-size: 17pt; } h2 { font-size: 13pt; margin-top: 9mm; } h3 { font-size: 11pt; margin-top: 6mm; }
          h1, h2, h3, h4, thead { break-after: avoid; }
          h2.grant { break-before: page; border: 0; margin-top: 0; padding-top: 0; }
          tr, dl > div, figure, .plot, .bar, .warn, .together { break-inside: avoid; }
          p { orphans: 3; widows: 3; max-width: none; }
          .answer { font-size: 12pt; }
          table { font-size: 9pt; } code, pre { font-size: 8.5pt; }
          a { text-decoration: none; }
        }
        """);
}

/// <param name="Class">How it is set: <c>num</c> to the right, <c>time</c> on one line, <c>plain</c> without its title on a phone.</param>
internal sealed record Column(string Title, string Class = "");
