using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using DbAccess.Api.Slack;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Policies;
using DbAccess.Application.Reconciling;
using DbAccess.Domain;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Policies;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using MediatR;
using NetArchTest.Rules;
using Xunit.Sdk;

namespace DbAccess.Architecture.Tests;

/// <summary>
/// What keeps the house as it is. Every one of these was seen red once, by planting what it forbids; a new one is worth having only then.
/// The banned clock is the compiler's business (BannedSymbols.txt); here it is only made sure that the compiler is told.
/// </summary>
public sealed partial class RulesOfTheHouse
{
    private static readonly Assembly DomainAssembly = typeof(Error).Assembly;
    private static readonly Assembly ApplicationAssembly = typeof(Installation).Assembly;
    private static readonly Assembly InfrastructureAssembly = typeof(Settings).Assembly;
    private static readonly Assembly ApiAssembly = typeof(Api.Program).Assembly;
    private static readonly Assembly[] Ours = [DomainAssembly, ApplicationAssembly, InfrastructureAssembly, ApiAssembly];

    internal static readonly string Root = FindRoot();

    /// <summary>
    /// NodaTime is arithmetic with its data inside and reaches nothing outside; time zones of our own would be worse than its. Only one file
    /// sees it, so that it is no part of what Domain says to others.
    /// </summary>
    [Fact]
    public void Domain_refers_to_nothing_but_the_base_class_library_and_the_time_zones()
    {
        Assert.Equal(["NodaTime"], References("Domain"));
        var strangers = DomainAssembly.GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal) && name is not "netstandard" and not "NodaTime");
        Assert.Empty(strangers);
        Assert.Equal([typeof(Domain.Policies.ZonedTimes).FullName], Ours.SelectMany(assembly =>
            Types.InAssembly(assembly).That().HaveDependencyOn("NodaTime").GetTypes()).Where(type => !IsGenerated(type)).Select(Name));
        Empty(Types.InAssembly(DomainAssembly).ShouldNot().HaveDependencyOnAny("System.IO.File", "System.Net", "System.Data", "System.Diagnostics.Process", "Microsoft").GetResult());
    }

    [Fact]
    public void Application_refers_to_Domain_MediatR_FluentValidation_and_abstractions()
    {
        Assert.Equal(["FluentValidation", "MediatR", "Microsoft.AspNetCore.App", "project Domain"], References("Application"));
        var strangers = ApplicationAssembly.GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => !name.StartsWith("System.", StringComparison.Ordinal))
            .Except(["DbAccess.Domain", "MediatR", "FluentValidation", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions"], StringComparer.Ordinal);
        Assert.Empty(strangers);

        // The web framework comes along for its abstractions; nothing of the web itself is used.
        Empty(Types.InAssembly(ApplicationAssembly).ShouldNot().HaveDependencyOnAny("Microsoft.AspNetCore", "System.Net.Http", "System.IO.File", "System.Data").GetResult());
    }

    [Fact]
    public void Infrastructure_refers_to_Application_and_not_to_the_ways_in()
    {
        Assert.Equal(["project Application"], References("Infrastructure").Where(reference => reference.StartsWith("project", StringComparison.Ordinal)));
        Assert.DoesNotContain(InfrastructureAssembly.GetReferencedAssemblies(), name => name.Name is "DbAccess.Api");
    }

    /// <summary>A ratchet: a long line that went is not to come back. When there are fewer, the number here follows them down.</summary>
    [Fact]
    public void Lines_of_src_fit_a_screen()
    {
        const int Width = 140, Left = 4;

        var longer = Sources().SelectMany(file => File.ReadLines(file)
            .Select((line, at) => (Where: $"{Path.GetRelativePath(Root, file)}:{at + 1}", line.Length)))
            .Where(line => line.Length > Width).Select(line => line.Where).ToList();

        Assert.True(longer.Count <= Left, $"{longer.Count} lines, {Left} allowed: {string.Join(", ", longer)}");
    }

    /// <summary>The two walks are followed by opening one file after the other.</summary>
    [Fact]
    public void The_files_that_the_architecture_names_are_there()
    {
        var files = Sources().Select(file => $"/{Path.GetRelativePath(Root, file).Replace('\\', '/')}").ToList();
        var named = NamedFile().Matches(File.ReadAllText(Path.Combine(Root, "docs", "architecture.md"))).Select(match => match.Value).Distinct(StringComparer.Ordinal).ToList();

        Assert.True(named.Count > 50);
        Assert.All(named, name => Assert.Contains(files, file => file.EndsWith($"/{name}", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"[A-Za-z][A-Za-z/.]*\.cs\b", RegexOptions.None, 1000)]
    private static partial Regex NamedFile();

    /// <summary>A ratchet like that of the lines: a statement list or a switch may be long and plain, what decides is read at one look.</summary>
    [Fact]
    public void Methods_of_src_are_read_at_one_look()
    {
        const int Longest = 60, Left = 3;

        var longer = Sources().SelectMany(file => Methods(File.ReadAllLines(file)).Where(method => method.Length > Longest)
            .Select(method => $"{Path.GetRelativePath(Root, file)}:{method.At} ({method.Length})")).ToList();

        Assert.True(longer.Count <= Left, $"{longer.Count} methods, {Left} allowed: {string.Join(", ", longer)}");
    }

    /// <summary>From the line after the signature to the brace that ends it, by their indentation: what opens on a line of its own and is no type and no statement.</summary>
    private static IEnumerable<(int At, int Length)> Methods(string[] lines)
    {
        for (var at = 1; at < lines.Length; at++)
        {
            var indent = lines[at].Length - 1;
            if (lines[at].TrimStart() != "{" || indent is not (4 or 8 or 12)) continue;
            var signature = at - 1;
            while (signature > 0 && lines[signature].TakeWhile(c => c == ' ').Count() > indent) signature--;
            if (!Signature().IsMatch(lines[signature])) continue;
            var end = Array.FindIndex(lines, at, line => line.Length > indent && line[indent] == '}' && line[..indent].Trim().Length == 0);
            yield return (signature + 1, end - signature + 1);
        }
    }

    [GeneratedRegex(@"^ *(public|private|internal|protected|static)\b(?!.*\b(class|record|struct|interface|enum)\b).*(\(|=>)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Signature();

    /// <summary>What has grown beyond this holds more than one thing.</summary>
    [Fact]
    public void Files_of_src_hold_one_thing()
    {
        const int Longest = 400;

        Assert.Empty(Sources().Where(file => File.ReadLines(file).Count() > Longest).Select(file => Path.GetFileName(file)));
    }

    /// <summary>So that what is run on a target is kept for the record, whoever writes the next statement.</summary>
    [Fact]
    public void Statements_leave_for_PostgreSQL_in_one_place()
    {
        string[] ways =
        [
            "new NpgsqlCommand", "new NpgsqlBatch", "CreateCommand(", "CreateBatch(", "ExecuteReader", "ExecuteScalar", "ExecuteNonQuery", ".BeginTransaction", ".BeginText", ".BeginBinary", ".BeginRaw",
        ];

        var leaving = Directory.EnumerateFiles(Path.Combine(Root, "src", "Infrastructure", "Postgres"), "*.cs", SearchOption.AllDirectories)
            .Where(file => ways.Any(File.ReadAllText(file).Contains)).Select(Path.GetFileName);

        Assert.Equal(["Asking.cs"], leaving);
    }

    internal static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    [Fact]
    public void Only_Infrastructure_knows_the_outside_systems()
    {
        string[] outside = ["Npgsql", "Microsoft.Data.Sqlite", "SQLitePCL", "Quartz", "YamlDotNet"];

        foreach (var assembly in Ours.Where(assembly => assembly != InfrastructureAssembly))
        {
            Empty(Types.InAssembly(assembly).ShouldNot().HaveDependencyOnAny(outside).GetResult());
            Assert.DoesNotContain(assembly.GetReferencedAssemblies(), name => outside.Any(other => name.Name!.StartsWith(other, StringComparison.Ordinal)));
        }

        foreach (var project in (string[])["Domain", "Application", "Api"])
        {
            Assert.DoesNotContain(References(project), reference => outside.Any(other => reference.StartsWith(other, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void In_the_ways_in_only_the_composition_root_sees_Infrastructure()
    {
        var seeing = Types.InAssembly(ApiAssembly).That().HaveDependencyOn("DbAccess.Infrastructure").GetTypes()
            .Select(type => Outermost(type).FullName)
            .Distinct(StringComparer.Ordinal);

        Assert.Equal([typeof(Api.Program).FullName], seeing);
    }

    [Fact]
    public void Every_request_has_exactly_one_handler_and_every_handler_a_request()
    {
        var handled = Handlers().Select(handler => handler.Request).ToList();
        var requests = Ours.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type is { IsAbstract: false, IsInterface: false } && type.GetInterfaces().Any(contract => contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IRequest<>)))
            .ToList();

        Assert.NotEmpty(requests);
        Assert.Equal(requests.Select(Name).Order(StringComparer.Ordinal), handled.Select(Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Handlers_and_validators_stand_inside_their_request_and_are_internal_and_sealed()
    {
        var odd = Handlers().Concat(Validators())
            .Where(pair => pair.Type.DeclaringType != pair.Request || !pair.Type.IsNestedAssembly || !pair.Type.IsSealed)
            .Select(pair => Name(pair.Type));

        Assert.Empty(odd);
    }

    [Fact]
    public void Classes_are_sealed_unless_they_are_made_to_be_derived_from()
    {
        var open = Ours.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false } && !IsGenerated(type))
            .Select(Name);

        Assert.Empty(open);
    }

    [Fact]
    public void Ports_are_interfaces_and_every_interface_of_the_use_cases_that_others_implement_is_a_port()
    {
        var elsewhere = ApplicationAssembly.GetTypes()
            .Where(type => type is { IsInterface: true, IsPublic: true } && type.Namespace != "DbAccess.Application.Ports" && type != typeof(IAudited))
            .Select(Name);
        Assert.Empty(elsewhere);

        // Beside them stand the words they speak, which do nothing by themselves, and the faults they raise.
        var doing = ApplicationAssembly.GetTypes()
            .Where(type => type is { IsClass: true, Namespace: "DbAccess.Application.Ports" } && !IsGenerated(type) && !IsRecord(type) && !type.IsSubclassOf(typeof(Exception)))
            .Select(Name);
        Assert.Empty(doing);
    }

    [Fact]
    public void Every_port_is_implemented_outside_the_use_cases_only()
    {
        var ports = ApplicationAssembly.GetTypes().Where(type => type is { IsInterface: true, Namespace: "DbAccess.Application.Ports" }).ToList();

        Assert.NotEmpty(ports);
        Assert.Empty(ApplicationAssembly.GetTypes().Where(type => type.IsClass && ports.Any(port => port.IsAssignableFrom(type))).Select(Name));
    }

    [Fact]
    public void Whatever_is_audited_answers_with_an_outcome()
    {
        var audited = Ours.SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsClass && typeof(IAudited).IsAssignableFrom(type)).ToList();

        Assert.NotEmpty(audited);
        Assert.Empty(audited.Where(type => !AnswersAnOutcome(type)).Select(Name));
    }

    [Fact]
    public void Every_request_answers_with_an_outcome_so_that_no_behaviour_is_passed_by() =>
        Assert.Empty(Handlers().Where(handler => !AnswersAnOutcome(handler.Request)).Select(handler => Name(handler.Request)));

    // Behind a press: who may not is on record, who may is not.
    private static readonly string[] OnlyRefusals = ["GetConnection", "GetStory", "GetAsked"];

    [Fact]
    public void Commands_are_audited_and_questions_are_not()
    {
        // A question starts with List, Get, Check, Preview or Examine; the others are work of the product itself: steps are told by the grants' own
        // events, and reconciling puts every mending on the audit record by itself.
        string[] steps = ["TakeNextStep", "SweepGrants", "ReconcileRoles", "ReviewHolders", "TellOfPolicy", "SequenceEvents", "WitnessCheckpoint", "ExportDays", "DrawNow", "TellOfEvidence", "RecordVerb", "ChangeAuditKey", "RecordPolicy"];
        var odd = Handlers().Select(handler => handler.Request)
            .Where(request => (typeof(IAudited).IsAssignableFrom(request) && !OnlyRefusals.Contains(request.Name, StringComparer.Ordinal)) == (steps.Contains(request.Name, StringComparer.Ordinal) || request.Name.StartsWith("List", StringComparison.Ordinal)
                || request.Name.StartsWith("Get", StringComparison.Ordinal) || request.Name.StartsWith("Check", StringComparison.Ordinal)
                || request.Name.StartsWith("Preview", StringComparison.Ordinal) || request.Name.StartsWith("Examine", StringComparison.Ordinal)))
            .Select(Name);

        Assert.Empty(odd);
    }

    [Fact]
    public void The_page_for_auditors_lists_every_command_with_its_event_and_a_test_that_is_there()
    {
        var rows = File.ReadLines(Path.Combine(Root, "docs", "audit.md")).Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells is [_, _, _, ['`', ..], ['`', ..], _]).Select(cells => (Command: cells[2].Trim('`'), Event: cells[3].Trim('`'), Test: cells[4].Trim('`').Split('.'))).ToList();
        var audited = Handlers().Select(handler => handler.Request).Where(typeof(IAudited).IsAssignableFrom)
            .Select(type => (type.Name, OnlyRefusals.Contains(type.Name, StringComparer.Ordinal) ? "press.refused" : $"command.{EventTypes.Snake(type.Name)}"));

        Assert.Equal(audited.Order(), rows.Where(row => row.Command.Length > 0).Select(row => (row.Command, row.Event)).Order());
        Assert.True(rows.Count > rows.Count(row => row.Command.Length > 0) + 5);
        var tests = Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).ToLookup(Path.GetFileNameWithoutExtension);
        Assert.All(rows, row => Assert.Contains(tests[row.Test[0]], file => File.ReadAllText(file).Contains($" {row.Test[1]}(", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_compiler_is_told_about_the_clock()
    {
        var properties = XDocument.Load(Path.Combine(Root, "Directory.Build.props"));
        Assert.Contains(properties.Descendants("AdditionalFiles"), file => file.Attribute("Include")?.Value.EndsWith("BannedSymbols.txt", StringComparison.Ordinal) is true);
        var packages = XDocument.Load(Path.Combine(Root, "Directory.Packages.props"));
        Assert.Contains(packages.Descendants("GlobalPackageReference"), package => package.Attribute("Include")?.Value is "Microsoft.CodeAnalysis.BannedApiAnalyzers");
        var banned = File.ReadAllText(Path.Combine(Root, "BannedSymbols.txt"));
        foreach (var clock in (string[])["P:System.DateTime.Now;", "P:System.DateTime.UtcNow;", "P:System.DateTimeOffset.Now;", "P:System.DateTimeOffset.UtcNow;", "M:System.Threading.Thread.Sleep(System.Int32);", "M:System.Threading.Tasks.Task.Delay(System.TimeSpan);"])
        {
            Assert.Contains(clock, banned, StringComparison.Ordinal);
        }

        // And nobody in the product switches it off, in a file or in a folder.
        var silenced = Directory.EnumerateFiles(Path.Combine(Root, "src"), "*", SearchOption.AllDirectories)
            .Where(path => !Generated(path) && (path.EndsWith(".cs", StringComparison.Ordinal) || path.EndsWith(".csproj", StringComparison.Ordinal) || path.EndsWith(".editorconfig", StringComparison.Ordinal)))
            .Where(path => File.ReadAllText(path).Contains("RS0030", StringComparison.Ordinal));
        Assert.Empty(silenced);
    }

    [Fact]
    public void Every_project_has_a_lock_file_and_its_versions_in_one_place()
    {
        foreach (var project in Projects())
        {
            Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json")), $"{project} has no lock file.");
            Assert.DoesNotContain(XDocument.Load(project).Descendants("PackageReference"), package => package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null);
        }

        var loose = XDocument.Load(Path.Combine(Root, "Directory.Packages.props")).Descendants()
            .Select(element => element.Attribute("Version")?.Value)
            .Where(version => version is not null && !(version.StartsWith('[') && version.EndsWith(']') && !version.Contains(',', StringComparison.Ordinal)));
        Assert.Empty(loose);
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(Root, "DbAccess.sln")).Replace('\\', '/');

        var missing = Projects().Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/')).Where(path => !solution.Contains($"\"{path}\"", StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    private static IEnumerable<(Type Type, Type Request)> Handlers() => Implementing(typeof(IRequestHandler<,>));

    private static IEnumerable<(Type Type, Type Request)> Validators() => Implementing(typeof(FluentValidation.IValidator<>));

    private static IEnumerable<(Type Type, Type Request)> Implementing(Type contract) =>
        from type in Ours.SelectMany(assembly => assembly.GetTypes())
        where type is { IsAbstract: false, IsClass: true, IsGenericTypeDefinition: false }
        from face in type.GetInterfaces()
        where face.IsGenericType && face.GetGenericTypeDefinition() == contract
        select (type, face.GetGenericArguments()[0]);

    private static bool AnswersAnOutcome(Type request) =>
        request.GetInterfaces().Where(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IRequest<>)).Select(face => face.GetGenericArguments()[0]) is var answers
        && answers.Any() && answers.All(answer => answer.GetInterfaces().Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IOutcome<>)));

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static string Name(Type type) => type.FullName ?? type.Name;

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null || type.DeclaringType is { } outer && IsRecord(outer);

    /// <summary>Written by the compiler: closures, state machines, generated expressions.</summary>
    private static bool IsGenerated(Type type) =>
        type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) || type.Name.Contains('<', StringComparison.Ordinal)
        || type.Namespace?.StartsWith("DbAccess", StringComparison.Ordinal) is not true
        || (type.DeclaringType is { } outer && IsGenerated(outer));

    private static void Empty(NetArchTest.Rules.TestResult result) => Assert.Empty(result.FailingTypes?.Where(type => !IsGenerated(type)).Select(Name) ?? []);

    /// <summary>What a project file refers to, its packages and its projects, in order of the alphabet.</summary>
    private static IReadOnlyList<string> References(string project)
    {
        var file = XDocument.Load(Path.Combine(Root, "src", project, $"{project}.csproj"));
        return
        [
            .. file.Descendants().Where(element => element.Name.LocalName is "PackageReference" or "FrameworkReference").Select(element => element.Attribute("Include")!.Value)
                .Concat(file.Descendants("ProjectReference").Select(element => $"project {Path.GetFileNameWithoutExtension(element.Attribute("Include")!.Value)}"))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<string> Projects() =>
        new[] { "src", "tests", "benchmarks" }.Select(folder => Path.Combine(Root, folder)).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
            .Where(path => !Generated(path) && !path.Contains($"{Path.DirectorySeparatorChar}node_modules{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static bool Generated(string path) =>
        path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal) || path.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DbAccess.sln"))) return folder.FullName;
        }

        throw FailException.ForFailure("The tests run outside their repository.");
    }
}
