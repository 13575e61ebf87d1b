using System.Buffers;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace DbAccess.Api.Slack.Door;

/// <summary>What came through the door: authentic, of the right kind and size, strict UTF-8.</summary>
internal sealed record SlackRequest(string Body, string Timestamp);

/// <summary>
/// The one way in. Order matters: method and kind, size, raw bytes, signature, and only then is anything decoded or parsed. Nothing of a
/// request is logged, and a refusal says nothing about why.
/// </summary>
internal sealed class SlackDoor(SlackSignature signature, ILogger<SlackDoor> log)
{
    public const int LargestBody = 1024 * 1024;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Null when the request was turned away; the status is set then.</summary>
    public async Task<SlackRequest?> AdmitAsync(HttpContext http, string mediaType)
    {
        if (!MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
            || !type.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase))
            return TurnAway(http, StatusCodes.Status415UnsupportedMediaType);
        if (http.Request.ContentLength > LargestBody) return TurnAway(http, StatusCodes.Status413PayloadTooLarge);

        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(http.Request.ContentLength + 1 ?? 16 * 1024, LargestBody + 1));
        try
        {
            var length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    if (length > LargestBody) return TurnAway(http, StatusCodes.Status413PayloadTooLarge);
                    var larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 2, LargestBody + 1));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
                    buffer = larger;
                }

                var read = await http.Request.Body.ReadAsync(buffer.AsMemory(length), http.RequestAborted);
                if (read == 0) break;
                length += read;
                if (length > LargestBody) return TurnAway(http, StatusCodes.Status413PayloadTooLarge);
            }

            // A header that occurs twice has no single meaning.
            var timestamp = http.Request.Headers["X-Slack-Request-Timestamp"] is { Count: 1 } at ? at[0] : null;
            var given = http.Request.Headers["X-Slack-Signature"] is { Count: 1 } sent ? sent[0] : null;
            if (!signature.Verify(buffer.AsSpan(0, length), timestamp, given)) return TurnAway(http, StatusCodes.Status401Unauthorized);

            try
            {
                return new SlackRequest(StrictUtf8.GetString(buffer, 0, length), timestamp!);
            }
            catch (DecoderFallbackException)
            {
                return TurnAway(http, StatusCodes.Status400BadRequest);
            }
        }
        catch (BadHttpRequestException broken)
        {
            // The server itself gave up on the body: too large without a length, broken chunks, or too slow.
            return TurnAway(http, broken.StatusCode);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    private SlackRequest? TurnAway(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        log.LogWarning("A request to {Path} was turned away with {Status}", http.Request.Path.Value, status);
        return null;
    }
}
