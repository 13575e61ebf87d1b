using DbAccess.Domain.Databases;

namespace DbAccess.Application.Steps;

/// <summary>
/// How many steps of one cluster may be under way in this process. A cluster that does not answer holds each of them for as long as a
/// connection is tried; without a bound all workers would stand before it, and the others' grants would wait. A step that finds no place is
/// not taken: it stays due, and the next look finds it.
/// </summary>
public sealed class ClusterPlaces(TimeProvider clock)
{
    private const int Places = 8;

    /// <summary>For a cluster that was silent a moment ago: enough to notice that it is back.</summary>
    private const int PlacesInSilence = 2;

    /// <summary>A step that failed and took this long waited for an answer.</summary>
    private static readonly TimeSpan Waited = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<ClusterName, Place> _places = [];

    public bool TryEnter(ClusterName cluster)
    {
        lock (_gate)
        {
            if (!_places.TryGetValue(cluster, out var place)) _places[cluster] = place = new Place();
            if (place.Taken >= (clock.GetUtcNow() < place.SilentUntil ? PlacesInSilence : Places)) return false;

            place.Taken++;
            return true;
        }
    }

    /// <param name="failed">The step was put off, or raised a fault.</param>
    public void Leave(ClusterName cluster, bool failed, TimeSpan took)
    {
        lock (_gate)
        {
            var place = _places[cluster];
            place.Taken--;
            if (failed && took >= Waited) place.SilentUntil = clock.GetUtcNow() + Silence;
            else if (!failed) place.SilentUntil = DateTimeOffset.MinValue;
        }
    }

    private sealed class Place
    {
        public int Taken { get; set; }

        public DateTimeOffset SilentUntil { get; set; } = DateTimeOffset.MinValue;
    }
}
