using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using DbAccess.SlackStandIn;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Demo;

/// <summary>
/// The whole product on one machine: a PostgreSQL with the sample database and an administrator that is no superuser, the stand-in for Slack,
/// and DbAccess itself. Everything is on 127.0.0.1, on free ports, in a folder that goes with it.
/// </summary>
public sealed class DemoSystem : IAsyncDisposable
{
    private readonly string _directory;
    private string _botToken = SecretLedger.Made($"xoxb-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}");
    private string _signingSecret = SecretLedger.Made(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
    private readonly Dictionary<string, string> _extra;
    private readonly Action<string>? _onLine;
    private readonly List<DbAccessProcess> _started = [];
    private TimeSpan _slackPatience;

    private DemoSystem(string directory, IReadOnlyDictionary<string, string>? extra, Action<string>? onLine)
    {
        _directory = directory;
        _extra = extra is null ? [] : new Dictionary<string, string>(extra, StringComparer.Ordinal);
        _onLine = onLine;
    }

    public PostgresServer Postgres { get; private set; } = null!;

    public TestDatabase Orders { get; private set; } = null!;

    public StandInServer Slack { get; private set; } = null!;

    public SlackUser Users { get; private set; } = null!;

    /// <summary>The web application.</summary>
    public DbAccessProcess Product { get; private set; } = null!;

    /// <summary>AWS with the functions; null where everything is in one process.</summary>
    public AwsLocal? Aws { get; private set; }

    /// <summary>The folder with the store and the credentials.</summary>
    public string Data => _directory;

    /// <summary>The access policy that DbAccess reads.</summary>
    public string PolicyPath { get; private set; } = Path.Combine(Repository.Root, "policy", "access-policy.yaml");

    /// <summary>The administrator's credentials.</summary>
    public string CredentialsPath => Path.Combine(_directory, "credentials", "orders-prod.json");

    /// <summary>The store's file.</summary>
    public string StorePath => Path.Combine(_directory, "dbaccess.db");

    /// <summary>What DbAccess printed, of all its starts.</summary>
    public IReadOnlyList<string> Output => [.. _started.SelectMany(process => process.Output), .. Aws?.Output ?? []];

    /// <summary>What no output, log, store or message may hold, but for the one message that delivers it.</summary>
    public IReadOnlyList<string> Secrets => [_botToken, _signingSecret, Postgres.AdministratorPassword, .. Aws is { } aws ? [aws.SecretKey] : Array.Empty<string>()];

    /// <param name="policy">The text of an access policy to use instead of the one in this repository.</param>
    /// <param name="aws">Grants in DynamoDB, policy and credentials in S3, steps taken by functions; all of it emulated.</param>
    /// <param name="slackPatience">How long Slack waits for an answer; null for its three seconds.</param>
    /// <param name="awsMade">What somebody else made in the emulated AWS, to be used instead of making it here.</param>
    public static async Task<DemoSystem> StartAsync(
        int? major = null, IReadOnlyDictionary<string, string>? settings = null, Action<string>? onLine = null, int slackPort = 0, string? policy = null,
        bool aws = false, AwsParts? awsMade = null, TimeSpan? slackPatience = null)
    {
        var directory = Directory.CreateTempSubdirectory("dbaccess-demo-").FullName;
        var system = new DemoSystem(directory, settings, onLine) { _slackPatience = slackPatience ?? StandInOptions.SlacksPatience };
        try
        {
            if (policy is not null)
            {
                system.PolicyPath = Path.Combine(directory, "policy.yaml");
                await File.WriteAllTextAsync(system.PolicyPath, policy);
            }

            system.Postgres = await PostgresServer.StartAsync(new PostgresServerOptions { Major = major });
            system.Orders = await system.Postgres.CreateSampleOrdersAsync();
            // The policy of the repository leads to a second one.
            if (policy is null) await system.Postgres.CreateSampleOrdersAsync("archive");
            await CredentialsFile.WriteAsync(system.Postgres, Path.Combine(directory, "credentials"), "orders-prod");
            if (aws || awsMade is not null) await system.StartAwsAsync(awsMade, slackPort);
            else await system.StartSlackAsync(slackPort);
            await system.StartProductAsync();
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts DbAccess (again) on the same store.</summary>
    public async Task StartProductAsync()
    {
        // The one before has ended by now; its handle is let go of when the system is.
        Product = await DbAccessProcess.StartAsync(Settings(), Repository.Root, _onLine);
        _started.Add(Product);
        Slack.AppUrl = Product.Url;
    }

    /// <summary>The settings that DbAccess runs with here; everything else is its own default.</summary>
    public IReadOnlyDictionary<string, string> Settings()
    {
        if (Aws is { } aws)
        {
            var web = aws.Web(Slack.BaseUrl);
            foreach (var (key, value) in _extra) web[key] = value;
            return web;
        }

        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["Operations:Urls"] = "http://127.0.0.1:0",
            ["Installation"] = "demo",
            ["Policy:Path"] = PolicyPath,
            ["Grants:Sqlite:Path"] = StorePath,
            ["Audit:Key"] = Path.Combine(_directory, "audit-key.pem"),
            ["Credentials:File:Directory"] = Path.Combine(_directory, "credentials"),
            ["Slack:ApiUrl"] = new Uri(Slack.BaseUrl, "api/").ToString(),
            ["Slack:BotToken"] = _botToken,
            ["Slack:SigningSecrets:0"] = _signingSecret,
            ["Slack:TeamId"] = "T0DBACME1",
            ["Slack:AppId"] = "A0DBACCS1",
        };
        foreach (var (key, value) in _extra) settings[key] = value;
        return settings;
    }

    private async Task StartSlackAsync(int port)
    {
        Slack = await StandIn.StartAsync(new StandInOptions { BotToken = _botToken, SigningSecret = _signingSecret, Port = port, Patience = _slackPatience });
        Users = new SlackUser(Slack.BaseUrl);
    }

    private async Task StartAwsAsync(AwsParts? made, int slackPort)
    {
        var objects = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["policy/access-policy.yaml"] = await File.ReadAllBytesAsync(PolicyPath),
            ["credentials/orders-prod.json"] = await File.ReadAllBytesAsync(CredentialsPath),
        };
        Aws = await AwsLocal.StartAsync(_directory, made, objects, async parts =>
        {
            (_botToken, _signingSecret) = (parts.BotToken, parts.SigningSecret);
            await StartSlackAsync(slackPort);
            return Slack.BaseUrl;
        }, _onLine);
    }

    public async ValueTask DisposeAsync()
    {
        // Whatever fails on the way, nothing that runs may be left behind.
        try
        {
            foreach (var product in _started) await product.DisposeAsync();
        }
        finally
        {
            try
            {
                if (Aws is not null) await Aws.DisposeAsync();
                Users?.Dispose();
                if (Slack is not null) await Slack.DisposeAsync();
            }
            finally
            {
                if (Postgres is not null) await Postgres.DisposeAsync();
                SecretLedger.WroteIn(Data, $"{Path.GetFileName(StorePath)}*");
                Directory.Delete(_directory, recursive: true);
            }
        }
    }
}

/// <summary>What the credentials message says.</summary>
public sealed record DeliveredCredential(string Host, int Port, string Database, string User, string Password)
{
    /// <summary>Reads the lines of the message as a person would.</summary>
    public static DeliveredCredential? Read(string text)
    {
        string? Line(string label)
        {
            var line = text.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith(label + ": ", StringComparison.Ordinal));
            return line?[(label.Length + 2)..].Trim('`', ' ');
        }

        return Line("Host") is { } host && int.TryParse(Line("Port"), CultureInfo.InvariantCulture, out var port) && Line("Database") is { } database && Line("User") is { } user && Line("Password") is { } password
            ? new DeliveredCredential(host, port, database, user, SecretLedger.Made(password))
            : null;
    }
}
