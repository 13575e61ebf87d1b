using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets take for "this is text".
/// </summary>
internal static class Csv
{
    public static void Write(TextWriter file, ReportTable table)
    {
        Line(file, table.Columns.Select(column => column.Header));
        foreach (var row in table.Rows) Line(file, row.Select(Value));
    }

    private static void Line(TextWriter file, IEnumerable<string> values)
    {
        file.Write(string.Join(',', values.Select(Quoted)));
        file.Write("\r\n");
    }

    /// <summary>Only texts can be formulas: numbers are ours.</summary>
    private static string Value(object? value) => value switch
    {
        null => "",
        string text => Harmless(text),
        DateTimeOffset at => PageWords.Exact(at),
        TimeSpan length => length.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture),
        bool yes => yes ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => Harmless(value.ToString() ?? ""),
    };

    /// <summary>Some programs look behind white space, and take the wide forms of the signs too.</summary>
    private static string Harmless(string text)
    {
        var first = text.AsSpan().TrimStart();
        return text.Length > 0 && (text[0] is '\t' or '\r' or '\n' || (first.Length > 0 && first[0] is '=' or '+' or '-' or '@' or '|'
            or '＝' or '＋' or '－' or '＠')) ? $"'{text}" : text;
    }

    private static string Quoted(string value) => value.AsSpan().ContainsAny("\",\r\n") || value.StartsWith(' ') || value.EndsWith(' ')
        ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value;
}
