using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>JSON as Slack sends it. Reading never throws: what is missing, of another kind, or no text is null.</summary>
internal static class SlackPayload
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 64 };

    /// <summary>Only an object is a payload.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out JsonDocument? json)
    {
        json = null;
        try
        {
            var parsed = JsonDocument.Parse(text, Options);
            if (parsed.RootElement.ValueKind is JsonValueKind.Object)
            {
                json = parsed;
                return true;
            }

            parsed.Dispose();
        }
        catch (JsonException)
        {
            // Answered with 400 by whoever asked.
        }

        return false;
    }

    public static string? Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        if (!Walk(element, out var found, path) || found.ValueKind is not JsonValueKind.String) return null;
        try
        {
            return found.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair is no text.
            return null;
        }
    }

    public static bool Walk(JsonElement element, out JsonElement found, params ReadOnlySpan<string> path)
    {
        found = element;
        foreach (var name in path)
        {
            if (found.ValueKind is not JsonValueKind.Object) return false;
            try
            {
                if (!found.TryGetProperty(name, out found)) return false;
            }
            catch (InvalidOperationException)
            {
                // Beside it is a name with half a surrogate pair, which cannot be compared.
                return false;
            }
        }

        return true;
    }
}
