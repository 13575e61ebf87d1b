using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.SlackStandIn.Tests;

/// <summary>One delivery as the app received it.</summary>
internal sealed record Received(string Path, byte[] Body, IHeaderDictionary Headers)
{
    public string this[string field] => QueryHelpers.ParseQuery(Encoding.UTF8.GetString(Body))[field].ToString();

    public JsonObject Payload => JsonNode.Parse(this["payload"])!.AsObject();

    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();

    public bool IsSigned
    {
        get
        {
            byte[] signed = [.. Encoding.UTF8.GetBytes($"v0:{Headers["X-Slack-Request-Timestamp"]}:"), .. Body];
            var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Stage.SigningSecret), signed);
            return Headers["X-Slack-Signature"].ToString() == "v0=" + Convert.ToHexStringLower(mac);
        }
    }
}

/// <summary>A stand-in with a stopped clock and an app that answers as it is told.</summary>
internal sealed class Stage : IAsyncDisposable
{
    public const string SigningSecret = "signing-secret-of-these-tests";
    public const string Token = "xoxb-of-these-tests";
    private readonly WebApplication _app;
    private readonly StandInServer _server;

    private Stage(WebApplication app, StandInServer server, FakeTimeProvider clock)
    {
        _app = app;
        _server = server;
        Clock = clock;
        Http = new HttpClient { BaseAddress = server.BaseUrl };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    public FakeTimeProvider Clock { get; }
    public HttpClient Http { get; }
    public Uri BaseUrl => _server.BaseUrl;
    public ConcurrentQueue<Received> Deliveries { get; } = new();
    public Func<Received, HttpContext, Task> Answer { get; set; } = (_, _) => Task.CompletedTask;

    public static async Task<Stage> SetAsync()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1767225600));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        Stage? stage = null;
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            // The server reuses its own dictionary for the next request.
            var headers = new HeaderDictionary(context.Request.Headers.ToDictionary(header => header.Key, header => header.Value, StringComparer.OrdinalIgnoreCase));
            var received = new Received(context.Request.Path, body.ToArray(), headers);
            stage!.Deliveries.Enqueue(received);
            await stage.Answer(received, context);
        });
        await app.StartAsync();
        var server = await StandIn.StartAsync(new StandInOptions { SigningSecret = SigningSecret, BotToken = Token, Clock = clock });
        server.AppUrl = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        stage = new Stage(app, server, clock);
        await stage.ControlAsync("settings", """{"echoOwnMessages":false}""");
        return stage;
    }

    public Task<JsonObject> ApiAsync(string method, JsonNode arguments) => ApiAsync(method, arguments.ToJsonString());

    public async Task<JsonObject> ApiAsync(string method, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Http.PostAsync(new Uri("api/" + method, UriKind.Relative), content);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
    }

    public async Task<JsonObject> FormAsync(string method, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var response = await Http.PostAsync(new Uri("api/" + method, UriKind.Relative), content);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
    }

    public async Task<JsonObject> ControlAsync(string act, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Http.PostAsync(new Uri("control/" + act, UriKind.Relative), content);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
    }

    public async Task<JsonArray> SeenByAsync(string user) =>
        JsonNode.Parse(await Http.GetStringAsync(new Uri($"control/messages?user={user}", UriKind.Relative)))!.AsArray();

    public async Task<JsonArray> ViewsOfAsync(string user) =>
        JsonNode.Parse(await Http.GetStringAsync(new Uri($"control/views?user={user}", UriKind.Relative)))!.AsArray();

    /// <summary>A command by Erin in #general; what the app received.</summary>
    public async Task<Received> CommandAsync(string text = "")
    {
        await ControlAsync("command", new JsonObject { ["user"] = "U0ENGINE1", ["channel"] = "C0GENERAL", ["text"] = text }.ToJsonString());
        return Deliveries.Last();
    }

    public async Task<(HttpStatusCode Status, string Body)> RespondAsync(string url, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Http.PostAsync(new Uri(url), content);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _server.DisposeAsync();
        await _app.DisposeAsync();
    }
}
