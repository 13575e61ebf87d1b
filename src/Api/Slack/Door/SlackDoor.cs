using System.Text;
using Microsoft.Net.Http.Headers;

namespace DbAccess.Api.Slack.Door;

/// <summary>What came through the door: authentic, of the right kind and size, strict UTF-8.</summary>
internal sealed record SlackRequest(string Body, string Timestamp);

/// <summary>
/// The one way in. Order matters: method and kind, size, shape and age of the signature, raw bytes, signature, and only then is anything
/// decoded or parsed. Nothing of a
/// request is logged, and a refusal says nothing about why.
/// </summary>
internal sealed class SlackDoor(SlackSignature signature, UnsignedBodies bodies, ILogger<SlackDoor> log)
{
    /// <summary>The media type of commands and presses.</summary>
    public const string Form = "application/x-www-form-urlencoded";

    public const int LargestBody = 1024 * 1024;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Null when the request was turned away; the status is set then.</summary>
    public async Task<SlackRequest?> AdmitAsync(HttpContext http, string mediaType)
    {
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
            || !type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase))
            return TurnAway(http, StatusCodes.Status415UnsupportedMediaType);
        if (http.Request.ContentLength > LargestBody) return TurnAway(http, StatusCodes.Status413PayloadTooLarge);
        if (HasTwoLengths(http.Request.Headers)) return TurnAway(http, StatusCodes.Status400BadRequest);

        // A header that occurs twice has no single meaning.
        var timestamp = http.Request.Headers["X-Slack-Request-Timestamp"] is { Count: 1 } at ? at[0] : null;
        var given = http.Request.Headers["X-Slack-Signature"] is { Count: 1 } sent ? sent[0] : null;
        if (!signature.MayBe(timestamp, given)) return TurnAway(http, StatusCodes.Status401Unauthorized);

        try
        {
            using var body = await bodies.ReadAsync(http.Request.Body, LargestBody, http.RequestAborted);
            if (body is null) return TurnAway(http, StatusCodes.Status413PayloadTooLarge);
            if (!signature.Verify(body.Bytes, timestamp, given)) return TurnAway(http, StatusCodes.Status401Unauthorized);
            http.Features.Get<Crowd.Place>()?.IsKnown();
            return new SlackRequest(StrictUtf8.GetString(body.Bytes), timestamp!);
        }
        catch (DecoderFallbackException)
        {
            return TurnAway(http, StatusCodes.Status400BadRequest);
        }
        catch (BadHttpRequestException broken)
        {
            // The server itself gave up on the body: too large without a length, broken chunks, or too slow.
            return TurnAway(http, broken.StatusCode);
        }
        catch (OperationCanceledException) when (!http.RequestAborted.IsCancellationRequested)
        {
            // It trickled, or too many large ones came at once: Slack would have given up by now, and sends again what it can.
            return TurnAway(http, StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <summary>
    /// Two ways to say how long a body is may be read differently by what stands before us. The server renames the second.
    /// </summary>
    private static bool HasTwoLengths(IHeaderDictionary headers) => headers.TransferEncoding.Count > 0
        && (headers.ContentLength is not null || headers.ContainsKey("X-Content-Length"));

    private SlackRequest? TurnAway(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        log.LogWarning("A request to {Path} was turned away with {Status}", http.Request.Path.Value, status);
        return null;
    }
}
