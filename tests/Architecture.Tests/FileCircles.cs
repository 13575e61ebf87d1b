using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace DbAccess.Architecture.Tests;

/// <summary>
/// Which file of src names what another declares, by the compiler itself: every name is resolved, so that constants, aliases, extension methods
/// and types that are only written in a signature count, and a comment or a word that happens to be the same does not. The files of one type
/// that is written in parts are one thing here, as they are to the compiler. A folder inside of a project is a room; one inside of
/// another is a room of its own.
/// </summary>
internal sealed class FileCircles
{
    private readonly Dictionary<string, string> _whole = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _uses;

    /// <param name="files">Text by path, with slashes, from the folder that holds the projects.</param>
    public FileCircles(IReadOnlyDictionary<string, string> files)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        var trees = files.Select(file => CSharpSyntaxTree.ParseText(file.Value, options, file.Key)).ToList();
        var compilation = CSharpCompilation.Create("src", [.. trees, CSharpSyntaxTree.ParseText(Implicit, options)], Platform(),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        foreach (var tree in trees) Join(compilation.GetSemanticModel(tree), tree);
        _uses = trees.AsParallel().Select(tree => (File: Whole(tree.FilePath), Used: Uses(compilation.GetSemanticModel(tree), tree)))
            .AsEnumerable().GroupBy(part => part.File, StringComparer.Ordinal)
            .ToDictionary(
                file => file.Key, file => file.SelectMany(part => part.Used).Where(used => used != file.Key).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    /// <summary>Folders that use each other, by whichever way round: each of them is only understood with all the others.</summary>
    public IReadOnlyList<IReadOnlyList<string>> BetweenRooms() => Circles(
        _uses.GroupBy(file => Room(file.Key), StringComparer.Ordinal).ToDictionary(
            room => room.Key, room => room.SelectMany(file => file.Value).Select(Room).Where(other => other != room.Key).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal));

    /// <summary>Files of one folder that use each other, by whichever way round inside of it.</summary>
    public IReadOnlyList<IReadOnlyList<string>> InsideRooms() => Circles(
        _uses.ToDictionary(file => file.Key, file => file.Value.Where(other => Room(other) == Room(file.Key)).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal));

    /// <summary>What of one room names what of another: the threads that a circle is made of.</summary>
    public IEnumerable<string> Between(string room, string other) =>
        _uses.Where(file => Room(file.Key) == room).SelectMany(file => file.Value.Where(used => Room(used) == other).Select(used => $"{file.Key} -> {used}"));

    /// <summary>What stands in a project's own folder puts its rooms together, or is for all of them: each such file is by itself.</summary>
    private static string Room(string file) => Path.GetDirectoryName(file) is { } folder && folder.Contains('/', StringComparison.Ordinal) ? folder : file;

    private string Whole(string file) => _whole.GetValueOrDefault(file, file);

    private void Join(SemanticModel model, SyntaxTree tree)
    {
        foreach (var type in tree.GetRoot().DescendantNodes().OfType<BaseTypeDeclarationSyntax>().Where(type => type.Modifiers.Any(SyntaxKind.PartialKeyword)))
        {
            var parts = model.GetDeclaredSymbol(type)!.DeclaringSyntaxReferences;
            _whole[tree.FilePath] = parts.Select(part => part.SyntaxTree.FilePath).OrderBy(path => path.Length).ThenBy(path => path, StringComparer.Ordinal).First();
        }
    }

    private HashSet<string> Uses(SemanticModel model, SyntaxTree tree) =>
        tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>()
            .Where(name => name.FirstAncestorOrSelf<UsingDirectiveSyntax>() is null)
            .Select(name => model.GetSymbolInfo(name) is var info ? info.Symbol ?? info.CandidateSymbols.FirstOrDefault() : null)
            .Select(Home).OfType<string>().Select(Whole).ToHashSet(StringComparer.Ordinal);

    /// <summary>The file that declares it; nothing for what is not ours, for a namespace and for what lives inside of a method.</summary>
    private static string? Home(ISymbol? symbol)
    {
        var type = symbol switch
        {
            INamedTypeSymbol named => named,
            IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol => (symbol as IMethodSymbol)?.ReducedFrom?.ContainingType ?? symbol.ContainingType,
            _ => null,
        };
        return type?.OriginalDefinition.DeclaringSyntaxReferences is [var part, ..] && part.SyntaxTree.FilePath is { Length: > 0 } file ? file : null;
    }

    /// <summary>By Tarjan's algorithm: the strongly connected components of more than one member.</summary>
    private static List<IReadOnlyList<string>> Circles(Dictionary<string, HashSet<string>> uses)
    {
        var found = new List<IReadOnlyList<string>>();
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var lowest = new Dictionary<string, int>(StringComparer.Ordinal);
        var open = new Stack<string>();
        foreach (var one in uses.Keys.Order(StringComparer.Ordinal).Where(one => !numbers.ContainsKey(one))) Visit(one);
        return [.. found.OrderByDescending(circle => circle.Count)];

        void Visit(string one)
        {
            numbers[one] = lowest[one] = numbers.Count;
            open.Push(one);
            foreach (var other in uses[one])
            {
                if (!numbers.ContainsKey(other)) Visit(other);
                if (open.Contains(other)) lowest[one] = Math.Min(lowest[one], lowest[other]);
            }

            if (lowest[one] != numbers[one]) return;
            var circle = new List<string>();
            do circle.Add(open.Pop());
            while (circle[^1] != one);
            if (circle.Count > 1) found.Add([.. circle.Order(StringComparer.Ordinal)]);
        }
    }

    /// <summary>Everything that this program itself runs with, but for our own assemblies: those are read from their source.</summary>
    private static IEnumerable<MetadataReference> Platform() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("DbAccess.", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path));

    private const string Implicit =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Net.Http.Json;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        """;
}
