using System.CommandLine;
using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Commands;

/// <summary><c>audit resend</c>: sets back how far a webhook came, so that it gets events again.</summary>
internal static class AuditResendVerb
{
    public static VerbCommand Describe()
    {
        var webhook = Takes.Value<int>("--webhook", "N", "Which, as in Audit:Webhooks:N.",
            text => Number(text) is < int.MaxValue and var number ? (int)number : null, "a number", required: true);
        var from = Takes.Value("--from", "EVENT", "The first event that it gets again, by its number in the log.",
            Number, "the number of an event", required: true);
        return new VerbCommand("resend", "Send a webhook what it has lost: everything from that event on.",
            read => new Verb.AuditResend(read.GetValue(webhook)!.Value, read.GetValue(from)!.Value), webhook, from);
    }

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static async Task<int> RunAsync(IServiceProvider services, Verb.AuditResend verb)
    {
        var (log, mark) = (services.GetRequiredService<IEvidenceLog>(), Marks.WebhookCursor(verb.Webhook));
        var from = verb.From.ToString(CultureInfo.InvariantCulture);
        // The process that sends moves it on meanwhile: whoever sets it back wins in the end.
        for (var turn = 0; turn < 100; turn++)
        {
            var now = await log.ReadMarkAsync(mark, CancellationToken.None);
            if (now is null || (long.TryParse(now, NumberStyles.None, CultureInfo.InvariantCulture, out var next) && next <= verb.From))
            {
                await Console.Error.WriteLineAsync($"Webhook {verb.Webhook} has not come that far: it has taken the events " +
                    $"before {now ?? "0"}.");
                return ExitCode.Failure;
            }

            if (!await log.TryWriteMarkAsync(mark, now, from, CancellationToken.None)) continue;

            Console.WriteLine($"Webhook {verb.Webhook} gets everything from event {from} on again, within seconds where serve is up.");
            return ExitCode.Success;
        }

        await Console.Error.WriteLineAsync("The webhook moved on every time; try again.");
        return ExitCode.Failure;
    }
}
