using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.TestKit.Contracts;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests;

/// <summary>The fakes that the slices are tested with keep the same promises as the stores that they stand for.</summary>
public sealed class InMemoryGrantStoreContract : GrantStoreContract
{
    private readonly InMemoryGrantStore _store = new();

    protected override ValueTask<IGrantStore> OpenAsync() => new(_store);

    protected override Task MakeUnreadableAsync(GrantId id)
    {
        _store.MakeUnreadable(id);
        return Task.CompletedTask;
    }
}

public sealed class InMemoryInboxContract : InboxContract
{
    private readonly InMemoryInbox _inbox = new();

    protected override ValueTask<IInbox> OpenAsync() => new(new InMemoryInbox(_inbox));

    protected override Task SpoilAsync(string key, string field)
    {
        _inbox.MakeUnreadable(key);
        return Task.CompletedTask;
    }
}

public sealed class InMemoryEvidenceLogContract : EvidenceLogContract
{
    private readonly InMemoryEvidenceLog _log = new();
    private readonly InMemoryGrantStore _grants = new();

    protected override ValueTask<(IAuditTrail Trail, IEvidenceLog Log, IGrantStore Grants)> OpenAsync()
    {
        _grants.Evidence = _log;
        return new((_log, _log, _grants));
    }
}
