using DbAccess.Application.Evidence;
using DbAccess.Application.Principals;
using DbAccess.Application.Steps;
using DbAccess.Domain.Grants;
using DbAccess.TestKit.Faults;
using MediatR;

namespace DbAccess.Application.Tests;

/// <summary>One process.</summary>
internal sealed class Worker(IMediator mediator, Gate gate)
{
    public Gate Gate => gate;

    public required GroupHealth Groups { get; init; }

    public required LogWatch Watch { get; init; }

    public Task<T> SendAsync<T>(IRequest<T> request, CancellationToken? cancellationToken = null) => mediator.Send(request, cancellationToken ?? TestContext.Current.CancellationToken);

    public async Task ProvisionAsync(GrantId id, CancellationToken? cancellationToken = null) => Assert.Null((await SendAsync(new TakeNextStep(id), cancellationToken)).Refusal);

    public async Task<SweepReport> SweepAsync(CancellationToken? cancellationToken = null) => (await SendAsync(new SweepGrants(), cancellationToken)).Value;

    /// <summary>The step as a process takes it that dies at the given boundary: before its first call to a port (0), after it (1), before the second (2), … False when it came through alive.</summary>
    public Task<bool> DiesAtAsync(int boundary, Func<Task> step)
    {
        gate.DiesAt = boundary;
        return DiesAsync(step);
    }

    /// <summary>The same at a boundary by its name, <c>after GrantStore.Add</c>.</summary>
    public Task<bool> DiesAtAsync(string boundary, Func<Task> step)
    {
        gate.DiesWhere = boundary;
        return DiesAsync(step);
    }

    private async Task<bool> DiesAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (CrashException)
        {
            // Nobody is left to catch it.
        }

        var died = gate.Dead;
        gate.Revive();
        return died;
    }
}
