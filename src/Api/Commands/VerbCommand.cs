using System.CommandLine;
using System.CommandLine.Parsing;

namespace DbAccess.Api.Commands;

/// <summary>How a verb is written on the command line, and what is meant by it.</summary>
internal sealed class VerbCommand : Command
{
    /// <param name="description">What it does, from the second line on what else whoever calls it should know.</param>
    /// <param name="meant">Reads the verb, after everything that was said was found right.</param>
    /// <param name="takes">Its words and options.</param>
    public VerbCommand(string name, string description, Func<ParseResult, Verb> meant, params IReadOnlyList<Symbol> takes)
        : base(name, description)
    {
        Meant = meant;
        foreach (var option in takes.OfType<Option>()) Options.Add(option);
        foreach (var argument in takes.OfType<Argument>())
        {
            // An option that it does not know is not one of its words.
            argument.Validators.Add(result =>
            {
                if (result.Tokens.FirstOrDefault(token => token.Value.StartsWith('-')) is { } unknown)
                    result.AddError($"{name} does not take '{unknown.Value}'.");
            });
            Arguments.Add(argument);
        }
    }

    public Func<ParseResult, Verb> Meant { get; }

    /// <summary>With a rule that holds between what was said.</summary>
    /// <param name="fault">What is wrong, as a sentence; null when nothing is.</param>
    public VerbCommand Where(Func<CommandResult, string?> fault)
    {
        Validators.Add(result =>
        {
            if (fault(result) is { } sentence) result.AddError(sentence);
        });
        return this;
    }

    public static Command Group(string name, string description, params IReadOnlyList<Command> verbs)
    {
        var group = new Command(name, description);
        foreach (var verb in verbs) group.Subcommands.Add(verb);
        return group;
    }
}

/// <summary>What verbs take.</summary>
internal static class Takes
{
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    /// <param name="value">What stands for it in the help.</param>
    public static Option<string?> Value(string name, string value, string description, bool required = false) =>
        new(name) { Description = description, HelpName = value, Required = required };

    /// <param name="value">What stands for it in the help.</param>
    /// <param name="read">Null when it cannot be read.</param>
    /// <param name="what">What it has to be, for a sentence that says it is not.</param>
    public static Option<T?> Value<T>(
            string name, string value, string description, Func<string, T?> read, string what, bool required = false)
        where T : class => new(name)
        {
            Description = description, HelpName = value, Required = required,
            CustomParser = result => Read(result, read, text => $"{name} is '{text}', which is not {what}."),
        };

    /// <inheritdoc cref="Value{T}(string, string, string, Func{string, T}, string, bool)"/>
    public static Option<T?> Value<T>(
            string name, string value, string description, Func<string, T?> read, string what, bool required = false)
        where T : struct => new(name)
        {
            Description = description, HelpName = value, Required = required,
            CustomParser = result =>
            {
                if (result.Tokens is not [var token]) return null;
                var said = read(token.Value);
                if (said is null) result.AddError($"{name} is '{token.Value}', which is not {what}.");
                return said;
            },
        };

    /// <summary>Values with commas between them; <see cref="Split"/> reads them.</summary>
    /// <param name="known">What may stand in it; null for anything.</param>
    public static Option<string?> List(string name, string value, string description, IReadOnlyList<string>? known = null)
    {
        var option = Value(name, value, description);
        option.Validators.Add(result =>
        {
            if (known is not null && result.Tokens is [var token] && Split(token.Value)!.Except(known).FirstOrDefault() is { } unknown)
                result.AddError($"{name} takes {string.Join(", ", known)}, not '{unknown}'.");
        });
        return option;
    }

    /// <summary>Null when nothing was said.</summary>
    public static string[]? Split(string? text) => text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>What was said for it, for a rule: null when nothing was, or something that is a fault by itself.</summary>
    public static string? Said(this CommandResult result, Symbol symbol) => (symbol switch
    {
        Option option => result.GetResult(option)?.Tokens,
        Argument argument => result.GetResult(argument)?.Tokens,
        _ => null,
    }) is [var token] ? token.Value : null;

    public static bool Has(this CommandResult result, Option option) => result.GetResult(option) is { Implicit: false };

    public static Argument<string> Word(string name, string description) => new(name) { Description = description };

    /// <param name="read">Null when it cannot be read.</param>
    /// <param name="what">What it has to be, for a sentence that says it is not.</param>
    public static Argument<T> Word<T>(string name, string description, Func<string, T?> read, string what)
        where T : class => new(name)
        {
            Description = description, CustomParser = result => Read(result, read, text => $"'{text}' is not {what}.")!,
        };

    private static T? Read<T>(ArgumentResult result, Func<string, T?> read, Func<string, string> fault)
        where T : class
    {
        if (result.Tokens is not [var token]) return null;
        var said = read(token.Value);
        if (said is null) result.AddError(fault(token.Value));
        return said;
    }

    public static Argument<string?> OptionalWord(string name, string description) =>
        new(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };
}
