using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;

namespace DbAccess.TestKit.Fakes;

/// <summary>A directory in which everybody may act, unless a test says otherwise. Handles are the user ids in small letters until they are named.</summary>
public sealed class FakeDirectory : IDirectory
{
    private readonly ConcurrentDictionary<PrincipalId, string> _handles = new();
    private readonly ConcurrentDictionary<PrincipalId, Error> _refused = new();
    private readonly ConcurrentDictionary<string, IReadOnlySet<string>> _groups = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PrincipalId, string> _zones = new();
    private readonly ConcurrentQueue<PrincipalId> _forgotten = new();

    /// <summary>Set, everything is refused with it: the directory cannot be asked.</summary>
    public Error? Unavailable { get; set; }

    /// <summary>Set, every question throws it.</summary>
    public Exception? Fault { get; set; }

    public IReadOnlyList<PrincipalId> Forgotten => [.. _forgotten];

    public FakeDirectory Named(PrincipalId id, string handle)
    {
        _handles[id] = handle;
        return this;
    }

    public FakeDirectory In(PrincipalId id, string zone)
    {
        _zones[id] = zone;
        return this;
    }

    public FakeDirectory Refuses(PrincipalId id, string code = "directory.guest", string message = "Guests cannot ask for database access.")
    {
        _refused[id] = new Error(code, message);
        return this;
    }

    public FakeDirectory Accepts(PrincipalId id)
    {
        _refused.TryRemove(id, out _);
        return this;
    }

    public FakeDirectory Group(string usergroup, params PrincipalId[] members)
    {
        _groups[usergroup] = members.Select(m => m.User).ToHashSet(StringComparer.Ordinal);
        return this;
    }

    /// <summary>It cannot be read any more.</summary>
    public void Ungroup(string usergroup) => _groups.Remove(usergroup, out _);

    public void IsDown() => Unavailable = new Error("directory.unavailable", "I cannot check who you are right now. Please try again in a minute.");

    public Task<Result<Person>> FindAsync(PrincipalId id, CancellationToken cancellationToken)
    {
        if (Fault is not null) throw Fault;
        if ((Unavailable ?? _refused.GetValueOrDefault(id)) is { } refusal) return Task.FromResult(Result<Person>.Refuse(refusal));

        Result<Person> person = new Person(id, _handles.GetValueOrDefault(id) ?? id.User.ToLowerInvariant()) { Zone = _zones.GetValueOrDefault(id) };
        return Task.FromResult(person);
    }

    public Task<Result<IReadOnlySet<string>>> ListMembersAsync(string usergroup, CancellationToken cancellationToken)
    {
        if (Fault is not null) throw Fault;
        if (Unavailable is { } refusal) return Task.FromResult(Result<IReadOnlySet<string>>.Refuse(refusal));

        return Task.FromResult(_groups.TryGetValue(usergroup, out var members)
            ? Result<IReadOnlySet<string>>.Of(members)
            : new Error("directory.no_group", $"There is no Slack user group {usergroup}."));
    }

    public void Forget(PrincipalId id) => _forgotten.Enqueue(id);
}
