namespace DbAccess.SlackStandIn;

/// <summary>The page on which a person plays Slack: three files in the program, nothing from elsewhere.</summary>
internal static class Page
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

    public static void Map(IEndpointRouteBuilder app)
    {
        Serve(app, "/", "index.html", "text/html; charset=utf-8");
        Serve(app, "/page.css", "page.css", "text/css; charset=utf-8");
        Serve(app, "/page.js", "page.js", "text/javascript; charset=utf-8");
    }

    private static void Serve(IEndpointRouteBuilder app, string path, string name, string type)
    {
        var content = Resources.Text(name);
        app.MapGet(path, context =>
        {
            context.Response.ContentType = type;
            context.Response.Headers.ContentSecurityPolicy = Policy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            context.Response.Headers.CacheControl = "no-store";
            return context.Response.WriteAsync(content, context.RequestAborted);
        });
    }
}
