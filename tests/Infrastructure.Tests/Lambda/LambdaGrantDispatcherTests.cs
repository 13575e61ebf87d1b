using System.Net;
using Amazon.Runtime;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Lambda;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Fakes;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Lambda;

public sealed class LambdaGrantDispatcherTests : IAsyncLifetime
{
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string Region = "eu-west-1";

    private readonly FakeLambdaService _lambda = new(SecretKey, Region);
    private readonly InMemoryGrantStore _store = new();
    private readonly HttpClient _http = new() { Timeout = Patience.Limit };
    private LambdaGrantDispatcher? _dispatcher;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    public async ValueTask InitializeAsync() => await _lambda.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_dispatcher is not null)
        {
            await _dispatcher.StopAsync(CancellationToken.None);
            _dispatcher.Dispose();
        }

        _http.Dispose();
        await _lambda.DisposeAsync();
    }

    [Theory]
    [InlineData("dbaccess-create-db-user", null)]
    [InlineData("dbaccess-create-db-user:live", "session-token/+=")]
    [InlineData("arn:aws:lambda:eu-west-1:123456789012:function:dbaccess-create-db-user", "token")]
    public async Task A_dispatch_is_a_signed_asynchronous_invocation_that_carries_the_id_and_nothing_else(string function, string? token)
    {
        var dispatcher = await StartAsync(function, token);

        dispatcher.Dispatch(GrantId.Parse("K7Q3-MD")!);

        var invoked = await InvokedAsync(1);
        Assert.True(invoked[0].SignatureIsRight, "The signature is wrong.");
        Assert.Equal("""{"grant":"K7Q3-MD"}""", invoked[0].Body);
        Assert.Equal("Event", invoked[0].InvocationType);
        Assert.Equal(token, invoked[0].Token);
        Assert.Equal($"/2015-03-31/functions/{Uri.EscapeDataString(function)}/invocations", invoked[0].Path);
    }

    [Theory]
    [InlineData(HttpStatusCode.TooManyRequests, "TooManyRequestsException:")]
    [InlineData(HttpStatusCode.InternalServerError, null)]
    [InlineData(HttpStatusCode.Forbidden, "ExpiredTokenException")]
    public async Task What_may_pass_is_tried_again(HttpStatusCode status, string? type)
    {
        _lambda.Next.Enqueue((status, type));
        _lambda.Next.Enqueue((status, type));
        var dispatcher = await StartAsync();

        dispatcher.Dispatch(GrantId.New());

        var invoked = await InvokedAsync(3);
        Assert.All(invoked, one => Assert.True(one.SignatureIsRight));
        Assert.Single(invoked.Select(one => one.Body).Distinct());
    }

    [Theory]
    [InlineData(-20)]
    [InlineData(20)]
    public async Task A_clock_that_is_off_is_put_right_by_what_AWS_says(int minutes)
    {
        _lambda.Ahead = TimeSpan.FromMinutes(minutes);
        List<string> accepted = [];
        _lambda.Accepted = body =>
        {
            lock (accepted) accepted.Add(body);
            return Task.CompletedTask;
        };
        var dispatcher = await StartAsync();

        dispatcher.Dispatch(GrantId.Parse("AAAA-AA")!);
        await InvokedAsync(2);
        dispatcher.Dispatch(GrantId.Parse("CCCC-CC")!);
        var invoked = await InvokedAsync(3);
        await Patience.UntilAsync(() => Task.FromResult(accepted.Count >= 2), "both are accepted");

        // Told once, it is known for every later request.
        Assert.Equal(["""{"grant":"AAAA-AA"}""", """{"grant":"CCCC-CC"}"""], accepted);
        Assert.Equal(3, _lambda.Invocations.Count);
        Assert.All(invoked, one => Assert.True(one.SignatureIsRight));
        Assert.All(invoked.Skip(1), one => Assert.True(Math.Abs((one.SignedAt - Now).TotalMinutes - minutes) < 2, $"Signed at {one.SignedAt:O}."));
    }

    [Fact]
    public async Task What_is_refused_is_not_tried_again_and_the_next_is_asked_for_all_the_same()
    {
        _lambda.Next.Enqueue((HttpStatusCode.NotFound, "ResourceNotFoundException"));
        var dispatcher = await StartAsync();

        dispatcher.Dispatch(GrantId.Parse("AAAA-AA")!);
        await InvokedAsync(1);
        dispatcher.Dispatch(GrantId.Parse("CCCC-CC")!);

        var invoked = await InvokedAsync(2);
        Assert.Equal("""{"grant":"CCCC-CC"}""", invoked[1].Body);
    }

    [Fact]
    public async Task A_grant_that_falls_due_is_asked_for_at_that_second_and_once_while_the_function_is_on_its_way()
    {
        var grant = Some.Active(Now, TimeSpan.FromSeconds(2));
        await _store.AddAsync(grant, Cancelled);
        var due = _store.Stored[0].DueAt!.Value;
        await StartAsync();

        var invoked = await InvokedAsync(1);

        Assert.True(Now >= due && Now < due + TimeSpan.FromSeconds(5), $"Due {due:O}, asked for at {Now:O}.");
        Assert.Contains(grant.Id.ToString(), invoked[0].Body, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(2.5), Cancelled);
        Assert.Single(_lambda.Invocations);
    }

    [Fact]
    public async Task A_store_that_fails_for_a_moment_does_not_end_the_watch()
    {
        await _store.AddAsync(Some.Allowed(Now), Cancelled);
        _store.FailNextRead(new InvalidOperationException("not now"));
        await StartAsync();

        await InvokedAsync(1);
    }

    private async Task<LambdaGrantDispatcher> StartAsync(string function = "dbaccess-create-db-user", string? token = null)
    {
        var keys = new ImmutableCredentials("AKIDEXAMPLE", SecretKey, token);
        var invoker = new FunctionInvoker(_http, new LambdaOptions(function, Region, _lambda.Address), _ => Task.FromResult(keys), TimeProvider.System);
        _dispatcher = new LambdaGrantDispatcher(invoker, _store, TimeProvider.System, NullLogger<LambdaGrantDispatcher>.Instance);
        await _dispatcher.StartAsync(Cancelled);
        return _dispatcher;
    }

    private async Task<IReadOnlyList<FakeLambdaService.Invoked>> InvokedAsync(int count)
    {
        await Patience.UntilAsync(() => Task.FromResult(_lambda.Invocations.Count >= count), $"there are {count} invocations");
        return _lambda.Invocations;
    }
}
