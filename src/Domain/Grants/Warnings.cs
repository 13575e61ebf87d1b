namespace DbAccess.Domain.Grants;

/// <summary>
/// When a holder is warned that the end is near: a quarter of an hour and five minutes before it, and for windows of less than an hour at
/// the same parts of it.
/// </summary>
public static class Warnings
{
    public static readonly TimeSpan FirstBefore = TimeSpan.FromMinutes(15);

    public static readonly TimeSpan LastBefore = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan FullFrom = TimeSpan.FromHours(1);

    /// <summary>Nobody can do anything with a warning in less than this.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(10);

    /// <summary>How long before the end, the first and the last; null where that would be of no use.</summary>
    public static (TimeSpan? First, TimeSpan? Last) Before(AccessWindow window) =>
        (Scaled(FirstBefore, window.Expiry - window.Start), Scaled(LastBefore, window.Expiry - window.Start));

    /// <summary>When the next one is due; null when none is.</summary>
    internal static DateTimeOffset? Next(GrantSnapshot state)
    {
        if (state.Warned) return null;

        var (first, last) = Before(state.Window!);
        return state.WarnedEarly ? state.Window!.Expiry - last : state.Window!.Expiry - (first ?? last);
    }

    private static TimeSpan? Scaled(TimeSpan before, TimeSpan window)
    {
        var scaled = window >= FullFrom ? before : TimeSpan.FromSeconds(Math.Floor((before * (window / FullFrom)).TotalSeconds));
        return scaled >= Least ? scaled : null;
    }
}
