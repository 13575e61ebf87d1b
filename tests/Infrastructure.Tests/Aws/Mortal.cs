using System.Reflection;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>The process is gone: whatever it still wants to do fails.</summary>
internal sealed class Crash() : Exception("The process died.");

/// <summary>
/// A process that dies, or is told that its time is over, at one of the boundaries that it passes: before and behind every call to a port and every
/// request to AWS.
/// </summary>
internal sealed class Mortal
{
    private int _passed;

    public int? DiesAt { get; init; }

    public int? CutAt { get; init; }

    /// <summary>Its time; cancelled where it is cut.</summary>
    public CancellationTokenSource Time { get; } = new();

    /// <summary>It did not come through.</summary>
    public bool Met { get; private set; }

    public async Task PassAsync(bool over)
    {
        var passed = _passed++;
        if (DiesAt is not null && (Met || passed == DiesAt))
        {
            Met = true;
            throw new Crash();
        }

        if (passed != CutAt) return;
        Met = true;
        await Time.CancelAsync();
    }

    /// <summary>The port with a boundary before and behind each call.</summary>
    public T Wrap<T>(T port)
        where T : class
    {
        var proxy = DispatchProxy.Create<T, Boundary>();
        ((Boundary)(object)proxy).Put(port, this);
        return proxy;
    }

    // Not sealed: the runtime derives the proxy from it.
#pragma warning disable CA1852
    public class Boundary : DispatchProxy
#pragma warning restore CA1852
    {
        private static readonly MethodInfo Passing = typeof(Boundary).GetMethod(nameof(PassAsync), BindingFlags.Instance | BindingFlags.NonPublic)!;

        private object _port = null!;
        private Mortal _mortal = null!;

        internal void Put(object port, Mortal mortal) => (_port, _mortal) = (port, mortal);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            Passing.MakeGenericMethod(targetMethod!.ReturnType.GetGenericArguments()[0]).Invoke(this, [targetMethod, args]);

        private async Task<TAnswer> PassAsync<TAnswer>(MethodInfo method, object?[]? args)
        {
            await _mortal.PassAsync(over: false);
            var answer = await (Task<TAnswer>)method.Invoke(_port, args)!;
            await _mortal.PassAsync(over: true);
            return answer;
        }
    }
}
