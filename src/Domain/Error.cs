namespace DbAccess.Domain;

/// <summary>A refusal we expect. <paramref name="Code"/> is stable and for machines (<c>grant.window_open</c>);
/// <paramref name="Message"/> is for the person: what happened, why, and what to do next. It never holds a secret.</summary>
public sealed record Error(string Code, string Message)
{
    /// <summary>
    /// What was probably meant, as it is typed, for a button that asks for it: tables, or a length where the length is what is wrong. Null
    /// mostly.
    /// </summary>
    public string? Meant { get; init; }

    /// <summary>What somebody else has to run so that it goes on; the message says it too. Null where no statement helps.</summary>
    public Remedy? Remedy { get; init; }

    /// <summary>Ends with what mends it.</summary>
    public static Error MendedBy(string code, string message, Remedy remedy) => new(code, $"{message} {remedy}") { Remedy = remedy };
}
