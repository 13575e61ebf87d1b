using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using DbAccess.Api.Lambda;
using DbAccess.Application;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Api.Tests.Lambda;

/// <summary>The real loop and the real use cases against a Runtime API in this process; roles, store and delivery are in memory.</summary>
public sealed class LambdaTests : IAsyncLifetime
{
    private const string Scheduled = """{"version":"0","id":"x","detail-type":"Scheduled Event","source":"aws.events","resources":["arn:aws:events:eu-west-1:1:rule/r"],"detail":{},"not-known-yet":{"a":[1]}}""";

    private readonly InMemoryGrantStore _store = new();
    private readonly FakeRoleAdministrator _roles = new(TimeProvider.System);
    private readonly FakeCredentialDelivery _delivery = new();
    private readonly FakeRoleInventory _inventory = new();
    private readonly CapturedLog _log = new();
    private readonly OnePolicy _policies = new();
    private readonly CancellationTokenSource _stop = new();
    private FakeRuntimeApi _api = null!;
    private ServiceProvider _services = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeRuntimeApi.StartAsync();
        var services = new ServiceCollection();
        services.AddSingleton(TimeProvider.System);
        services.AddApplication(new Installation(Some.Installation)).AddWarrants();
        services.AddLogging(logging => logging.AddProvider(_log));
        services.AddSingleton<IGrantStore>(_store);
        services.AddSingleton<IRoleAdministrator>(_roles);
        services.AddSingleton<IRoleInventory>(_inventory);
        services.AddSingleton<IPolicySource>(_policies);
        services.AddSingleton<IGrantDispatcher>(new Nobody());
        services.AddSingleton<ICredentialDelivery>(_delivery);
        services.AddFakeSlack();
        services.AddFakeEvidence();
        services.AddSingleton<IDirectory>(new FakeDirectory());
        services.AddSingleton<LambdaEntry>();
        _services = services.BuildServiceProvider(validateScopes: true);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _api.DisposeAsync();
        await _services.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task An_event_that_names_a_grant_makes_its_role_and_delivers()
    {
        var grant = await AddAsync(Some.Allowed(Now));
        _ = Run(LambdaFunction.CreateDbUser);

        var reply = await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}","not_known_yet":{"deep":[1,2] } }""", Soon, "request-1", cancellationToken: Cancelled);

        Assert.False(reply.IsError, reply.Body);
        Assert.Equal("request-1", reply.RequestId);
        Assert.Equal(grant.Id.ToString(), Json(reply).GetProperty("grant").GetString());
        Assert.Equal("given", Json(reply).GetProperty("steps")[0].GetString());
        Assert.Equal(GrantStatus.Active, Assert.Single(_store.Stored).Status);
        Assert.Single(_delivery.Delivered);
    }

    [Fact]
    public async Task The_same_event_twice_gives_once()
    {
        var grant = await AddAsync(Some.Allowed(Now));
        _ = Run(LambdaFunction.CreateDbUser);

        await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, "request-1", cancellationToken: Cancelled);
        var again = await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, "request-1", cancellationToken: Cancelled);

        Assert.False(again.IsError, again.Body);
        Assert.DoesNotContain("given", again.Body, StringComparison.Ordinal);
        Assert.Single(_delivery.Delivered);
        Assert.Single(_roles.Makes);
    }

    [Fact]
    public async Task A_grant_that_was_revoked_is_taken_away_by_the_same_function()
    {
        var grant = await AddActiveAsync(TimeSpan.FromHours(1));
        Assert.Null(grant.Revoke(new Actor.Person(Some.Dba), "INC-1 over", Now).Refusal);
        await _store.SaveAsync(grant, Cancelled);
        _ = Run(LambdaFunction.CreateDbUser);

        var reply = await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, cancellationToken: Cancelled);

        Assert.Equal("ended", Json(reply).GetProperty("steps")[0].GetString());
        Assert.Equal(GrantStatus.Ended, Assert.Single(_store.Stored).Status);
        Assert.Single(_roles.Removals);
    }

    [Theory]
    [InlineData("{}", "Event.NoGrant")]
    [InlineData("""{"grant":7}""", "Event.NoGrant")]
    [InlineData("""{"grant":"DROP TABLE"}""", "Event.NoGrant")]
    [InlineData("[]", "Event.Unreadable")]
    [InlineData("not json hunter2", "Event.Unreadable")]
    [InlineData("", "Event.Unreadable")]
    [InlineData("""{"grant":"AAAA-AA"}""", "grant.unknown")]
    public async Task An_event_that_is_not_understood_is_an_error_with_a_type_and_without_its_content(string json, string type)
    {
        _ = Run(LambdaFunction.CreateDbUser);

        var reply = await _api.InvokeAsync(json, Soon, "request-1", cancellationToken: Cancelled);

        Assert.Equal("request-1", reply.RequestId);
        Assert.Equal(type, reply.ErrorType);
        Assert.Equal(type, Json(reply).GetProperty("errorType").GetString());
        Assert.DoesNotContain("hunter2", reply.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("DROP", reply.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_scheduled_event_sweeps_what_is_due()
    {
        await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        await AddAsync(Some.Allowed(Now));
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);

        Assert.False(reply.IsError, reply.Body);
        Assert.Equal(1, Json(reply).GetProperty("ended").GetInt32());
        Assert.Equal(1, Json(reply).GetProperty("given").GetInt32());
        Assert.False(Json(reply).GetProperty("cutShort").GetBoolean());
    }

    [Fact]
    public async Task The_state_is_logged_with_each_sweep_whoever_took_the_steps_and_whatever_was_put_off()
    {
        await _store.AddAsync(new Grant(MaximalGrant.Snapshot(GrantId.New()) with { NoticeDueAt = null, StepDueAt = Now.AddHours(1), StepSince = Now.AddHours(-1), Leased = false }), Cancelled);
        _ = Run(LambdaFunction.ExpireDbUsers);
        await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);
        Assert.Contains(_log.Lines, line => line.StartsWith("State: 1 quarantined, longest wait 0 s", StringComparison.Ordinal));

        await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        _roles.RemovalFails = _ => FakeRoleAdministrator.RemovalNotNow();
        await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);

        Assert.Contains(_log.Lines, line => Regex.IsMatch(line, "^State: 1 quarantined, longest wait (29[0-9]|30[0-9]) s", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Theory]
    [InlineData("""{"reconcile":true}""")]
    [InlineData("""{"reconcile":true,"not-known-yet":1}""")]
    [InlineData("{}")]
    [InlineData(Scheduled)]
    public async Task With_each_sweep_and_every_hour_clusters_with_live_grants_are_compared_with_the_record_and_idle_ones_left_asleep(string json)
    {
        _ = Run(LambdaFunction.ExpireDbUsers);
        var reply = await _api.InvokeAsync(json, Soon, cancellationToken: Cancelled);
        Assert.False(reply.IsError, reply.Body);
        Assert.Empty(_inventory.Listings);

        await AddActiveAsync(TimeSpan.FromHours(1));
        await _api.InvokeAsync(json, Soon, cancellationToken: Cancelled);
        Assert.Single(_inventory.Listings);
    }

    [Fact]
    public async Task A_comparison_that_fails_is_in_the_log_and_the_sweep_counts()
    {
        _inventory.AfterListing = () => throw new InvalidOperationException("Host=db;Password=hunter2");
        await AddActiveAsync(TimeSpan.FromHours(1));
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);

        Assert.False(reply.IsError, reply.Body);
        Assert.DoesNotContain("hunter2", reply.Body, StringComparison.Ordinal);
        Assert.Contains(_log.Lines, line => line.Contains("Reconcil", StringComparison.Ordinal));
        Assert.Contains(_log.Lines, line => line.StartsWith("Comparison with the clusters: 1 failed", StringComparison.Ordinal));
        _inventory.AfterListing = null;
        await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);
        Assert.Contains(_log.Lines, line => line.StartsWith("Comparison with the clusters: 0 failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_policy_what_is_due_ends_and_the_comparison_counts_as_failed()
    {
        _policies.Missing = new Error("policy.none", "There is none.");
        await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);

        Assert.Equal(1, Json(reply).GetProperty("ended").GetInt32());
        Assert.Contains(_log.Lines, line => line.Contains("nothing was compared: There is none.", StringComparison.Ordinal));
        Assert.Contains(_log.Lines, line => line.StartsWith("Comparison with the clusters: 1 failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_comparison_that_breaks_down_as_a_whole_counts_as_failed()
    {
        await AddActiveAsync(TimeSpan.FromHours(1));
        _policies.Broken = new TimeoutException("no answer");
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);

        Assert.False(reply.IsError, reply.Body);
        Assert.Contains(_log.Lines, line => line.StartsWith("Comparison with the clusters: 1 failed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"detail-type":"EC2 Instance State-change Notification"}""")]
    [InlineData("""{"Records":[]}""")]
    [InlineData("""{"reconcile":"yes"}""")]
    public async Task Another_event_does_not_start_a_sweep(string json)
    {
        await AddAsync(Some.Allowed(Now));
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(json, Soon, cancellationToken: Cancelled);

        Assert.Equal("Event.Unknown", reply.ErrorType);
        Assert.Empty(_roles.Makes);
    }

    [Fact]
    public async Task A_step_that_raises_a_fault_fails_the_invocation_by_name_and_the_others_are_done_all_the_same()
    {
        var one = await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        var other = await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        _store.FailNext(new InvalidOperationException("Host=db;Password=hunter2"));
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(Scheduled, Soon, cancellationToken: Cancelled);

        Assert.Equal("Sweep.StepsFailed", reply.ErrorType);
        Assert.True(reply.Body.Contains(one.Id.ToString(), StringComparison.Ordinal) ^ reply.Body.Contains(other.Id.ToString(), StringComparison.Ordinal), reply.Body);
        Assert.DoesNotContain("hunter2", reply.Body, StringComparison.Ordinal);
        Assert.Contains(_store.Stored, state => state.Status is GrantStatus.Ended);
    }

    [Fact]
    public async Task Before_the_deadline_the_work_is_cut_and_the_lease_is_handed_back()
    {
        var grant = await AddAsync(Some.Allowed(Now));
        var reached = new TaskCompletionSource<CancellationToken>(TaskCreationOptions.RunContinuationsAsynchronously);
        _roles.Before = async token =>
        {
            reached.TrySetResult(token);
            await Task.Delay(Timeout.Infinite, token);
        };
        // The runtime's clock stands still, so that neither the way there nor the way back takes anything of the four seconds, however busy the machine is.
        var clock = new FakeTimeProvider(Now);
        _ = Run(LambdaFunction.CreateDbUser, clock);
        var invocation = _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", clock.GetUtcNow() + TimeSpan.FromSeconds(4), cancellationToken: Cancelled);
        var work = await reached.Task.WaitAsync(Patience.Limit, Cancelled);

        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(work.IsCancellationRequested, "It was cut with more than a quarter of its time left.");
        clock.Advance(TimeSpan.FromSeconds(0.1));
        // A second before the deadline, by the clock that the deadline is told by.
        Assert.True(work.IsCancellationRequested, "It was not cut in time to answer.");
        var reply = await invocation;

        Assert.Equal("postponed", Json(reply).GetProperty("steps")[0].GetString());
        var state = Assert.Single(_store.Stored);
        Assert.False(state.Leased);
        Assert.True(state.StepDueAt <= Now, "What was not done is not due.");
    }

    [Fact]
    public async Task A_sweep_that_is_cut_reports_what_it_did()
    {
        await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        await AddActiveAsync(TimeSpan.FromSeconds(1), before: TimeSpan.FromMinutes(5));
        var calls = 0;
        _roles.Before = token => Interlocked.Increment(ref calls) == 1 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token);
        _ = Run(LambdaFunction.ExpireDbUsers);

        var reply = await _api.InvokeAsync(Scheduled, Now + TimeSpan.FromSeconds(4), cancellationToken: Cancelled);

        Assert.False(reply.IsError, reply.Body);
        Assert.True(Json(reply).GetProperty("cutShort").GetBoolean());
        Assert.Equal(1, Json(reply).GetProperty("ended").GetInt32());
        Assert.Equal(1, Json(reply).GetProperty("postponed").GetInt32());
        Assert.DoesNotContain(_store.Stored, state => state.Leased);
    }

    [Fact]
    public async Task A_fault_is_told_by_its_type_and_the_next_event_is_handled()
    {
        var grant = await AddAsync(Some.Allowed(Now));
        _store.FailNextRead(new InvalidOperationException("Host=db;Password=hunter2"));
        _ = Run(LambdaFunction.CreateDbUser);

        var failed = await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, cancellationToken: Cancelled);
        var next = await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, cancellationToken: Cancelled);

        Assert.Equal("InvalidOperationException", failed.ErrorType);
        Assert.DoesNotContain("hunter2", failed.Body, StringComparison.Ordinal);
        Assert.False(next.IsError, next.Body);
    }

    [Fact]
    public async Task Log_lines_carry_the_request_and_trace_of_the_event()
    {
        var grant = await AddAsync(Some.Allowed(Now));
        _ = Run(LambdaFunction.CreateDbUser);

        await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, "request-7", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", Cancelled);

        Assert.Contains(_log.Lines, line => line.Contains("given", StringComparison.Ordinal) && line.Contains("AwsRequestId=request-7", StringComparison.Ordinal)
            && line.Contains("AwsTraceId=Root=1-5759e988", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_that_went_stale_is_made_anew_and_a_refusal_ends_the_environment()
    {
        _api.CutNext = 1;
        var run = Run(LambdaFunction.CreateDbUser);
        var grant = await AddAsync(Some.Allowed(Now));
        var reply = await _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Soon, cancellationToken: Cancelled);
        Assert.False(reply.IsError, reply.Body);

        // The loop may be asking already: then this one is answered first.
        _api.NextFails = HttpStatusCode.InternalServerError;
        await Task.WhenAny(run, _api.InvokeAsync("{}", Soon, cancellationToken: Cancelled));

        await Assert.ThrowsAsync<HttpRequestException>(() => run.WaitAsync(Patience.Limit, Cancelled));
    }

    [Fact]
    public async Task A_stop_ends_the_event_in_hand_with_an_answer_and_then_the_loop()
    {
        var grant = await AddAsync(Some.Allowed(Now));
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _roles.Before = async token =>
        {
            reached.TrySetResult();
            await Task.Delay(Timeout.Infinite, token);
        };
        var run = Run(LambdaFunction.CreateDbUser);
        var invocation = _api.InvokeAsync($$"""{"grant":"{{grant.Id}}"}""", Now + TimeSpan.FromMinutes(1), cancellationToken: Cancelled);
        await reached.Task.WaitAsync(Patience.Limit, Cancelled);

        await _stop.CancelAsync();

        Assert.Contains("postponed", (await invocation).Body, StringComparison.Ordinal);
        await run.WaitAsync(Patience.Limit, Cancelled);
        Assert.False(Assert.Single(_store.Stored).Leased);
    }

    [Fact]
    public async Task A_sweep_with_patience_leaves_what_has_just_fallen_due_to_whoever_was_asked_first()
    {
        var fresh = await AddAsync(Some.Allowed(Now));
        var overdue = await AddAsync(Some.Allowed(Now - TimeSpan.FromSeconds(40)));
        await using var scope = _services.CreateAsyncScope();

        var report = (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new SweepGrants(TimeSpan.FromSeconds(30)), Cancelled)).Value;

        Assert.Equal(1, report.Count(StepOutcome.Given));
        Assert.Contains(_store.Stored, state => state.Id == overdue.Id && state.Status is GrantStatus.Active);
        Assert.Contains(_store.Stored, state => state.Id == fresh.Id && state.Status is GrantStatus.Approved);
    }

    [Theory]
    [InlineData("127.0.0.1:9001", "http://127.0.0.1:9001/")]
    [InlineData("localhost", "http://localhost/")]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("host/path", null)]
    [InlineData("user@host", null)]
    public void The_address_of_the_api_is_a_host_and_a_port(string? given, string? address) =>
        Assert.Equal(address, LambdaRuntime.ParseAddress(given)?.ToString());

    [Theory]
    [InlineData("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", "5759e988bd862e3fe1be46a994272793")]
    [InlineData("Root=1-5759e988-bd862e3fe1be46a994272793", "00000000000000000000000000000000")]
    [InlineData("nonsense", "00000000000000000000000000000000")]
    public void X_Rays_trace_becomes_the_parent_of_our_own(string header, string trace) =>
        Assert.Equal(trace, XRayTrace.Parse(header).TraceId.ToHexString());

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static DateTimeOffset Soon => Now + TimeSpan.FromSeconds(30);

    private static JsonElement Json(FakeRuntimeApi.Reply reply) => JsonDocument.Parse(reply.Body).RootElement;

    private async Task<Grant> AddAsync(Grant grant)
    {
        Assert.Equal(SaveOutcome.Saved, await _store.AddAsync(grant, Cancelled));
        return grant;
    }

    private Task<Grant> AddActiveAsync(TimeSpan duration, TimeSpan before = default) => AddAsync(Some.Active(Now - before, duration));

    private Task Run(LambdaFunction function, TimeProvider? clock = null)
    {
        var runtime = new LambdaRuntime(LambdaRuntime.ParseAddress(_api.Address)!, clock ?? TimeProvider.System);
        var entry = _services.GetRequiredService<LambdaEntry>();
        return Task.Run(() => runtime.RunAsync((invocation, token) => entry.HandleAsync(function, invocation, token), _stop.Token));
    }

    private sealed class OnePolicy : IPolicySource
    {
        public Exception? Broken { get; set; }

        public Error? Missing { get => Broken is null ? field : throw Broken; set; }

        public AccessPolicy Current { get; } = SomePolicy.Of(Some.Target(), Some.ReadScope());
    }

    private sealed class Nobody : IGrantDispatcher
    {
        public void Dispatch(GrantId id)
        {
        }
    }
}
