using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using DbAccess.Api.Slack;
using DbAccess.Api.Slack.Door;
using DbAccess.Demo;
using DbAccess.Domain;
using DbAccess.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.Benchmarks;

/// <summary>
/// Acknowledging signed commands, presses and forms: the product, which writes it into its store (on disk) before it answers, against a server that checks
/// the signature with the same code and does nothing else. Both are processes of their own; the work behind the acknowledgement goes on meanwhile.
/// </summary>
internal static class SlackBench
{
    private const int Connections = 8;
    private const int Rate = 200;

    public static async Task RunAsync(Report report, bool quick)
    {
        await using var system = await DemoSystem.StartAsync(settings: new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Limits:OpenGrantsPerPerson"] = "10000",
            ["Limits:RequestsPerPersonPerMinute"] = "100000",
        });
        var (fresh, later) = await FirstCommandsAsync(system, quick ? 3 : 10);
        var secret = system.Settings()["Slack:SigningSecrets:0"];
        await using var door = await DoorProcess.StartAsync(secret);
        using var product = new Load(system.Product.Url, secret);
        using var bare = new Load(door.Url, secret);

        var (rounds, seconds) = quick ? (1, 3) : (2, 5);
        report.Say($"Slack: {Connections} connections, {Rate} requests/s for {rounds * seconds} s each, then as fast as it goes.");
        await bare.PacedAsync(Rate, TimeSpan.FromSeconds(2));
        await product.PacedAsync(Rate, TimeSpan.FromSeconds(2));
        List<double> bareTimes = [], times = [];
        for (var round = 0; round < rounds; round++)
        {
            bareTimes.AddRange(await bare.PacedAsync(Rate, TimeSpan.FromSeconds(seconds)));
            times.AddRange(await product.PacedAsync(Rate, TimeSpan.FromSeconds(seconds)));
        }

        var limit = TimeSpan.FromSeconds(quick ? 2 : 4);
        var bareThroughput = await bare.ClosedAsync(limit);
        var throughput = await product.ClosedAsync(limit);
        report.Head();
        report.Add(Figure.Of("slack", "the first command of a process: acknowledged", [.. fresh.Select(one => one.Acknowledged)], bare: [.. later.Select(one => one.Acknowledged)], note: "beside the second"));
        report.Add(Figure.Of("slack", "the first command of a process: answered", [.. fresh.Select(one => one.Answered)], bare: [.. later.Select(one => one.Answered)], note: "beside the second"));
        report.Add(Figure.Of("slack", $"acknowledge at {Rate}/s: signature only", bareTimes));
        report.Add(Figure.Of("slack", $"acknowledge at {Rate}/s: DbAccess, on record first", times, bare: bareTimes));
        report.Add(Figure.Single("slack", $"{Connections} connections, closed loop: signature only", bareThroughput, "requests/s"));
        report.Add(Figure.Single("slack", $"{Connections} connections, closed loop: DbAccess", throughput, "requests/s", ratio: throughput / bareThroughput));
    }

    /// <summary>A process that has just said that it listens, and what its first person waits; and then the second.</summary>
    private static async Task<(List<(double Acknowledged, double Answered)> Fresh, List<(double Acknowledged, double Answered)> Later)> FirstCommandsAsync(DemoSystem system, int times)
    {
        List<(double, double)> fresh = [], later = [];
        for (var i = 0; i < times; i++)
        {
            await system.Product.StopAsync();
            await system.StartProductAsync();
            fresh.Add(await CommandAsync(system, SlackUser.Erin));
            later.Add(await CommandAsync(system, SlackUser.Sam));
        }
        return (fresh, later);
    }

    private static async Task<(double Acknowledged, double Answered)> CommandAsync(DemoSystem system, string user)
    {
        var after = (await system.Users.MessagesAsync(user)).Select(message => (string)message["ts"]!).Order(StringComparer.Ordinal).LastOrDefault() ?? "0";
        var begun = Stopwatch.GetTimestamp();
        await system.Users.CommandAsync(user, "mine");
        var acknowledged = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
        _ = await system.Users.WaitAsync(user, "You have no grants", after) ?? throw new InvalidOperationException("The first command was not answered.");
        return (acknowledged, Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
    }

    /// <summary>The other side of the comparison; started as a process by <see cref="DoorProcess"/>.</summary>
    public static async Task ServeDoorAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = SlackDoor.LargestBody;
        });
        builder.Logging.ClearProviders();
        var secret = Environment.GetEnvironmentVariable("DBACCESS_BENCH_SECRET") ?? throw new InvalidOperationException("This is started by the benchmark.");
        builder.Services.AddSingleton(new SlackSignature([new Secret(secret)], TimeProvider.System));
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<UnsignedBodies>().AddSingleton<SlackDoor>();
        await using var app = builder.Build();
        foreach (var path in (string[])["/slack/commands", "/slack/interactivity"])
        {
            app.MapPost(path, async (HttpContext http, SlackDoor door) =>
            {
                await door.AdmitAsync(http, "application/x-www-form-urlencoded");
            });
        }

        app.Urls.Add("http://127.0.0.1:0");
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        // Its input is a pipe from the benchmark: when that ends, however it ends, so does this.
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
    }

    internal sealed class DoorProcess(Process process, Uri url) : IAsyncDisposable
    {
        public Uri Url { get; } = url;

        public static async Task<DoorProcess> StartAsync(string secret)
        {
            var start = new ProcessStartInfo("dotnet", [typeof(SlackBench).Assembly.Location, "door"]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
            start.Environment["DBACCESS_BENCH_SECRET"] = secret;
            start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
            var process = Process.Start(start)!;
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
            return new DoorProcess(process, new Uri(line ?? throw new InvalidOperationException("The bare endpoint did not start.")));
        }

        public async ValueTask DisposeAsync()
        {
            process.StandardInput.Close();
            try
            {
                await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            }
            catch (TimeoutException)
            {
                process.Kill();
            }

            process.Dispose();
        }
    }

    private sealed class Load(Uri url, string secret) : IDisposable
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = Connections, UseProxy = false }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(30) };
        private readonly byte[] _key = Encoding.UTF8.GetBytes(secret);
        private int _count;

        /// <summary>
        /// Requests at their appointed times, each worker every eighth. A request that cannot leave in time because the one before is not
        /// answered yet counts from its appointed time: otherwise a slow server would be asked less often and look better than it is.
        /// </summary>
        public async Task<List<double>> PacedAsync(int perSecond, TimeSpan length)
        {
            var total = (int)(perSecond * length.TotalSeconds);
            var times = new ConcurrentBag<double>();
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Connections).Select(async worker =>
            {
                for (var i = worker; i < total; i += Connections)
                {
                    using var request = Build();
                    var appointed = TimeSpan.FromSeconds((double)i / perSecond);
                    var wait = appointed - clock.Elapsed;
                    if (wait > TimeSpan.Zero) await Task.Delay(wait);
                    // Late by our own timer is not the server's fault.
                    var from = wait > TimeSpan.Zero ? clock.Elapsed : appointed;
                    await SendAsync(request);
                    times.Add((clock.Elapsed - from).TotalMilliseconds);
                }
            }));
            return [.. times];
        }

        /// <summary>The next request as soon as the last is answered; answers requests per second.</summary>
        public async Task<double> ClosedAsync(TimeSpan length)
        {
            var clock = Stopwatch.StartNew();
            var counts = await Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
            {
                var sent = 0;
                for (; clock.Elapsed < length; sent++)
                {
                    using var request = Build();
                    await SendAsync(request);
                }

                return sent;
            }));
            return counts.Sum() / clock.Elapsed.TotalSeconds;
        }

        public void Dispose() => _http.Dispose();

        /// <summary>Commands, presses and forms, one after the other.</summary>
        private HttpRequestMessage Build()
        {
            var number = Interlocked.Increment(ref _count);
            return (number % 3) switch
            {
                0 => Signed.Request("slack/commands",
                    $"token=x&team_id=T0DBACME1&team_domain=acme&channel_id=D0BENCH01&channel_name=directmessage&user_id={SlackUser.Erin}&user_name=erin"
                    + $"&command=%2Fdb-access&text=mine&api_app_id=A0DBACCS1&is_enterprise_install=false&trigger_id={url.Port}.{number}.{Guid.NewGuid():N}", _key),
                1 => Signed.Press(SlackUser.Dana, "approve_grant", "K7Q3-MD", _key),
                _ => Signed.Form(SlackUser.Dana, "deny_grant", "K7Q3-MD\n", "reason", "not tonight", _key),
            };
        }

        private async Task SendAsync(HttpRequestMessage request)
        {
            using var response = await _http.SendAsync(request);
            var said = await response.Content.ReadAsStringAsync();
            if (response.StatusCode is not HttpStatusCode.OK || said.Length > 0) throw new InvalidOperationException($"A request was answered with {(int)response.StatusCode}: {said}");
        }
    }
}
