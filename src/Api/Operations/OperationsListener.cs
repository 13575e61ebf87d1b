using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenTelemetry.Metrics;

namespace DbAccess.Api.Operations;

/// <summary>A small web server of its own for health and metrics, beside the public one: it answers while that one is flooded.</summary>
internal static class OperationsListener
{
    /// <param name="product">Whose health it is.</param>
    public static WebApplication Build(IServiceProvider product, string urls)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(urls).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 100;
        });
        // Asked of the product's own services: the checks are registered there.
        builder.Services.AddSingleton(product.GetRequiredService<HealthCheckService>());
        // It stops when the product does, and not on signals of its own.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var app = builder.Build();
        app.MapHealth();
        var gauges = product.GetRequiredService<GrantGauges>();
        var log = product.GetRequiredService<ILogger<GrantGauges>>();
        app.UseOpenTelemetryPrometheusScrapingEndpoint(product.GetRequiredService<MeterProvider>(), null, "/metrics",
            branch => branch.Use((http, next) => FreshAsync(gauges, log, http, next)), null);
        return app;
    }

    /// <summary>What was true a while ago is not passed off as what is true now.</summary>
    private static async Task FreshAsync(GrantGauges gauges, ILogger log, HttpContext http, RequestDelegate next)
    {
        try
        {
            await gauges.ReadAsync(http.RequestAborted);
        }
        catch (Exception failure) when (!http.RequestAborted.IsCancellationRequested)
        {
            log.LogWarning(failure, "The gauges could not be read: there are no metrics to scrape");
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        await next(http);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
