namespace DbAccess.Domain;

/// <summary>An answer that is either done or a refusal; lets a pipeline behaviour refuse without an exception.</summary>
public interface IOutcome<TSelf>
    where TSelf : IOutcome<TSelf>
{
    /// <summary>Why the command was declined, or null when it was carried out.</summary>
    Error? Refusal { get; }

    static abstract TSelf Refuse(Error error);
}

/// <summary>
/// The outcome of a command that answers nothing but success. A class, since value-type responses of a mediator cannot be compiled ahead of
/// time.
/// </summary>
public sealed class Result : IOutcome<Result>
{
    public static readonly Result Done = new(null);

    private Result(Error? refusal) => Refusal = refusal;

    public Error? Refusal { get; }

    public static Result Refuse(Error error) => new(error);

    public static implicit operator Result(Error error) => Refuse(error);
}

/// <summary>The outcome of a command that answers with a value when it succeeds.</summary>
public sealed class Result<T> : IOutcome<Result<T>>
    where T : class
{
    private readonly T? _value;

    private Result(T? value, Error? refusal) => (_value, Refusal) = (value, refusal);

    public Error? Refusal { get; }

    /// <summary>What the command answered. Reading it from a refusal is a bug and throws.</summary>
    public T Value => _value ?? throw new InvalidOperationException($"There is no value: the command was refused ({Refusal?.Code}).");

    public static Result<T> Refuse(Error error) => new(null, error);

    /// <summary>For values whose type is an interface: the language has no implicit conversion from those.</summary>
    public static Result<T> Of(T value) => new(value, null);

    public static implicit operator Result<T>(Error error) => Refuse(error);

    public static implicit operator Result<T>(T value) => new(value, null);
}
