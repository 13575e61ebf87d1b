using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>One line of what a role ran.</summary>
internal sealed record DigestLine(long Calls, long Rows, string Statement)
{
    /// <summary>Takes <c>calls rows statement</c>, a line each. A line that does not begin so goes on with the one before.</summary>
    public static IReadOnlyList<DigestLine> Read(string lines)
    {
        List<DigestLine> read = [];
        foreach (var line in lines.Split('\n'))
        {
            if (line.Split(' ', 3) is [var calls, var rows, var statement] && Number(calls) is { } times && Number(rows) is { } count)
                read.Add(new DigestLine(times, count, statement));
            else if (read.Count > 0 && line.Length > 0)
                read[^1] = read[^1] with { Statement = $"{read[^1].Statement}\n{line}" };
        }

        return read;
    }

    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
