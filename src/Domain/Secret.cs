namespace DbAccess.Domain;

/// <summary>
/// A value that never prints: not in a log, not inside a record, not in an exception. It leaves only through <see cref="Reveal"/>.
/// </summary>
public sealed class Secret
{
    private readonly string _value;

    public Secret(string value) => _value = string.IsNullOrEmpty(value)
        ? throw new ArgumentException("A secret is not empty.", nameof(value)) : value;

    /// <summary>The value itself. Call it in the adapter that hands the value on, and nowhere else.</summary>
    public string Reveal() => _value;

    public override string ToString() => "[secret]";
}
