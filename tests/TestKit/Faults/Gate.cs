using System.Collections.Concurrent;

namespace DbAccess.TestKit.Faults;

/// <summary>
/// Stands before and behind every call of one process to its ports, where <see cref="Gated{TPort}"/> stands for them. What can go wrong
/// there is chosen by its number (every boundary in turn) or by its name (<see cref="At"/>). Everything passes that is not told to fail.
/// </summary>
public sealed class Gate
{
    private readonly ConcurrentQueue<Boundary> _passed = new();
    private int _count;

    /// <summary>The process dies there: before its first call (0), behind it (1), before the second (2), …</summary>
    public int? DiesAt { get; set; }

    /// <summary>The same by its name: <c>after GrantStore.Add</c>; the first such.</summary>
    public string? DiesWhere { get; set; }

    public bool Dead { get; private set; }

    /// <summary>
    /// At this boundary, counted in the same way, the connection is lost: the call fails there, and the process lives. Behind a call that
    /// means that it was done and nobody was told.
    /// </summary>
    public int? LosesAt { get; set; }

    /// <summary>The call whose front is this boundary arrives twice, as when a library below sends again what it has no answer to.</summary>
    public int? RepeatsAt { get; set; }

    /// <summary>Runs at every boundary of what is waited for; throws what the call is to fail with, or waits for as long as it is to take.</summary>
    public Func<Boundary, Task>? At { get; set; }

    /// <summary>What was passed since the start or <see cref="Revive"/>, in its order.</summary>
    public IReadOnlyList<Boundary> Passed => [.. _passed];

    /// <summary>The calls among them, each once as it began.</summary>
    public IReadOnlyList<string> Calls => [.. _passed.Where(boundary => !boundary.Over).Select(boundary => boundary.Call)];

    /// <summary>Whether the fault that was chosen by number came about.</summary>
    public bool Happened { get; private set; }

    /// <summary>
    /// Has something happen at one boundary of those that are waited for, counted from 0 as from now, and nothing at the others.
    /// </summary>
    /// <returns>Whether it came to that.</returns>
    public Func<bool> Once(int boundary, Func<Task> happens)
    {
        var (passed, reached) = (0, false);
        At = async _ =>
        {
            if (passed++ != boundary) return;

            reached = true;
            await happens();
        };
        return () => reached;
    }

    /// <summary>Another process takes its place, where nothing goes wrong.</summary>
    public void Revive()
    {
        (DiesAt, DiesWhere, LosesAt, RepeatsAt, Dead, Happened, _count) = (null, null, null, null, false, false, 0);
        _passed.Clear();
    }

    internal async Task<T> PassAsync<T>(string call, object?[] arguments, Func<Task<T>> send)
    {
        var twice = Stop(new Boundary(call, false, arguments));
        if (At is { } before) await before(new Boundary(call, false, arguments));
        if (twice) await send();
        var answer = await send();
        Stop(new Boundary(call, true, arguments));
        if (At is { } behind) await behind(new Boundary(call, true, arguments));
        return answer;
    }

    /// <summary>What nobody waits for has nobody who could be told of a delay: <see cref="At"/> is not asked.</summary>
    internal T Pass<T>(string call, object?[] arguments, Func<T> send)
    {
        if (Stop(new Boundary(call, false, arguments))) send();
        var answer = send();
        Stop(new Boundary(call, true, arguments));
        return answer;
    }

    private bool Stop(Boundary boundary)
    {
        var number = Interlocked.Increment(ref _count) - 1;
        if (Dead || number == DiesAt || boundary.ToString() == DiesWhere)
        {
            (Dead, Happened) = (true, true);
            throw new CrashException();
        }

        _passed.Enqueue(boundary);
        if (number == LosesAt)
        {
            Happened = true;
            throw new IOException("The connection was lost.");
        }

        if (number != RepeatsAt || boundary.Over) return false;
        return Happened = true;
    }
}
