using DbAccess.Api.Slack.Endpoints;
using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbAccess.Api.Operations;
using DbAccess.Api.Slack;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Api.Tests.Slack;

/// <summary>An inbox whose answers a test can hold up: it waits and hears a cancellation, or blocks its caller and hears nothing.</summary>
internal sealed class SlowInbox(InMemoryInbox inbox) : IInbox, IDisposable
{
    private readonly ManualResetEventSlim _blocked = new(initialState: true);

    public bool Hangs { get; set; }

    public bool Deaf { get; set; }

    /// <summary>How many writes were begun.</summary>
    public int Begun { get; private set; }

    public Exception? ListFailure { get; set; }

    public int FinishFailures { get; set; }

    public int Purges { get; private set; }

    public void Block() => _blocked.Reset();

    public void Unblock() => _blocked.Set();

    public async Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken)
    {
        Begun++;
        if (Hangs) await Task.Delay(Timeout.Infinite, cancellationToken);
        _blocked.Wait(TimeSpan.FromSeconds(30), CancellationToken.None);
        return await inbox.TryAddAsync(item, alias, Deaf ? CancellationToken.None : cancellationToken);
    }

    public int CountUnreadable() => inbox.CountUnreadable();

    public Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (ListFailure is not { } failure) return inbox.ListWaitingAsync(now, cancellationToken);
        ListFailure = null;
        throw failure;
    }

    public Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) => inbox.TryHoldAsync(key, now, until, cancellationToken);

    public Task FinishAsync(string key, CancellationToken cancellationToken) =>
        FinishFailures-- > 0 ? throw new IOException("The disk is full.") : inbox.FinishAsync(key, cancellationToken);

    public Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        Purges++;
        return inbox.PurgeAsync(before, cancellationToken);
    }

    public void Dispose() => _blocked.Dispose();
}

/// <summary>A directory that a test can make slow.</summary>
internal sealed class SlowDirectory(FakeDirectory directory) : IDirectory
{
    public bool Hangs { get; set; }

    public int Asked { get; private set; }

    public async Task<Result<Person>> FindAsync(PrincipalId id, CancellationToken cancellationToken)
    {
        Asked++;
        if (Hangs) await Task.Delay(Timeout.Infinite, cancellationToken);
        return await directory.FindAsync(id, cancellationToken);
    }

    public Task<Result<IReadOnlySet<string>>> ListMembersAsync(string usergroup, CancellationToken cancellationToken) => directory.ListMembersAsync(usergroup, cancellationToken);

    public void Forget(PrincipalId id) => directory.Forget(id);
}

internal sealed class FixedPolicy(AccessPolicy policy) : IPolicySource
{
    public AccessPolicy Current => policy;
}

internal sealed class RecordingDispatcher : IGrantDispatcher
{
    private readonly ConcurrentQueue<GrantId> _dispatched = new();

    public IReadOnlyList<GrantId> Dispatched => [.. _dispatched];

    public void Dispatch(GrantId id) => _dispatched.Enqueue(id);
}

/// <summary>The real endpoints on a real Kestrel, with ports in memory and a clock that stands at the reference cases' time.</summary>
internal sealed class SlackHouse : IAsyncDisposable
{
    public const string SigningSecret = "dbaccess-test-signing-secret-0001";
    public const long Now = 1767225600;

    private readonly WebApplication _app;

    private SlackHouse(WebApplication app, HttpClient client) => (_app, Client) = (app, client);

    public HttpClient Client { get; }

    public required FakeTimeProvider Clock { get; init; }

    public required InMemoryInbox Inbox { get; init; }

    public required SlowInbox Slow { get; init; }

    public required InMemoryGrantStore Store { get; init; }

    public required FakeChat Chat { get; init; }

    public FakeForms Forms { get; private init; } = new();

    public FakeCards Cards { get; private init; } = new();

    public FakeHome Home { get; private init; } = new();

    public required FakeDirectory People { get; init; }

    public required SlowDirectory Directory { get; init; }

    public required CapturedLog Log { get; init; }

    public required InMemoryEvidenceLog Audit { get; init; }

    public required RecordingDispatcher Dispatcher { get; init; }

    public required FakeRoleInventory Inventory { get; init; }

    public required FakeRoleAdministrator Roles { get; init; }

    public static PrincipalId Erin { get; } = Some.Person("U0ENGINE1");

    public static async Task<SlackHouse> OpenAsync(InMemoryInbox? inbox = null, Action<SlowInbox, FakeChat>? before = null, FakeTimeProvider? clock = null, int openGrants = 1_000, string? nowChannel = null,
        Func<AccessPolicy, AccessPolicy>? policy = null)
    {
        inbox ??= new InMemoryInbox();
        clock ??= new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(Now));
        var (slow, store, chat, people, log, audit, dispatcher) = (new SlowInbox(inbox), new InMemoryGrantStore(), new FakeChat(), new FakeDirectory(), new CapturedLog(), new InMemoryEvidenceLog(), new RecordingDispatcher());
        var (forms, cards, home) = (new FakeForms(), new FakeCards(), new FakeHome());
        var (directory, inventory, roles) = (new SlowDirectory(people), new FakeRoleInventory(), new FakeRoleAdministrator(clock));
        before?.Invoke(slow, chat);

        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(SlackWayIn.Narrow);
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace).AddProvider(log);
        builder.Services
            .AddSingleton<TimeProvider>(clock).AddApplication(new Installation(Some.Installation), new GrantLimits(openGrants))
            .AddSingleton<IInbox>(slow).AddSingleton<IGrantStore>(store).AddFakeSlack(chat, forms, cards, home).AddSingleton<IDirectory>(directory)
            .AddSingleton<ISeal>(new FakeSeal()).AddFakeEvidence(audit).AddSingleton(new NowTerms(nowChannel))
            .AddSingleton(new ExportTerms(null, TimeSpan.FromDays(400))).AddSingleton<IGrantDispatcher>(dispatcher)
            .AddSingleton<IRoleInventory>(inventory).AddSingleton<IRoleAdministrator>(roles)
            .AddSingleton<IPolicySource>(new FixedPolicy(policy is null ? Policy() : policy(Policy()))).AddSingleton<IPolicyHealth>(new FakePolicyHealth())
            .AddSlackWayIn([new Secret(SigningSecret)], new SlackTenant("T0DBACME1", "A0DBACCS1"), hosted: true, requestsPerMinute: 100);
        var app = builder.Build();
        app.UseMiddleware<RequestLog>();
        app.MapSlack();
        await app.StartAsync();
        var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = TimeSpan.FromSeconds(60) };
        return new SlackHouse(app, client)
        {
            Clock = clock, Inbox = inbox, Slow = slow, Store = store, Chat = chat, Forms = forms, Cards = cards, Home = home, People = people, Directory = directory, Log = log, Audit = audit, Dispatcher = dispatcher, Inventory = inventory, Roles = roles,
        };
    }

    public static string Sign(byte[] body, string timestamp, string secret = SigningSecret)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"v0:{timestamp}:"), .. body];
        return "v0=" + Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed));
    }

    public static HttpRequestMessage Request(string path, byte[] body, string mediaType, long at = Now, string? signature = null)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("X-Slack-Request-Timestamp", at.ToString());
        request.Headers.Add("X-Slack-Signature", signature ?? Sign(body, at.ToString()));
        return request;
    }

    public Task<HttpResponseMessage> FormAsync(string path, string body) => Client.SendAsync(Request(path, Encoding.UTF8.GetBytes(body), "application/x-www-form-urlencoded"));

    public Task<HttpResponseMessage> CommandAsync(string text, string trigger = "9001.1001.aaaa0001", string user = "U0ENGINE1") => FormAsync("/slack/commands", Command(text, trigger, user));

    public Task<HttpResponseMessage> PayloadAsync(string json) => FormAsync("/slack/interactivity", "payload=" + Uri.EscapeDataString(json));

    public Task<HttpResponseMessage> EventAsync(string json, string mediaType = "application/json") => Client.SendAsync(Request("/slack/events", Encoding.UTF8.GetBytes(json), mediaType));

    public static string Command(string text, string trigger = "9001.1001.aaaa0001", string user = "U0ENGINE1", string team = "T0DBACME1", string app = "A0DBACCS1") =>
        $"token=legacyTokenIgnored&team_id={team}&team_domain=acme&channel_id=C0GENERAL&channel_name=general&user_id={user}&user_name=erin&command=%2Fdb-access&text={Uri.EscapeDataString(text)}&api_app_id={app}&is_enterprise_install=false&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT0DBACME1%2F9001%2FMARKERresponse&trigger_id={trigger}";

    /// <summary>Waits for work behind the acknowledgement; the clock goes on meanwhile, so that waits between tries end.</summary>
    public async Task UntilAsync(Func<bool> done, string what, bool advance = false)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (done()) return;
            if (advance) Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(10);
        }

        Assert.Fail($"It did not happen: {what}. Log: {string.Join('\n', Log.Lines.TakeLast(20))}");
    }

    public Task IdleAsync() => UntilAsync(() => Inbox.Stored.All(row => row.Finished), "the inbox is worked off");

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Slow.Unblock();
        Client.Dispose();
        await _app.DisposeAsync();
        Slow.Dispose();
    }

    public static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static AccessPolicy Policy()
    {
        var (orders, read, migrate) = (DatabaseName.Parse("orders")!, ScopeName.Parse("read")!, ScopeName.Parse("migrate")!);
        return new AccessPolicy(
            "hash",
            new Dictionary<DatabaseName, PolicyDatabase> { [orders] = new(Some.Target(), new Dictionary<string, string>(), [read, migrate]) },
            new Dictionary<ScopeName, PrivilegeScope> { [read] = Some.ReadScope(), [migrate] = Some.ReadScope() with { Name = migrate } },
            new Dictionary<string, PolicyGroup> { ["admins"] = new("admins", new HashSet<string> { "U0ADMIN01" }, null) },
            [],
            [new AccessRule("everyone-read", new RuleSubject(["everyone"], ["*"], ["read"]), new Lifetime(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 0, TimeSpan.Zero), new Requirements(5, null), null)]) { Admins = ["admins"] };
    }
}
