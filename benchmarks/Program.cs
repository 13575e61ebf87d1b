using DbAccess.Benchmarks;

const string help = """
    Measures DbAccess against the bare thing it rests on, in one run on one machine. Prints figures and judges nothing.

      roles      making and removing a role: bare SQL against DbAccess, on a real PostgreSQL that waits for its disk
      slack      acknowledging a signed slash command: against an endpoint that only checks the signature
      memory     resident memory of a serving process, at rest and with 1,000 live grants
      sweep      a sweep with nothing due, at 100 and at 100,000 live grants
      (none)     all of them

      --quick    fewer and shorter: to see that it works
      --json     one JSON object per line on standard output
      --help
    """;

string[] all = ["roles", "slack", "memory", "sweep"];
var chosen = args.Where(arg => !arg.StartsWith('-')).ToList();
if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(help);
    return 0;
}

if (args is ["door"])
{
    await SlackBench.ServeDoorAsync();
    return 0;
}

if (args.FirstOrDefault(arg => arg.StartsWith('-') ? arg is not ("--quick" or "--json") : !all.Contains(arg)) is { } unknown)
{
    Console.Error.WriteLine($"I do not know '{unknown}' here.\n\n{help}");
    return 2;
}

var (quick, report) = (args.Contains("--quick"), new Report(args.Contains("--json")));
report.Say($"{Environment.ProcessorCount} processors, .NET {Environment.Version}, {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC");
foreach (var bench in all.Where(name => chosen.Count == 0 || chosen.Contains(name)))
{
    report.Say("");
    await (bench switch
    {
        "roles" => RoleBench.RunAsync(report, quick),
        "slack" => SlackBench.RunAsync(report, quick),
        "memory" => StoreBench.MemoryAsync(report, quick),
        _ => StoreBench.SweepAsync(report, quick),
    });
}

return 0;
