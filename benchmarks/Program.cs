using System.Globalization;
using DbAccess.Benchmarks;

const string help = """
    Measures DbAccess against the bare thing it rests on, in one run on one machine. Prints figures, and of roles also whether each bar is held.

      roles      making and removing roles on a real PostgreSQL that waits for its disk: the bare SQL, DbAccess, and what people otherwise have
      cycles     make, log in, read, remove, some thousand times; then the catalogs, sessions and memory have to be as before, or it exits 1
      slack      acknowledging signed commands, presses and forms: against an endpoint that only checks the signature
      search     each letter typed into a search of the request form: 10,000 tables, 3,000 databases
      decide     from the press that decides to the credentials in the holder's direct message
      memory     resident memory of a serving process, at rest and with 1,000 live grants
      sweep      a sweep with nothing due, at 100 and at 100,000 live grants
      store      an event of the sweep's function with nothing and with 100 due, in SQLite at up to 1,000,000 grants and in DynamoDB
                 (emulated) at up to 100,000; requests, read and write units; what a month costs in AWS
      audit      verifying an export of the evidence log: events a second, memory
      log        the evidence log in SQLite, large: upgrade of 100,000 events, the look at 300,000, audit verify of the store
      (none)     all of them but cycles and log

      --part NAME      of roles only this part, may be given several times: tables, live, connections, due
      --cycles N       how many cycles (3000)
      --events N       how many events of audit (1000000) and of log (300000)
      --postgres MAJOR the version to measure on, 14 to 18; otherwise the first that is found
      --quick          fewer and shorter: to see that it works
      --json           one JSON object per line on standard output
      --help
    """;

string[] all = ["roles", "slack", "search", "decide", "memory", "sweep", "store", "audit"];
List<string> chosen = [], parts = [];
bool quick = false, json = false;
int? major = null, cycles = null, events = null;
if (args is ["door"])
{
    await SlackBench.ServeDoorAsync();
    return 0;
}

for (var i = 0; i < args.Length; i++)
{
    var value = i + 1 < args.Length ? args[i + 1] : "";
    switch (args[i])
    {
        case "--help" or "-h":
            Console.WriteLine(help);
            return 0;
        case "--quick":
            quick = true;
            break;
        case "--json":
            json = true;
            break;
        case "--part" when RoleBench.Parts.Contains(value):
            parts.Add(value);
            i++;
            break;
        case "--cycles" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0:
            cycles = number;
            i++;
            break;
        case "--events" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0:
            events = number;
            i++;
            break;
        case "--postgres" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version is >= 14 and <= 18:
            major = version;
            i++;
            break;
        case var word when all.Contains(word) || word is "cycles" or "log":
            chosen.Add(word);
            break;
        default:
            Console.Error.WriteLine($"I do not know '{string.Join(' ', args.Skip(i).Take(2))}' here.\n\n{help}");
            return 2;
    }
}

var report = new Report(json);
report.Say($"{Environment.ProcessorCount} processors, .NET {Environment.Version}, {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC");
var asBefore = true;
foreach (var bench in chosen.Count == 0 ? all : [.. chosen.Distinct()])
{
    report.Say("");
    switch (bench)
    {
        case "roles":
            await RoleBench.RunAsync(report, quick, major, parts);
            break;
        case "cycles":
            asBefore &= await RoleCycles.RunAsync(report, cycles ?? (quick ? 200 : 3000), major);
            break;
        case "slack":
            await SlackBench.RunAsync(report, quick);
            break;
        case "search":
            await SearchBench.RunAsync(report, quick);
            break;
        case "decide":
            await DecideBench.RunAsync(report, quick);
            break;
        case "store":
            await SweepBench.RunAsync(report, quick);
            break;
        case "audit":
            await AuditBench.RunAsync(report, events, quick);
            break;
        case "log":
            await LogBench.RunAsync(report, events, quick);
            break;
        case "memory":
            await StoreBench.MemoryAsync(report, quick);
            break;
        default:
            await StoreBench.SweepAsync(report, quick);
            break;
    }
}

report.Bars();
return asBefore ? 0 : 1;
