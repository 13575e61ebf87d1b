using System.Globalization;
using System.Runtime.InteropServices;
using DbAccess.Demo;
using DbAccess.TestKit.Aws;

const string help = """
    Starts DbAccess with everything around it on this machine: a PostgreSQL with a sample database, a stand-in for Slack, and DbAccess itself.

      (no arguments)     runs until Ctrl-C; prints the address of the page where you play Slack, and what to type
      --attack [WORDS]   attacks it as a stranger, a holder, a writer of the store and a leaver would (those with WORDS in their
                         name), says of each what came of it, and exits 1 if any got through
      --smoke            plays the story unattended and exits 0 or 1
      --aws-local        grants in DynamoDB, policy and credentials in S3, roles made and removed by the functions create-db-user and
                         expire-db-users, all of it emulated on this machine; needs moto_server
      --aws-made FILE    with what FILE says was made on the emulator at AWS_ENDPOINT_URL (scripts/test-terraform writes it)
      --seconds N        how long the smoke test's access lasts (5 to 60; 12)
      --postgres N       the major version of PostgreSQL (14 to 18; whichever is there)
      --logs             shows DbAccess's log
      --help
    """;

var (smoke, logs, aws, seconds, major, made) = (false, false, false, 12, (int?)null, (AwsParts?)null);
var (attack, only) = (false, (string?)null);
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--help" or "-h":
            Console.WriteLine(help);
            return 0;
        case "--smoke":
            smoke = true;
            break;
        case "--attack":
            attack = true;
            if (i + 1 < args.Length && !args[i + 1].StartsWith('-')) only = args[++i];
            break;
        case "--logs":
            logs = true;
            break;
        case "--seconds" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var length) && length is >= 5 and <= 60:
            seconds = length;
            i++;
            break;
        case "--postgres" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out var version) && version is >= 14 and <= 18:
            major = version;
            i++;
            break;
        case "--aws-local":
            aws = true;
            break;
        case "--aws-made" when i + 1 < args.Length && File.Exists(args[i + 1]):
            made = AwsParts.Read(args[++i]);
            break;
        default:
            Console.Error.WriteLine($"I do not know '{args[i]}' here.\n\n{help}");
            return 2;
    }
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

if (aws && made is null && !MotoServer.IsThere)
{
    Console.Error.WriteLine($"{MotoServer.NotFound}: --aws-local emulates AWS with it. Install it (pip install 'moto[server]') so that it is in PATH.");
    return 1;
}

Console.WriteLine($"Starting PostgreSQL, the stand-in for Slack, {(aws || made is not null ? "DynamoDB and S3 (moto), two functions, " : "")}and DbAccess …");
await using var system = await DemoSystem.StartAsync(
    major, settings: attack ? Attacks.Settings : null, policy: attack ? Attacks.Policy : null, slackPatience: attack ? TimeSpan.FromSeconds(30) : null, onLine: logs ? line => Console.WriteLine($"  | {line}") : null, aws: aws, awsMade: made);
Console.WriteLine($"PostgreSQL {system.Postgres.Major} with the databases 'orders' and 'archive' is on 127.0.0.1:{system.Postgres.Port}; DbAccess is on {system.Product.Url}");
if (attack) return await Attacks.PlayAsync(system, Console.Out, only, stop.Token) == 0 ? 0 : 1;
if (smoke) return await Smoke.PlayAsync(system, Console.Out, TimeSpan.FromSeconds(seconds)) ? 0 : 1;

Console.WriteLine($"""

    Open {system.Slack.BaseUrl}
    You are Erin, an engineer on call. Type into the box at the bottom:

        /db-access orders read 2m because INC-4711 stuck orders

    The credentials come by direct message from DbAccess; log in with a line of its Connect… window. After two minutes
    your session is cut and the role is gone. '/db-access' alone opens a form; '/db-access help' shows the rest. Some more to try:

        /db-access orders read 2m only public.orders because INC-4711 one table will do
        /db-access shop read 2m because INC-4711 two databases with one login
        /db-access orders migrate 5m because INC-4711 the migration failed     (as Dana, a DBA: acts as the owner)

    Ctrl-C stops everything and removes it.
    """);
try
{
    await Task.Delay(Timeout.Infinite, stop.Token);
}
catch (OperationCanceledException)
{
    Console.WriteLine("Stopping …");
}

return 0;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
