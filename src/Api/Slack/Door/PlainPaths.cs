using Microsoft.AspNetCore.Http.Features;

namespace DbAccess.Api.Slack.Door;

/// <summary>
/// A path that steps back, or writes its dots as escapes, is not found: the server would fold it into another one, behind the back of a
/// prefix rule of whatever stands before it.
/// </summary>
internal sealed class PlainPaths(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext http)
    {
        var target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        if (!Steps(target.Split('?', 2)[0])) return next(http);

        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static bool Steps(string path) => path
        .Replace("%2e", ".", StringComparison.OrdinalIgnoreCase).Replace("%2f", "/", StringComparison.OrdinalIgnoreCase)
        .Replace("%5c", "/", StringComparison.OrdinalIgnoreCase).Replace('\\', '/')
        .Split('/').Any(segment => segment is "." or "..");
}
