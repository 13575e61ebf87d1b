using Microsoft.AspNetCore.Connections;

namespace DbAccess.Api.Slack.Door;

/// <summary>
/// Open connections of the public listener. Anybody may connect, and say nothing for as long as they like; when there are too many, whoever
/// has had no signed request for the longest goes, so that there is always room for whoever comes now.
/// </summary>
internal sealed class Crowd(int most)
{
    private readonly Lock _gate = new();

    /// <summary>Those who go first stand first.</summary>
    private readonly LinkedList<ConnectionContext> _open = new();

    /// <summary>From its beginning to its end.</summary>
    public async Task StayAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var place = new Place(this, connection);
        connection.Features.Set(place);
        Enter(place)?.Abort(new ConnectionAbortedException("It made room for others."));
        try
        {
            await next(connection);
        }
        finally
        {
            lock (_gate) Remove(place);
        }
    }

    /// <summary>Answers who has to go.</summary>
    private ConnectionContext? Enter(Place place)
    {
        lock (_gate)
        {
            _open.AddLast(place.Node);
            if (_open.Count <= most) return null;

            var first = _open.First!.Value;
            _open.RemoveFirst();
            return first;
        }
    }

    private void Remove(Place place)
    {
        if (place.Node.List is not null) _open.Remove(place.Node);
    }

    /// <summary>Where a connection stands; a request finds it among its features.</summary>
    internal sealed class Place(Crowd crowd, ConnectionContext connection)
    {
        public LinkedListNode<ConnectionContext> Node { get; } = new(connection);

        /// <summary>A request came by it whose signature was right: it goes last.</summary>
        public void IsKnown()
        {
            lock (crowd._gate)
            {
                if (Node.List is null) return;
                crowd._open.Remove(Node);
                crowd._open.AddLast(Node);
            }
        }
    }
}
