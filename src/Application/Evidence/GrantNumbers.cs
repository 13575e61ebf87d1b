namespace DbAccess.Application.Evidence;

/// <summary>
/// Whether the events of each grant are numbered 1, 2, 3, … It remembers a bounded number of grants: of more it forgets the one whose last
/// event lies furthest back, and from then on takes the number of a grant that it does not know as it comes.
/// </summary>
internal sealed class GrantNumbers
{
    /// <summary>The same in every verifier, so that they say the same. Some 30 MiB.</summary>
    private const int Remembered = 250_000;

    // A carried event need not have a number; what follows it is taken as it comes.
    private const long Unknown = -1;

    private readonly Dictionary<string, LinkedListNode<(string Grant, long Last)>> _grants = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Grant, long Last)> _latest = [];
    private bool _forgot;

    /// <summary>The grant's last number when the event's does not follow it; null when all is well.</summary>
    public long? Note(EventLine read)
    {
        if (read.Grant is not { } grant || (read.Number == 0 && !read.IsCarried)) return null;

        var known = _grants.TryGetValue(grant, out var node);
        var last = known ? node!.Value.Last : _forgot ? Unknown : 0;
        if (!read.IsCarried && last != Unknown && read.Number != last + 1) return last;

        Remember(grant, read.Number == 0 ? Unknown : read.Number, node);
        return null;
    }

    private void Remember(string grant, long last, LinkedListNode<(string Grant, long Last)>? node)
    {
        if (node is not null)
        {
            node.Value = (node.Value.Grant, last);
            _latest.Remove(node);
            _latest.AddLast(node);
            return;
        }

        _grants.Add(grant, _latest.AddLast((grant, last)));
        if (_grants.Count <= Remembered) return;
        _grants.Remove(_latest.First!.Value.Grant);
        _latest.RemoveFirst();
        _forgot = true;
    }
}
