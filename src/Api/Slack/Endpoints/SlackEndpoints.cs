using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>
/// The three addresses that Slack calls. Each one admits, reads, puts the work into the inbox, and only then says that it has it; what is
/// authentic is answered with 200, and refusals are words.
/// </summary>
internal static class SlackEndpoints
{
    private const int LongestText = 8 * 1024;

    public const string Form = "application/x-www-form-urlencoded";

    public static void MapSlack(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/slack/commands", (HttpContext http, CommandEndpoint commands) => commands.HandleAsync(http));
        routes.MapPost("/slack/interactivity", (HttpContext http, InteractivityEndpoint presses) => presses.HandleAsync(http));
        routes.MapPost("/slack/events", (HttpContext http, EventEndpoint events) => events.HandleAsync(http));
    }

    /// <summary>The same for every copy of the same request.</summary>
    public static string Key(string kind, string what) =>
        $"{kind}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(what)))[..40]}";

    /// <summary>More than anybody types, and than a reason may have: what is longer is not kept.</summary>
    public static string Cut(string text) =>
        text.Length <= LongestText ? text : text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)];

    public static Secret? AsSecret(string? value) => string.IsNullOrEmpty(value) ? null : new Secret(value);
}
