namespace DbAccess.TestKit.Faults;

/// <summary>The place before or behind one call to a port.</summary>
/// <param name="Call">The port and what is asked of it: <c>GrantStore.Save</c> is <c>IGrantStore.SaveAsync</c>.</param>
/// <param name="Over">Behind it: what it does is done, and the caller does not know yet.</param>
/// <param name="Arguments">What it is called with.</param>
public sealed record Boundary(string Call, bool Over, IReadOnlyList<object?> Arguments)
{
    public override string ToString() => $"{(Over ? "after" : "before")} {Call}";
}
