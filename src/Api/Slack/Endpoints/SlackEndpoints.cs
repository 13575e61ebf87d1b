namespace DbAccess.Api.Slack.Endpoints;

/// <summary>
/// The three addresses that Slack calls. Each one admits, reads, puts the work into the inbox, and only then says that it has it; what is
/// authentic is answered with 200, and refusals are words.
/// </summary>
internal static class SlackEndpoints
{
    public static void MapSlack(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/slack/commands", (HttpContext http, CommandEndpoint commands) => commands.HandleAsync(http));
        routes.MapPost("/slack/interactivity", (HttpContext http, InteractivityEndpoint presses) => presses.HandleAsync(http));
        routes.MapPost("/slack/events", (HttpContext http, EventEndpoint events) => events.HandleAsync(http));
    }
}
