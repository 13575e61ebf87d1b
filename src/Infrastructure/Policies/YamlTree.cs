using System.Text.RegularExpressions;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace DbAccess.Infrastructure.Policies;

/// <summary>A piece of a YAML file and where it starts, counted from 1.</summary>
internal abstract record YamlNode(int Line, int Column);

/// <param name="Plain">Written without quotes: only then can it be a number, or nothing at all.</param>
internal sealed record YamlText(int Line, int Column, string Value, bool Plain) : YamlNode(Line, Column)
{
    public bool IsNothing => Plain && Value is "" or "~" or "null" or "Null" or "NULL";
}

internal sealed record YamlList(int Line, int Column, IReadOnlyList<YamlNode> Items) : YamlNode(Line, Column);

/// <summary>Something whose fault has been told already; what else might be said about it would only repeat that.</summary>
internal sealed record YamlRefused(int Line, int Column) : YamlNode(Line, Column);

internal sealed record YamlMap(int Line, int Column, IReadOnlyList<(YamlText Key, YamlNode Value)> Entries) : YamlNode(Line, Column);

/// <summary>
/// Turns YAML into a tree, from the parser's events rather than its ready-made document: that one stops at the first duplicate key, and
/// it follows aliases, which let a small file become a huge one.
/// </summary>
internal sealed partial class YamlTree
{
    // The policy needs six levels. A limit keeps a hostile file from exhausting the stack.
    private const int Deepest = 24;

    private readonly Parser _parser;
    private readonly List<PolicyFault> _faults;

    private YamlTree(Parser parser, List<PolicyFault> faults) => (_parser, _faults) = (parser, faults);

    /// <summary>Null when the text is no YAML, or empty; then there is a fault that says so.</summary>
    public static YamlNode? Read(string text, List<PolicyFault> faults)
    {
        var tabs = TabFaults(text).ToList();
        faults.AddRange(tabs);
        var parser = new Parser(new StringReader(text));
        try
        {
            return new YamlTree(parser, faults).Document();
        }
        catch (YamlException failure)
        {
            // A tab confuses the parser somewhere further on; the tab itself is what has to be mended.
            if (tabs.Count == 0)
                faults.Add(new PolicyFault(Number(failure.Start.Line), Number(failure.Start.Column), HasBareStar(text, failure.Start.Line)
                    ? "a * without quotes means something else in YAML; write \"*\""
                    : $"this is not YAML: {Plainly(failure.Message)}"));
        }
        catch (Exception failure)
            when (failure is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException)
        {
            // The parser is somebody else's and has raised these on broken text.
            if (tabs.Count == 0)
                faults.Add(new PolicyFault(Number(parser.Current?.Start.Line ?? 1), Number(parser.Current?.Start.Column ?? 1),
                    "this is not YAML from somewhere near here: a bracket or quote may be left open"));
        }

        return null;
    }

    private YamlNode? Document()
    {
        _parser.MoveNext();
        YamlNode? root = null;
        while (_parser.MoveNext() && _parser.Current is { } current)
        {
            switch (current)
            {
                case DocumentStart when root is not null:
                    Add(current, "a second document starts here ('---'); a policy file holds one");
                    return root;
                case DocumentStart or DocumentEnd or StreamEnd:
                    break;
                default:
                    root = Node(0);
                    break;
            }
        }

        if (root is not null and not YamlText { IsNothing: true }) return root;

        _faults.Add(new PolicyFault(1, 1, "the file is empty; it starts with 'version: 1'"));
        return null;
    }

    private YamlNode Node(int depth)
    {
        var start = _parser.Current!;
        var (line, column) = (Number(start.Start.Line), Number(start.Start.Column));
        if (depth > Deepest) throw new YamlException(start.Start, start.End, $"more than {Deepest} levels inside one another");
        if (start is NodeEvent { Anchor.IsEmpty: false }) Add(start, "anchors (&name) are not taken: write each thing out where it stands");
        if (start is NodeEvent { Tag.IsEmpty: false }) Add(start, "tags (!name) are not taken");

        switch (start)
        {
            case AnchorAlias:
                Add(start, "aliases (*name) are not taken: write each thing out where it stands (for everything, write \"*\" in quotes)");
                return new YamlRefused(line, column);
            case Scalar scalar:
                return new YamlText(line, column, scalar.Value, scalar.Style is ScalarStyle.Plain);
            case SequenceStart:
                var items = new List<YamlNode>();
                while (Next() is not SequenceEnd) items.Add(Node(depth + 1));
                return new YamlList(line, column, items);
            default:
                return Map(line, column, depth);
        }
    }

    private YamlMap Map(int line, int column, int depth)
    {
        var entries = new List<(YamlText, YamlNode)>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        while (Next() is not MappingEnd)
        {
            var key = Node(depth + 1);
            Next();
            var value = Node(depth + 1);
            if (key is not YamlText name)
            {
                if (key is not YamlRefused)
                    _faults.Add(new PolicyFault(key.Line, key.Column, "a key must be a word, not a list or a mapping"));
            }
            else if (seen.TryGetValue(name.Value, out var first))
            {
                _faults.Add(new PolicyFault(
                    name.Line, name.Column, $"'{Show.Text(name.Value)}' is given twice; the first is on line {first}"));
            }
            else
            {
                seen.Add(name.Value, name.Line);
                entries.Add((name, value));
            }
        }

        return new YamlMap(line, column, entries);
    }

    private ParsingEvent Next()
    {
        if (!_parser.MoveNext()) throw new InvalidOperationException("The text ended inside a node.");
        return _parser.Current!;
    }

    private void Add(ParsingEvent at, string sentence) =>
        _faults.Add(new PolicyFault(Number(at.Start.Line), Number(at.Start.Column), sentence));

    private static IEnumerable<PolicyFault> TabFaults(string text)
    {
        var line = 0;
        foreach (var content in text.Split('\n'))
        {
            line++;
            var indent = content.Length - content.TrimStart(' ', '\t').Length;
            if (content.IndexOf('\t', 0, indent) is var tab and >= 0)
                yield return new PolicyFault(line, tab + 1, "a tab stands where YAML wants spaces");
        }
    }

    private static int Number(long value) => (int)Math.Clamp(value, 1, int.MaxValue);

    /// <summary>A lone * where a word is expected: YAML takes it for the start of an alias.</summary>
    private static bool HasBareStar(string text, long line) =>
        text.Split('\n').ElementAtOrDefault((int)line - 1) is { } written && BareStar().IsMatch(written);

    [GeneratedRegex(@"(^|[\[,:\s-])\*\s*($|[\],}#\s])", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BareStar();

    private static string Plainly(string message)
    {
        // Some versions put the position in front; the fault has it already.
        var text = message.StartsWith("(Line:", StringComparison.Ordinal) && message.IndexOf("): ", StringComparison.Ordinal) is var end
            and > 0 ? message[(end + 3)..] : message;
        return Show.Text(text, 160).TrimEnd('.');
    }
}
