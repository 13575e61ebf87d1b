namespace DbAccess.Domain.Evidence;

/// <summary>One typed field of what happened. Names are ASCII and stable: programs read them.</summary>
public abstract record Fact(string Name)
{
    public sealed record Text(string Name, string Value) : Fact(Name);

    /// <summary>Within ±(2⁵³ − 1), which is what JSON numbers are exact for.</summary>
    public sealed record Number(string Name, long Value) : Fact(Name);

    public sealed record Flag(string Name, bool Value) : Fact(Name);

    public sealed record Texts(string Name, IReadOnlyList<string> Values) : Fact(Name);

    /// <summary>
    /// What people wrote and what was run on a database: the log holds a salted hash of it, so that an export can leave it out and still be
    /// proved.
    /// </summary>
    public sealed record Sealed(string Name, string Value) : Fact(Name);
}
