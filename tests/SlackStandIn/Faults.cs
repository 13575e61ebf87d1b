namespace DbAccess.SlackStandIn;

/// <summary>
/// What is to go wrong. <c>ratelimited</c>, <c>error</c>, <c>http500</c> and <c>reset</c> come before any effect; <c>hang</c>
/// waits and then goes on; <c>lost</c> has its effect and cuts the connection instead of answering; <c>late</c> has its effect at once and
/// answers after the delay.
/// </summary>
internal sealed record Fault(string Method, string Kind)
{
    public static readonly string[] Kinds = ["ratelimited", "error", "http500", "hang", "reset", "lost", "late"];

    /// <summary>The header as it is sent; absence leaves it out.</summary>
    public string? RetryAfter { get; init; }
    public string Error { get; init; } = "internal_error";
    public TimeSpan Delay { get; init; }
    /// <summary>Calls that go through before the first fault.</summary>
    public int Skip { get; set; }
    public int Times { get; set; } = 1;
}

internal sealed class Faults
{
    private readonly Lock _gate = new();
    private readonly List<Fault> _faults = [];

    public void Add(Fault fault)
    {
        lock (_gate) _faults.Add(fault);
    }

    public void Clear(string method)
    {
        lock (_gate) _faults.RemoveAll(fault => method == "*" || fault.Method == method);
    }

    /// <summary>The fault for this call, if it is its turn; the oldest one first.</summary>
    public Fault? Next(string method)
    {
        lock (_gate)
        {
            var fault = _faults.Find(fault => fault.Method == "*" || fault.Method == method);
            if (fault is null) return null;
            if (fault.Skip > 0)
            {
                fault.Skip--;
                return null;
            }
            if (--fault.Times <= 0) _faults.Remove(fault);
            return fault;
        }
    }
}
