using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>What the steps of one removal found and did, for its receipt.</summary>
internal sealed class RemovalFindings
{
    /// <summary>A receipt is read by people and kept for long; a role that left more than this is described by a number.</summary>
    private const int MostLines = 200;

    private readonly Dictionary<(string Instance, bool IsWriter), (long Found, long Ended, DateTimeOffset? At)> _instances = [];
    private readonly List<string> _handedOver = [];
    private readonly List<string> _dropped = [];
    private readonly List<string> _remarks = [];

    public bool Existed { get; set; }

    public ActivityDigest? Activity { get; set; }

    public void HandedOver(IEnumerable<string> things) => _handedOver.AddRange(things);

    public void Dropped(IEnumerable<string> things) => _dropped.AddRange(things.Except(_dropped, StringComparer.Ordinal).ToList());

    public void Remark(string remark)
    {
        if (!_remarks.Contains(remark, StringComparer.Ordinal)) _remarks.Add(remark);
    }

    public void Ended(string instance, bool isWriter, long found, long ended)
    {
        var known = _instances.GetValueOrDefault((instance, isWriter));
        _instances[(instance, isWriter)] = (known.Found + found, known.Ended + ended, known.At);
    }

    /// <summary>None was left there at that moment.</summary>
    public void Checked(string instance, bool isWriter, DateTimeOffset at) =>
        _instances[(instance, isWriter)] = _instances.GetValueOrDefault((instance, isWriter)) with { At = at };

    public RemovalReceipt Receipt(DateTimeOffset lockedOutAt, DateTimeOffset lastGoneAt, DateTimeOffset? provedAt, RemovalProof? left) =>
        new(lockedOutAt, (int)_instances.Values.Sum(seen => seen.Ended), lastGoneAt < lockedOutAt ? lockedOutAt : lastGoneAt, provedAt, Existed, Bounded(_handedOver))
        {
            Dropped = Bounded(_dropped),
            Remarks = Bounded(_remarks),
            Instances = [.. _instances.Where(seen => seen.Value.At is not null).Select(seen => new InstanceCheck(seen.Key.Instance, seen.Key.IsWriter, (int)seen.Value.Found, (int)seen.Value.Ended, seen.Value.At!.Value))],
            Left = left,
        };

    public static IReadOnlyList<string> Bounded(List<string> lines, int most = MostLines) => lines.Count <= most ? [.. lines] : [.. lines.Take(most), $"and {lines.Count - most} more"];
}
