using System.Reflection;

namespace DbAccess.TestKit.Faults;

/// <summary>Any port behind a <see cref="Gate"/>: made from the interface, so that no port and no method of one can be left out.</summary>
public class Gated<TPort> : DispatchProxy
    where TPort : class
{
    private static readonly string Port = typeof(TPort).Name[1..];
    private static readonly MethodInfo PassTask = Method(nameof(TaskAsync));
    private static readonly MethodInfo PassValueTask = Method(nameof(ValueTaskAsync));
    private static readonly MethodInfo PassSequence = Method(nameof(SequenceAsync));

    private TPort _inner = null!;
    private Gate _gate = null!;

    public static TPort Of(TPort inner, Gate gate)
    {
        var port = Create<TPort, Gated<TPort>>();
        var gated = (Gated<TPort>)(object)port;
        (gated._inner, gated._gate) = (inner, gate);
        return port;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var (method, arguments) = (targetMethod!, args ?? []);
        var call = $"{Port}.{(method.Name.EndsWith("Async", StringComparison.Ordinal) ? method.Name[..^5] : method.Name)}";
        object? Send() => method.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, arguments, null);

        var type = method.ReturnType;
        if (type == typeof(Task)) return _gate.PassAsync(call, arguments, async () => { await (Task)Send()!; return true; });
        if (type == typeof(ValueTask))
            return new ValueTask(_gate.PassAsync(call, arguments, async () => { await (ValueTask)Send()!; return true; }));
        if (type.IsGenericType)
        {
            var pass = type.GetGenericTypeDefinition() switch
            {
                var task when task == typeof(Task<>) => PassTask,
                var task when task == typeof(ValueTask<>) => PassValueTask,
                var many when many == typeof(IAsyncEnumerable<>) => PassSequence,
                _ => null,
            };
            if (pass is not null)
                return pass.MakeGenericMethod(type.GetGenericArguments()).Invoke(this, [call, arguments, (Func<object?>)Send]);
        }

        return _gate.Pass(call, arguments, Send);
    }

    private static MethodInfo Method(string name) => typeof(Gated<TPort>).GetMethod(name, BindingFlags.Instance | BindingFlags.NonPublic)!;

    private Task<T> TaskAsync<T>(string call, object?[] arguments, Func<object?> send) => _gate.PassAsync(call, arguments, () => (Task<T>)send()!);

    private ValueTask<T> ValueTaskAsync<T>(string call, object?[] arguments, Func<object?> send) =>
        new(_gate.PassAsync(call, arguments, async () => await (ValueTask<T>)send()!));

    // Its boundaries are before the first and behind the last of them.
    private async IAsyncEnumerable<T> SequenceAsync<T>(string call, object?[] arguments, Func<object?> send)
    {
        var all = await _gate.PassAsync(call, arguments, async () =>
        {
            List<T> found = [];
            await foreach (var one in (IAsyncEnumerable<T>)send()!) found.Add(one);
            return found;
        });
        foreach (var one in all) yield return one;
    }
}
