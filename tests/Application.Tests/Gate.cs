using DbAccess.Domain.Grants;

namespace DbAccess.Application.Tests;

/// <summary>Stands before and behind every call of a worker to a port.</summary>
internal sealed class Gate
{
    private int _passed;

    public int? DiesAt { get; set; }

    public bool Dead { get; private set; }

    /// <summary>Runs at every boundary, with the port's method and whether the call is over.</summary>
    public Func<string, bool, Task>? At { get; set; }

    /// <summary>Set, this grant can be read but not saved.</summary>
    public GrantId? Stuck { get; set; }

    public void Revive()
    {
        (DiesAt, Dead, _passed) = (null, false, 0);
    }

    public async Task<T> PassAsync<T>(string method, Func<Task<T>> call)
    {
        await StopAsync(method, over: false);
        var answer = await call();
        await StopAsync(method, over: true);
        return answer;
    }

    private async Task StopAsync(string method, bool over)
    {
        if (Dead || _passed++ == DiesAt)
        {
            Dead = true;
            throw new Crash();
        }

        if (At is { } stop) await stop(method, over);
    }
}
