using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.Tests.Slack;

/// <summary>A Slack that answers what a test told it to, in order, and otherwise that all is well.</summary>
internal sealed class ScriptedSlack : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Func<HttpContext, Task>>> _script = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Call> _calls = new();
    private readonly WebApplication _app;

    private ScriptedSlack(WebApplication app) => _app = app;

    public sealed record Call(string Method, JsonObject Arguments, string? Authorization, string? ContentType);

    public Uri Address { get; private set; } = null!;

    public Uri Api => new(Address, "api/");

    public IReadOnlyList<Call> Calls => [.. _calls];

    public IReadOnlyList<Call> CallsOf(string method) => [.. _calls.Where(call => call.Method == method)];

    public static async Task<ScriptedSlack> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        var slack = new ScriptedSlack(app);
        app.Run(slack.HandleAsync);
        await app.StartAsync();
        slack.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/");
        return slack;
    }

    /// <summary>The next answer to a method, once each.</summary>
    public ScriptedSlack Says(string method, string body, int status = 200, string type = "application/json; charset=utf-8", string? retryAfter = null, Uri? location = null)
    {
        Next(method, async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            context.Response.Headers["x-slack-req-id"] = "req-4711";
            if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
            if (location is not null) context.Response.Headers.Location = location.AbsoluteUri;
            await context.Response.WriteAsync(body);
        });
        return this;
    }

    public ScriptedSlack Refuses(string method, string code) => Says(method, $$"""{"ok":false,"error":"{{code}}"}""");

    /// <summary>Takes the request and cuts the connection.</summary>
    public ScriptedSlack Cuts(string method)
    {
        Next(method, context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        return this;
    }

    /// <summary>Cuts the connection in the middle of a good answer.</summary>
    public ScriptedSlack CutsAnswer(string method)
    {
        Next(method, async context =>
        {
            context.Response.ContentLength = 500;
            await context.Response.WriteAsync("""{"ok":true,"channel":"D0ENG""");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        return this;
    }

    /// <summary>An answer that calls itself compressed and is not.</summary>
    public ScriptedSlack Garbles(string method)
    {
        Next(method, context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return context.Response.WriteAsync("this is not gzip, however long one looks at it");
        });
        return this;
    }

    /// <summary>Never answers.</summary>
    public ScriptedSlack Hangs(string method)
    {
        Next(method, context => Task.Delay(TimeSpan.FromSeconds(60), context.RequestAborted));
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }

    private void Next(string method, Func<HttpContext, Task> answer) => _script.GetOrAdd(method, _ => new()).Enqueue(answer);

    private async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var method = path.StartsWith("/api/", StringComparison.Ordinal) ? path[5..] : path;
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        var json = context.Request.ContentType?.StartsWith("application/json", StringComparison.Ordinal) == true;
        var arguments = json ? JsonNode.Parse(body)!.AsObject()
            : new JsonObject(QueryHelpers.ParseQuery(body).Select(field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value.ToString())));
        _calls.Enqueue(new Call(method, arguments, context.Request.Headers.Authorization, context.Request.ContentType));

        if (_script.TryGetValue(method, out var answers) && answers.TryDequeue(out var answer))
        {
            await answer(context);
            return;
        }

        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(Good(method, arguments));
    }

    private static string Good(string method, JsonObject arguments) => method switch
    {
        "conversations.open" => $$$"""{"ok":true,"channel":{"id":"D0ENGDM01","is_im":true,"user":"{{{arguments["users"]}}}"}}""",
        "chat.postMessage" => """{"ok":true,"channel":"D0ENGDM01","ts":"1767225601.000200","message":{"text":"x"}}""",
        "users.info" => User($$"""{"id":"{{arguments["user"]}}","team_id":"T0DBACME1","name":"erin","deleted":false,"is_bot":false,"is_restricted":false}"""),
        "auth.test" => """{"ok":true,"team_id":"T0DBACME1","user_id":"U0DBBOT01","is_enterprise_install":false}""",
        "usergroups.users.list" => """{"ok":true,"users":["U0APPROV1","U0APPROV2"]}""",
        _ => """{"ok":true}""",
    };

    public static string User(string user) => $$"""{"ok":true,"user":{{user}}}""";
}

/// <summary>All the text in blocks or a view, in reading order: what a simple reader of messages sees.</summary>
internal static class BlockReader
{
    public static string Read(JsonNode? node)
    {
        var text = new StringBuilder();
        Collect(node, text);
        return text.ToString();
    }

    private static void Collect(JsonNode? node, StringBuilder text)
    {
        switch (node)
        {
            case JsonObject { } json:
                if (json["text"] is JsonValue value && value.GetValueKind() == JsonValueKind.String) text.Append(value.GetValue<string>());
                foreach (var (_, child) in json) Collect(child, text);
                if (json["type"]?.GetValueKind() == JsonValueKind.String && json["type"]!.GetValue<string>() is "section" or "rich_text_section" or "plain_text" or "mrkdwn") text.Append('\n');
                break;
            case JsonArray array:
                foreach (var child in array) Collect(child, text);
                break;
            default:
                break;
        }
    }
}
