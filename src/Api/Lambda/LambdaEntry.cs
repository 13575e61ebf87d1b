using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using MediatR;

namespace DbAccess.Api.Lambda;

/// <summary>The functions there are, by the name of their verb.</summary>
internal enum LambdaFunction
{
    /// <summary>Takes what is due of one grant; invoked when something was asked for, returned or revoked.</summary>
    CreateDbUser,

    /// <summary>The sweep, and the comparison of the record with the clusters; started by EventBridge every few minutes.</summary>
    ExpireDbUsers,
}

/// <summary>One event, one command, one answer. Both commands may be given twice, and by any number of functions at once.</summary>
internal sealed class LambdaEntry(IServiceScopeFactory scopes, TimeProvider clock, ILogger<LambdaEntry> log)
{
    // An event is a few hundred bytes; a larger one is not ours.
    private const int LargestEvent = 256 * 1024;

    public async Task<byte[]> HandleAsync(LambdaFunction function, LambdaInvocation invocation, CancellationToken cancellationToken)
    {
        using var ids = log.BeginScope(new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["Function"] = function.ToString(),
            ["AwsRequestId"] = invocation.RequestId,
            ["AwsTraceId"] = invocation.TraceId,
        });
        using var activity =
            Telemetry.Activities.StartActivity("LambdaInvocation", ActivityKind.Consumer, XRayTrace.Parse(invocation.TraceId));
        Way.Mark(Way.Function);
        try
        {
            return function switch
            {
                LambdaFunction.CreateDbUser => await CreateDbUserAsync(invocation.Event, cancellationToken),
                LambdaFunction.ExpireDbUsers => await ExpireDbUsersAsync(invocation.Event, cancellationToken),
                _ => throw new ArgumentOutOfRangeException(nameof(function), function, "There is no such function."),
            };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            log.LogWarning("The time was over before the work was done; what is not done stays due");
            throw;
        }
        catch (Exception failure)
        {
            // Only the log gets the exception as it is: what the platform is told must hold nothing of it but its type.
            log.LogError(failure, "The event was not handled");
            throw;
        }
    }

    /// <summary><c>{"grant":"K7Q3-MD"}</c>; other fields are for others.</summary>
    private async Task<byte[]> CreateDbUserAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        using var document = Read(json);
        if (!document.RootElement.TryGetProperty("grant", out var field) || field.ValueKind is not JsonValueKind.String
            || GrantId.Parse(field.GetString()) is not { } id)
            throw new LambdaError("Event.NoGrant", "create-db-user takes an event like {\"grant\":\"K7Q3-MD\"}: this one names no grant.");

        await using var scope = scopes.CreateAsyncScope();
        var outcome = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new TakeNextStep(id), cancellationToken);
        // Not a failure of ours to be retried for hours: whoever invoked this has another store, or the event is old.
        if (outcome.Refusal is { } refusal) throw new LambdaError(refusal.Code, $"The grant {id} is not known to this store.");

        var steps = outcome.Value.Steps.Select(Word).ToList();
        log.LogInformation("{Grant}: {Steps}", id.ToString(), steps.Count == 0 ? "nothing to do" : string.Join(", ", steps));
        return Write(answer =>
        {
            answer.WriteString("grant", id.ToString());
            answer.WriteStartArray("steps");
            foreach (var step in steps) answer.WriteStringValue(step);
            answer.WriteEndArray();
        });
    }

    /// <summary>
    /// EventBridge's scheduled event, <c>{}</c>, or the hourly <c>{"reconcile":true}</c>. Nothing else in it matters here, but an event of
    /// another kind is a wrong wiring, which should be seen.
    /// </summary>
    private async Task<byte[]> ExpireDbUsersAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        bool fully;
        using (var document = Read(json))
        {
            var root = document.RootElement;
            fully = root.TryGetProperty("reconcile", out var wish) && wish.ValueKind is JsonValueKind.True;
            if (root.TryGetProperty("detail-type", out var kind)
                    ? kind.ValueKind is not JsonValueKind.String || kind.GetString() != "Scheduled Event"
                    : !fully && root.EnumerateObject().Any())
                throw new LambdaError("Event.Unknown",
                    "expire-db-users takes EventBridge's scheduled event, {\"reconcile\":true}, or {}: this one is something else.");
        }

        await using var scope = scopes.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        // Before the sweep, so that what it ends is removed by it.
        await mediator.Send(new ReviewHolders(), cancellationToken);
        var report = (await mediator.Send(new SweepGrants(), cancellationToken)).Value;
        // Metric filters read CutShort here (deploy/terraform/alarms.tf); a test holds the two together.
        log.LogInformation(
            "Sweep: {Ended} ended, {Quarantined} quarantined, {Given} given, {NotGiven} not given, {Told} told, {Postponed} postponed, " +
                "{Failed} failed, cut short {CutShort}",
            report.Count(StepOutcome.Ended), report.Count(StepOutcome.Quarantined), report.Count(StepOutcome.Given),
                report.Count(StepOutcome.Failed),
            report.Count(StepOutcome.Told), report.Count(StepOutcome.Postponed), report.Failed.Count, report.CutShort);

        if (!report.CutShort)
        {
            await LogStateAsync(scope.ServiceProvider.GetRequiredService<IGrantStore>(), cancellationToken);
            await ReconcileAsync(mediator, fully, cancellationToken);
            // Without a key in KMS a function cannot sign, and the web application, which has the file, places what waits.
            if (scope.ServiceProvider.GetService<ICheckpointSigner>() is not null) await SequenceAsync(mediator, cancellationToken);
        }

        // The other grants' steps are taken and on record; the error makes the invocation count as failed, so that somebody looks.
        if (report.Failed.Count > 0)
        {
            throw new LambdaError("Sweep.StepsFailed", string.Create(
                CultureInfo.InvariantCulture,
                $"{report}. Failed, and due again: {string.Join(", ", report.Failed.Take(100).Select(id => id.ToString()))}"));
        }

        return Write(answer =>
        {
            foreach (var outcome in Enum.GetValues<StepOutcome>().Where(outcome => outcome is not StepOutcome.Nothing))
                answer.WriteNumber(Word(outcome), report.Count(outcome));
            answer.WriteStartArray("failed");
            answer.WriteEndArray();
            answer.WriteBoolean("cutShort", report.CutShort);
        });
    }

    /// <summary>
    /// What there is, not what this sweep did: most steps are taken by create-db-user or the web application, and one that is put off again
    /// and again is in nobody's report. Alarms read these fields. Without them the alarms would be blind, so a store that cannot say them
    /// fails the invocation.
    /// </summary>
    private async Task LogStateAsync(IGrantStore store, CancellationToken cancellationToken)
    {
        var quarantined = await store.CountQuarantinedAsync(cancellationToken);
        var lateness = await Lateness.LongestAsync(store, clock.GetUtcNow(), cancellationToken);
        log.LogInformation("State: {QuarantinedGrants} quarantined, longest wait {LatenessSeconds} s, {UnreadableGrants} cannot be read",
            quarantined, (long)lateness.TotalSeconds, store.CountUnreadable());
    }

    /// <summary>
    /// Recorded events get their place with every sweep, and complete days are exported. What goes wrong here is said in the log, which an
    /// alarm reads, and does not fail the invocation: the sweep itself was completed.
    /// </summary>
    private async Task SequenceAsync(IMediator mediator, CancellationToken cancellationToken)
    {
        try
        {
            await mediator.Send(new SequenceEvents(), cancellationToken);
            await mediator.Send(new WitnessCheckpoint(), cancellationToken);
            await mediator.Send(new ExportDays(), cancellationToken);
            await mediator.Send(new TellOfEvidence(Always: true), cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            log.LogError(failure, "Events have no place in the evidence log yet, or are not exported; the next sweep tries again");
        }
    }

    /// <summary>
    /// With every sweep only clusters with live grants, fully once an hour. The sweep itself was completed, so what goes wrong here does
    /// not fail the invocation: how much did is in a line that an alarm reads, whether it was a cluster, a mending, or the comparison as a
    /// whole.
    /// </summary>
    private async Task ReconcileAsync(IMediator mediator, bool fully, CancellationToken cancellationToken)
    {
        var failed = 1;
        try
        {
            var compared = await mediator.Send(
                new ReconcileRoles(Reach: fully ? ReconcileReach.Busy : ReconcileReach.BusyCheaply), cancellationToken);
            if (compared.Refusal is null) failed = compared.Value.Count(FindingOutcome.Failed);
            if (compared.Refusal is { } refusal) log.LogError("Reconcile: nothing was compared: {Refusal}", refusal.Message);
            else if (compared.Value.Lines.Count > 0) log.LogWarning("Reconcile: {Report}", compared.Value.ToString());
            else if (fully) log.LogInformation("Reconcile: {Report}", compared.Value.ToString());
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Reconciling after the sweep failed");
        }

        log.LogInformation("Comparison with the clusters: {ReconcileFailed} failed", failed);
    }

    private static string Word(StepOutcome outcome) => outcome switch
    {
        StepOutcome.Given => "given",
        StepOutcome.Failed => "notGiven",
        StepOutcome.Ended => "ended",
        StepOutcome.Quarantined => "quarantined",
        StepOutcome.Told => "told",
        StepOutcome.Postponed => "postponed",
        _ => "nothing",
    };

    private static JsonDocument Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length <= LargestEvent)
        {
            try
            {
                var document = JsonDocument.Parse(json);
                if (document.RootElement.ValueKind is JsonValueKind.Object) return document;
                document.Dispose();
            }
            catch (JsonException)
            {
                // Said below; the parser's words would quote the event.
            }
        }

        throw new LambdaError("Event.Unreadable", "The event is not a JSON object of a reasonable size.");
    }

    private static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return body.ToArray();
    }
}

/// <summary>X-Ray's header in the form the rest of the world uses, so that one id leads through both.</summary>
internal static class XRayTrace
{
    /// <summary><c>Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1</c>; default for anything else.</summary>
    public static ActivityContext Parse(string? header)
    {
        if (header is null) return default;
        string? root = null, parent = null;
        var sampled = "0";
        foreach (var part in header.Split(';', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("Root=1-", StringComparison.Ordinal)) root = part[7..].Replace("-", "", StringComparison.Ordinal);
            else if (part.StartsWith("Parent=", StringComparison.Ordinal)) parent = part[7..];
            else if (part == "Sampled=1") sampled = "1";
        }

        return ActivityContext.TryParse($"00-{root}-{parent}-0{sampled}", null, out var context) ? context : default;
    }
}
