using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using DbAccess.Api.Lambda;
using DbAccess.Api.Operations;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Policies;
using DbAccess.Infrastructure;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace DbAccess.Deploy.Tests;

/// <summary>What alarms.tf reads from the logs stands in them: the lines are written here by the product, with its own log's format.</summary>
public sealed partial class AlarmTests : IDisposable
{
    private static readonly string Alarms = Checkout.Read("deploy", "terraform", "alarms.tf");

    // An hour after what the grant below says of itself.
    private readonly FakeTimeProvider _clock = new(Some.Now.AddHours(1));
    private readonly string _policy = Path.GetTempFileName();
    private readonly Lines _lines = new();
    private readonly InMemoryEvidenceLog _evidence = new();
    private readonly FakeSigner _signer = new();

    public AlarmTests() => File.Copy(Path.Combine(Checkout.Root, "policy", "access-policy.yaml"), _policy, overwrite: true);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _signer.Dispose();
        if (Directory.Exists(_policy)) Directory.Delete(_policy);
        else File.Delete(_policy);
    }

    [Fact]
    public async Task Every_field_that_a_metric_filter_reads_is_in_a_line_of_that_log_at_its_root_and_of_that_kind()
    {
        await using var services = Services();
        await SweepAsync(services);
        var sweep = _lines.Take();
        await RejectPolicyAsync(services);
        await HidePolicyAsync(services);
        await TamperAsync(services);
        var written = new Dictionary<string, IReadOnlyList<JsonElement>>(StringComparer.Ordinal) { ["expire-db-users"] = sweep, ["web"] = _lines.Take() };

        var filters = Filter().Matches(Alarms);
        var fields = filters.SelectMany(filter => Field().Matches(filter.Value).Select(field => (Log: filter.Groups["log"].Value, Name: field.Groups["name"].Value, IsFlag: filter.Value.Contains($"$.{field.Groups["name"].Value} IS ", StringComparison.Ordinal)))).ToList();

        // None is missed for being written otherwise.
        Assert.Equal(Field().Count(Alarms), fields.Count);
        Assert.True(fields.Count >= 4);
        Assert.All(fields, field => Assert.True(
            written[field.Log].Any(line => line.TryGetProperty(field.Name, out var value) && (field.IsFlag ? value.ValueKind is JsonValueKind.True or JsonValueKind.False : value.ValueKind is JsonValueKind.Number)),
            $"No line of {field.Log} has a {(field.IsFlag ? "flag" : "number")} {field.Name}: {string.Join('\n', written[field.Log])}"));
    }

    [Fact]
    public async Task The_sweep_says_what_is_quarantined_and_late_though_it_did_neither()
    {
        await using var services = Services();
        await SweepAsync(services);

        var state = Assert.Single(_lines.Take(), line => line.TryGetProperty("QuarantinedGrants", out _));

        Assert.Equal(1, state.GetProperty("QuarantinedGrants").GetInt32());
        Assert.Equal(59 * 60, state.GetProperty("LatenessSeconds").GetInt32());
    }

    [Fact]
    public void Every_metric_of_our_own_comes_from_a_filter_and_every_filter_has_an_alarm()
    {
        var filters = Filter().Matches(Alarms).Select(filter => filter.Groups["metric"].Value);
        var alarms = OwnMetric().Matches(Alarms).Select(alarm => alarm.Groups["metric"].Value);

        Assert.NotEmpty(filters);
        Assert.Equal(filters.Order(StringComparer.Ordinal), alarms.Order(StringComparer.Ordinal));
    }

    private static async Task SweepAsync(IServiceProvider services)
    {
        // Somebody else holds it, so that the sweep itself has nothing to do.
        var held = MaximalGrant.Snapshot(GrantId.New()) with { Status = GrantStatus.Revoking, NoticeDueAt = null, StepSince = Some.Now.AddMinutes(1), StepDueAt = Some.Now.AddHours(1).AddSeconds(30), EndedAt = null };
        var quarantined = MaximalGrant.Snapshot(GrantId.New()) with { NoticeDueAt = null, StepDueAt = Some.Now.AddHours(2) };
        foreach (var grant in (GrantSnapshot[])[held, quarantined])
            Assert.Equal(SaveOutcome.Saved, await services.GetRequiredService<IGrantStore>().AddAsync(new Grant(grant), Stop));

        await services.GetRequiredService<LambdaEntry>().HandleAsync(LambdaFunction.ExpireDbUsers, new LambdaInvocation("request-1", Some.Now.AddHours(2), null, "{}"u8.ToArray()), Stop);
    }

    [Fact]
    public async Task The_sweep_says_that_the_evidence_log_was_tampered_with_or_has_stopped()
    {
        await using var services = Services();
        await SweepAsync(services);
        Assert.Equal((0, 0), Evidence());

        _signer.Replace();
        await _evidence.RecordAsync(new Domain.Evidence.LogEvent
        {
            At = _clock.GetUtcNow(), Type = "command.create_grant", By = new Domain.Principals.Actor.Sweep(), Way = Domain.Evidence.Way.Worker, Outcome = "done", What = [],
        }, Stop);
        await SweepAsync(services);
        _clock.Advance(TimeSpan.FromHours(1));
        await SweepAsync(services);
        Assert.Equal(0, Evidence().Tampered);
        await SweepAsync(services);
        Assert.InRange(Evidence().Behind, 3_600, 7_300);

        _evidence.RewriteEnd(end => end with { Head = "nothing" });
        await SweepAsync(services);
        Assert.Equal(1, Evidence().Tampered);

        (int Tampered, int Behind) Evidence()
        {
            var line = _lines.Take().Last(line => line.TryGetProperty("EvidenceTampered", out _));
            return (line.GetProperty("EvidenceTampered").GetInt32(), line.GetProperty("EvidenceBehindSeconds").GetInt32());
        }
    }

    /// <summary>As a copy of the web application does it every minute.</summary>
    private async Task TamperAsync(IServiceProvider services)
    {
        _evidence.RewriteEnd(end => end with { Head = "nothing" });
        using var scope = services.CreateScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        await mediator.Send(new SequenceEvents(), Stop);
        await mediator.Send(new TellOfEvidence(Always: false), Stop);
    }

    private async Task RejectPolicyAsync(IServiceProvider services)
    {
        var policies = services.GetRequiredService<IPolicySource>();
        _ = policies.Current;
        File.WriteAllText(_policy, "version: 1\nnonsense: true\n");
        await LookAsync(policies);
    }

    /// <summary>Something is there that cannot be read.</summary>
    private async Task HidePolicyAsync(IServiceProvider services)
    {
        File.Delete(_policy);
        Directory.CreateDirectory(_policy);
        await LookAsync(services.GetRequiredService<IPolicySource>());
    }

    private async Task LookAsync(IPolicySource policies)
    {
        for (var look = 0; look < 3; look++)
        {
            _clock.Advance(TimeSpan.FromSeconds(2));
            _ = policies.Current;
            // The file is read beside whoever asks.
            await ((FilePolicySource)policies).Looking;
        }
    }

    private ServiceProvider Services()
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection([new("Policy:Path", _policy)]).Build());
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(_clock);
        services.AddLogging().AddSerilog(ProductLog.Configure().WriteTo.Sink(_lines).CreateLogger(), dispose: true);
        services.AddApplication(new Installation(Some.Installation)).AddWarrants();
        services.AddPolicyAndCredentials(settings);
        services.AddSingleton<IGrantStore>(new InMemoryGrantStore());
        services.AddSingleton<IRoleAdministrator>(new FakeRoleAdministrator(_clock));
        services.AddSingleton<IRoleInventory>(new FakeRoleInventory());
        services.AddSingleton<ICredentialDelivery>(new FakeCredentialDelivery());
        services.AddFakeSlack();
        services.AddFakeEvidence(_evidence).AddSingleton<ICheckpointSigner>(_signer);
        services.AddSingleton(new EvidenceTerms(WatchedAtOnce: 1_000)).AddSingleton(new WitnessTerms(null)).AddSingleton(new ExportTerms(null, TimeSpan.FromDays(400)));
        services.AddSingleton<IGrantRetention>(_ => new InMemoryGrantStore());
        services.AddSingleton<IDirectory>(new FakeDirectory());
        services.AddSingleton<IGrantDispatcher>(new Nobody());
        services.AddSingleton<LambdaEntry>();
        Assert.Empty(settings.Faults);
        return services.BuildServiceProvider();
    }

    private sealed class Nobody : IGrantDispatcher
    {
        public void Dispatch(GrantId id)
        {
        }
    }

    // SweepDone = { log = "expire-db-users", pattern = "{ … }", value = "1" }
    [GeneratedRegex(@"(?<metric>\w+)\s*= \{ log = ""(?<log>[a-z-]+)"", pattern = ""[^""]+"", value = ""[^""]+"" \}", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Filter();

    [GeneratedRegex(@"\$\.(?<name>\w+)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Field();

    [GeneratedRegex(@"namespace\s*= local\.namespace, metric = ""(?<metric>\w+)""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex OwnMetric();

    /// <summary>Log lines as CloudWatch gets them.</summary>
    private sealed class Lines : ILogEventSink
    {
        private readonly ConcurrentQueue<string> _written = new();

        public void Emit(LogEvent logEvent)
        {
            using var line = new StringWriter();
            ProductLog.Format.Format(logEvent, line);
            _written.Enqueue(line.ToString());
        }

        public IReadOnlyList<JsonElement> Take()
        {
            var lines = _written.Select(line => JsonDocument.Parse(line).RootElement).ToList();
            _written.Clear();
            return lines;
        }
    }
}
