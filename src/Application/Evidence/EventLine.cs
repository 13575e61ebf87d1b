namespace DbAccess.Application.Evidence;

/// <summary>One line of the log or of a pack, as far as it can be judged by itself.</summary>
internal sealed class EventLine
{
    /// <summary>Anything but <see cref="LineForm.Canonical"/>: nothing else is known of it.</summary>
    public LineForm Form { get; set; }

    /// <summary>The name that is there twice.</summary>
    public string? Name { get; set; }

    public long Place { get; set; }

    public byte[] LeafHash { get; set; } = [];

    /// <summary>The leaf has the hash that stands beside it.</summary>
    public bool HasItsHash { get; set; }

    /// <summary>The first opened value that does not fit what the leaf holds of it.</summary>
    public string? NotAsRecorded { get; set; }

    public string? Grant { get; set; }

    /// <summary>Which of the grant's own events; 0 when it is none of them.</summary>
    public long Number { get; set; }

    /// <summary>Carried over from a version before the log: its number was not given by the log.</summary>
    public bool IsCarried { get; set; }

    /// <summary>Brings its grant to its end.</summary>
    public bool IsEnd { get; set; }

    /// <summary>The key that an <c>audit.key</c> brings in, or the origin that <c>audit.begun</c> says.</summary>
    public string? KeyOrOrigin { get; set; }

    public bool BringsKey { get; set; }

    public bool BeginsLog { get; set; }

    /// <summary>How many values are sealed, and how many of them stand beside the leaf.</summary>
    public int SealedValues { get; set; }

    public int ShownValues { get; set; }

    /// <summary>Of a pack.</summary>
    public IReadOnlyList<byte[]> Proof { get; set; } = [];

    /// <summary>Why it is no event at all; null when it is one.</summary>
    public string? FormFault(string file, long line) => Form switch
    {
        LineForm.Canonical => null,
        LineForm.TooLong => FaultWords.TooLong(file, line),
        LineForm.CutOff => FaultWords.CutOff(file, line),
        LineForm.NameTwice => FaultWords.Twice(file, line, Name!),
        LineForm.NotCanonical => FaultWords.NotCanonical(file, line),
        _ => FaultWords.NotAnEvent(file, line),
    };

    /// <summary>Why it is not what was recorded; null when it is.</summary>
    public string? ContentFault() =>
        !HasItsHash ? FaultWords.Changed(Place) : NotAsRecorded is { } name ? FaultWords.NotAsRecorded(Place, name) : null;
}
