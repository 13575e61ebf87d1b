using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Application.Reconciling;

/// <summary>What the last comparison with the clusters found and did not mend, in sentences.</summary>
/// <param name="More">How many there are besides.</param>
public sealed record FoundOpen(DateTimeOffset At, IReadOnlyList<string> Lines, int More);

/// <summary>Keeps it in a mark of the store, so that every process can show it.</summary>
public sealed class OpenFindings(IEvidenceLog marks)
{
    private const string Mark = "findings";
    private const int Most = 15;
    private const int Longest = 300;

    /// <summary>Of two comparisons in one instant either is kept.</summary>
    public async Task WriteAsync(ReconcileReport report, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // What nobody needs any more goes by itself after a while.
        var open = report.Lines.Where(line => line.Outcome is FindingOutcome.Reported or FindingOutcome.Failed
            && line.Kind is not FindingKind.Unneeded).ToList();
        var read = await marks.ReadMarkAsync(Mark, cancellationToken);
        if (open.Count == 0 && string.IsNullOrEmpty(read)) return;

        var text = open.Count == 0 ? "" : string.Join('\n', open.Take(Most).Select(line => Show.Text(line.ToString(), Longest))
            .Prepend(string.Create(CultureInfo.InvariantCulture, $"{now.ToUnixTimeMilliseconds()} {Math.Max(0, open.Count - Most)}")));
        await marks.TryWriteMarkAsync(Mark, read, text, cancellationToken);
    }

    /// <summary>Null when there is nothing.</summary>
    public async Task<FoundOpen?> ReadAsync(CancellationToken cancellationToken) =>
        (await marks.ReadMarkAsync(Mark, cancellationToken))?.Split('\n') is [var first, .. { Length: > 0 } lines]
            && first.Split(' ') is [var at, var more] && Marks.Instant(at) is { } found
            && int.TryParse(more, NumberStyles.None, CultureInfo.InvariantCulture, out var besides)
            ? new FoundOpen(found, lines, besides) : null;
}
