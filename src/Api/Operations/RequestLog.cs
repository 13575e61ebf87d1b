namespace DbAccess.Api.Operations;

/// <summary>
/// One line per request: method, path, status and time. Never a header, a query or a body. Probes and scrapes are left out.
/// </summary>
internal sealed class RequestLog(RequestDelegate next, TimeProvider clock, ILogger<RequestLog> log)
{
    public async Task InvokeAsync(HttpContext http)
    {
        var started = clock.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            if (http.Request.Path.StartsWithSegments("/slack", StringComparison.Ordinal))
                log.LogInformation("{Method} {Path} answered {Status} in {Milliseconds:0.0} ms", http.Request.Method,
                    http.Request.Path.Value, http.Response.StatusCode, clock.GetElapsedTime(started).TotalMilliseconds);
        }
    }
}
