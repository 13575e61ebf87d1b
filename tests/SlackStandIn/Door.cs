using System.Net;

namespace DbAccess.SlackStandIn;

/// <summary>Lets in this machine only, and of its browsers only our own page: other sites may know the port, too.</summary>
internal static class Door
{
    public static Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        var connection = context.Connection;
        var host = context.Request.Host;
        var isOurs = connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
            && host.Host is "127.0.0.1" or "localhost"
            && host.Port == connection.LocalPort;
        var origin = context.Request.Headers.Origin.ToString();
        var isOwnPage = origin.Length == 0 || origin == $"http://127.0.0.1:{connection.LocalPort}" || origin == $"http://localhost:{connection.LocalPort}";
        if (isOurs && isOwnPage) return next(context);
        context.Response.StatusCode = 403;
        return Task.CompletedTask;
    }
}
