using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>What the steps of one removal found and did, for its receipt.</summary>
internal sealed class RemovalFindings
{
    /// <summary>A receipt is read by people and kept for long; a role that left more than this is described by a number.</summary>
    private const int MostLines = 200;

    private readonly Dictionary<(string Instance, bool IsWriter), Seen> _instances = [];
    private readonly List<(string Key, EndedSession Session)> _sessions = [];
    private readonly Lines _handedOver = new();
    private readonly Lines _dropped = new();
    private readonly Lines _remarks = new();

    public bool Existed { get; set; }

    /// <summary>Whether there is anything that the next try would not find again.</summary>
    public bool AnythingDone => _handedOver.Count + _dropped.Count + _remarks.Count > 0
        || _instances.Values.Any(seen => seen.Ended.Count > 0);

    public bool AnythingHandedOver => _handedOver.Count > 0;

    public void HandedOver(IEnumerable<string> things) => _handedOver.Add(things);

    public void Dropped(IEnumerable<string> things) => _dropped.Add(things);

    public void Remark(string remark) => _remarks.Add([remark]);

    /// <summary>
    /// Which there were and which of them were told to end. One that takes its time is found again in the next round, and stays one.
    /// </summary>
    /// <param name="user">Whose they were.</param>
    /// <param name="ofWhom">Of each that was ended, in their order: as <see cref="SessionWords"/> reads it.</param>
    public void Ended(string instance, bool isWriter, string user, IReadOnlyList<string> found, IReadOnlyList<string> ended,
        IReadOnlyList<string> ofWhom)
    {
        if (found.Count + ended.Count == 0) return;

        var seen = At(instance, isWriter);
        seen.Found.UnionWith(found.Except(seen.Known));
        foreach (var (session, who) in ended.Zip(ofWhom))
        {
            if (!seen.Known.Contains(session) && seen.Ended.Add(session)) Name(session, SessionWords.Read(instance, user, who));
        }
    }

    /// <summary>A session of somebody else's, which had the role's access.</summary>
    public void EndedOfOther(string instance, string user, string ofWhom) =>
        Name($"{instance} {ofWhom}", SessionWords.Read(instance, user, ofWhom));

    /// <summary>It was found by an earlier removal, and is on the record.</summary>
    public void IsKnown(string instance, bool isWriter, string session)
    {
        var seen = At(instance, isWriter);
        seen.Known.Add(session);
        seen.Found.Remove(session);
        if (seen.Ended.Remove(session)) _sessions.RemoveAll(one => one.Key == session && one.Session.Instance == instance);
    }

    private void Name(string key, EndedSession? session)
    {
        if (session is not null && _sessions.Count < RemovalReceipt.MostSessions) _sessions.Add((key, session));
    }

    /// <summary>None was left there at that moment.</summary>
    public void Checked(string instance, bool isWriter, DateTimeOffset at) => At(instance, isWriter).CheckedAt = at;

    public RemovalReceipt Receipt(DateTimeOffset lockedOutAt, DateTimeOffset lastGoneAt, DateTimeOffset? provedAt, RemovalProof? left) =>
        new(lockedOutAt, _instances.Values.Sum(seen => seen.Ended.Count), lastGoneAt < lockedOutAt
            ? lockedOutAt : lastGoneAt, provedAt, Existed, _handedOver.All)
        {
            Dropped = _dropped.All,
            Remarks = _remarks.All,
            Instances = [.. _instances.Where(seen => seen.Value.CheckedAt is not null)
                .Select(seen => new InstanceCheck(
                seen.Key.Instance, seen.Key.IsWriter, seen.Value.Found.Count, seen.Value.Ended.Count, seen.Value.CheckedAt!.Value))],
            Left = left,
            Sessions = [.. _sessions.Select(one => one.Session)],
        };

    public static IReadOnlyList<string> Bounded(List<string> lines, int most) => lines.Count <= most
        ? [.. lines] : [.. lines.Take(most), $"and {lines.Count - most} more"];

    private Seen At(string instance, bool isWriter)
    {
        if (!_instances.TryGetValue((instance, isWriter), out var seen)) _instances[(instance, isWriter)] = seen = new Seen();
        return seen;
    }

    /// <summary>Each once; the first are kept, and how many came after them.</summary>
    private sealed class Lines
    {
        private readonly List<string> _first = [];
        private int _more;

        public int Count => _first.Count;

        public IReadOnlyList<string> All => _more == 0 ? [.. _first] : [.. _first, $"and {_more} more"];

        public void Add(IEnumerable<string> lines)
        {
            foreach (var line in lines)
            {
                if (_first.Count >= MostLines) _more++;
                else if (!_first.Contains(line, StringComparer.Ordinal)) _first.Add(line);
            }
        }
    }

    private sealed class Seen
    {
        public HashSet<string> Known { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Found { get; } = new(StringComparer.Ordinal);

        public HashSet<string> Ended { get; } = new(StringComparer.Ordinal);

        public DateTimeOffset? CheckedAt { get; set; }
    }
}
