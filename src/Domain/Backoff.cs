namespace DbAccess.Domain;

/// <summary>Growing pauses between tries: the first, twice that, twice that again, never more than the longest.</summary>
public sealed class Backoff(TimeSpan first, TimeSpan longest)
{
    // Beyond this every pause is the longest; the bound keeps the power from overflowing.
    private const int MostDoublings = 30;

    /// <param name="tries">How many did not work so far, from 1; less counts as 1.</param>
    public TimeSpan After(int tries) =>
        TimeSpan.FromSeconds(Math.Min(longest.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Clamp(tries - 1, 0, MostDoublings))));
}
