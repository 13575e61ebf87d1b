using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace DbAccess.SlackStandIn;

/// <summary>How to start a stand-in. Not a record: printing it must not print the secrets.</summary>
public sealed class StandInOptions
{
    /// <summary>0 picks a free one.</summary>
    public int Port { get; init; }

    /// <summary>The app under test; may be given later (<see cref="StandInServer.AppUrl"/>).</summary>
    public Uri? AppUrl { get; init; }

    public required string SigningSecret { get; init; }

    /// <summary>The only token the Web API takes.</summary>
    public required string BotToken { get; init; }

    /// <summary>The workspace, as JSON; the embedded one if absent.</summary>
    public string? SeedJson { get; init; }

    /// <summary>Time stamps, signatures and the life of trigger ids and response addresses follow it; waiting for the app does not.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What Slack gives an app.</summary>
    public static readonly TimeSpan SlacksPatience = TimeSpan.FromSeconds(3);

    /// <summary>How long the app has for an answer, and for what it begins with a trigger id. More than Slack gives where a busy machine is not the subject.</summary>
    public TimeSpan Patience { get; init; } = SlacksPatience;
}

/// <summary>Slack for tests and for trying the product without a workspace: loopback only.</summary>
public static class StandIn
{
    /// <summary>Throws <see cref="FormatException"/> for a bad seed and <see cref="IOException"/> when the port is taken.</summary>
    public static async Task<StandInServer> StartAsync(StandInOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.AppUrl is { IsLoopback: false }) throw new ArgumentException("The app has to be on this machine.", nameof(options));
        var workspace = new Workspace(options.SeedJson is { } json ? Seed.Parse(json) : Seed.Default, options);
        var shapes = new SlackShapes(workspace);
        var delivery = new Delivery(workspace, options);
        var responseUrls = new ResponseUrls(workspace);
        var faults = new Faults();
        Uri? own = null;
        var interactions = new Interactions(workspace, shapes, delivery, responseUrls, () => own!);
        var api = new WebApi(workspace, shapes, interactions, faults) { Token = options.BotToken };
        var control = new Control(workspace, shapes, interactions, delivery, faults, api);

        // No configuration from files or the environment, and no logs: addresses here are secrets (response_url).
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        app.Use(Door.GuardAsync);
        app.UseRouting();
        Page.Map(app);
        app.MapMethods("/api/{method}", ["GET", "POST"], (HttpContext context, string method) => api.HandleAsync(context, method));
        app.MapMethods("/control/{act}", ["GET", "POST"], (HttpContext context, string act) => control.HandleAsync(context, act));
        foreach (var kind in new[] { "commands", "actions" })
        {
            app.MapPost($"/{kind}/{{team}}/{{number}}/{{token}}", (RequestDelegate)(context => ResponseUrlAsync(context, responseUrls, faults, workspace)));
        }
        await app.StartAsync();

        own = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return new StandInServer(app, delivery, own) { AppUrl = options.AppUrl };
    }

    private static async Task ResponseUrlAsync(HttpContext context, ResponseUrls responseUrls, Faults faults, Workspace workspace)
    {
        var fault = faults.Next("response_url");
        if (fault is not null)
        {
            if (fault.Delay > TimeSpan.Zero) await Task.Delay(fault.Delay, TimeProvider.System, context.RequestAborted);
            if (fault.Kind is "ratelimited" or "http500" or "error")
            {
                context.Response.StatusCode = fault.Kind == "ratelimited" ? 429 : 500;
                if (fault.RetryAfter is not null) context.Response.Headers.RetryAfter = fault.RetryAfter;
                workspace.Log("response_url", ok: false, fault.Kind);
                return;
            }
            if (fault.Kind == "reset")
            {
                workspace.Log("response_url", ok: false, "reset");
                context.Abort();
                return;
            }
        }
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var (status, answer) = responseUrls.Use(context.Request.Path, body);
        workspace.Log("response_url", status == 200, status == 200 ? null : answer);
        if (fault?.Kind == "lost")
        {
            context.Abort();
            return;
        }
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(answer, context.RequestAborted);
    }
}

/// <summary>A running stand-in.</summary>
public sealed class StandInServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Delivery _delivery;

    internal StandInServer(WebApplication app, Delivery delivery, Uri baseUrl)
    {
        _app = app;
        _delivery = delivery;
        BaseUrl = baseUrl;
    }

    /// <summary>The page; the Web API is below it at <c>api/</c>, the control API at <c>control/</c>.</summary>
    public Uri BaseUrl { get; }

    /// <summary>Where the app under test listens; it may start after the stand-in. Null: nothing is delivered.</summary>
    public Uri? AppUrl
    {
        get => _delivery.App;
        set => _delivery.App = value is null || value.IsLoopback ? value : throw new ArgumentException("The app has to be on this machine.", nameof(value));
    }

    /// <summary>Waits until the process is asked to stop.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => _app.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        // Pages hold a request open for news; they are not waited for.
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
        _delivery.Dispose();
    }
}
