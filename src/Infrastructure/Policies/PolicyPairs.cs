using System.Numerics;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Policies;

/// <summary>
/// Everything that a policy offers, pair by pair (a database and a scope), numbered, so that what a rule covers is a set of bits: with
/// thousands of rules, comparing each with all before it is otherwise what lint takes its time for.
/// </summary>
internal sealed class PolicyPairs
{
    private readonly Dictionary<string, ulong[]> _ofDatabase = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ulong[]> _ofScope = new(StringComparer.Ordinal);
    private readonly ulong[] _all;

    public PolicyPairs(AccessPolicy policy)
    {
        (DatabaseName Database, ScopeName Scope)[] pairs =
            [.. policy.Databases.SelectMany(entry => entry.Value.Scopes.Select(scope => (entry.Key, scope)))];
        _all = new ulong[(pairs.Length + 63) / 64];
        for (var i = 0; i < pairs.Length; i++)
        {
            Set(_all, i);
            Set(In(_ofDatabase, pairs[i].Database.Value), i);
            Set(In(_ofScope, pairs[i].Scope.Value), i);
        }
    }

    public ulong[] None => new ulong[_all.Length];

    /// <summary>What a rule is about, as far as it is offered.</summary>
    public ulong[] Of(RuleSubject subject)
    {
        var (databases, scopes) = (None, None);
        foreach (var name in subject.Databases.Concat(subject.Tagged))
            Add(databases, name is "*" ? _all : _ofDatabase.GetValueOrDefault(name));
        foreach (var name in subject.Scopes) Add(scopes, name is "*" ? _all : _ofScope.GetValueOrDefault(name));
        for (var i = 0; i < databases.Length; i++) databases[i] &= scopes[i];
        return databases;
    }

    public ulong[] Of(DatabaseName database) => _ofDatabase.GetValueOrDefault(database.Value) ?? None;

    public static bool IsEmpty(ulong[] bits) => !bits.AsSpan().ContainsAnyExcept(0UL);

    public static void Add(ulong[] to, ulong[]? bits)
    {
        for (var i = 0; i < bits?.Length; i++) to[i] |= bits[i];
    }

    /// <summary>Those of the first that are in none of the others.</summary>
    public static ulong[] Without(ulong[] bits, params ReadOnlySpan<ulong[]?> others)
    {
        var left = (ulong[])bits.Clone();
        foreach (var other in others)
        {
            for (var i = 0; i < other?.Length; i++) left[i] &= ~other[i];
        }

        return left;
    }

    public static bool Share(ulong[] one, ulong[] other)
    {
        for (var i = 0; i < one.Length; i++)
        {
            if ((one[i] & other[i]) != 0) return true;
        }

        return false;
    }

    /// <summary>The numbers of the pairs in a set.</summary>
    public static IEnumerable<int> Numbers(ulong[] bits)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            for (var word = bits[i]; word != 0; word &= word - 1) yield return (i * 64) + BitOperations.TrailingZeroCount(word);
        }
    }

    private ulong[] In(Dictionary<string, ulong[]> sets, string name) =>
        sets.TryGetValue(name, out var bits) ? bits : sets[name] = None;

    private static void Set(ulong[] bits, int number) => bits[number / 64] |= 1UL << (number % 64);
}

/// <summary>What the rules so far leave to those that come after them, for each group.</summary>
internal sealed class PolicyCover(PolicyPairs pairs)
{
    private readonly Dictionary<string, ulong[]> _covered = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Group, int Pair), (int Place, string Id)> _first = [];
    private int _place;

    public void Add(string id, RuleSubject subject)
    {
        _place++;
        var bits = pairs.Of(subject);
        foreach (var group in subject.Who)
        {
            if (!_covered.TryGetValue(group, out var covered)) _covered[group] = covered = pairs.None;
            foreach (var pair in PolicyPairs.Numbers(PolicyPairs.Without(bits, covered))) _first[(group, pair)] = (_place, id);
            PolicyPairs.Add(covered, bits);
        }
    }

    /// <summary>The rules that together leave nothing to one of this subject; empty when something is left.</summary>
    public IReadOnlyList<string> Hiders(RuleSubject subject)
    {
        var bits = pairs.Of(subject);
        var everyone = _covered.GetValueOrDefault(AccessPolicy.Everyone);
        if (subject.Who.Any(group => !PolicyPairs.IsEmpty(PolicyPairs.Without(bits, _covered.GetValueOrDefault(group), everyone))))
            return [];

        return
        [
            .. PolicyPairs.Numbers(bits).SelectMany(pair => subject.Who.Select(group => Earlier(group, pair)))
                .Distinct(StringComparer.Ordinal),
        ];
    }

    private string Earlier(string group, int pair) =>
        (_first.TryGetValue((group, pair), out var own), _first.TryGetValue((AccessPolicy.Everyone, pair), out var all)) switch
        {
            (true, true) => own.Place <= all.Place ? own.Id : all.Id,
            (true, false) => own.Id,
            _ => all.Id,
        };
}
