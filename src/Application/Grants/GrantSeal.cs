using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Grants;

/// <summary>Seals what was decided, and says whether a grant in the store is what was decided. Ending never asks.</summary>
public sealed class GrantSeal(ISeal seal)
{
    private const string Kind = "grant";

    /// <summary>Before it is saved for the first time.</summary>
    public Grant Seal(Grant grant)
    {
        grant.SealWith(terms => seal.Of(Kind, terms));
        return grant;
    }

    public bool IsOurs(Grant grant) => seal.Fits(Kind, GrantTerms.Of(grant.State), grant.State.Seal);

    /// <summary>A change that gives: only of what was decided here, and sealed as it is after it.</summary>
    public Result IfOurs(Grant grant, Func<Grant, Result> change) =>
        IsOurs(grant) ? Keep(grant, change) : GrantErrors.NotOurs(grant.Id);

    /// <summary>A change that may touch what is sealed: what was ours stays ours, and what was not does not become so.</summary>
    public Result Keep(Grant grant, Func<Grant, Result> change)
    {
        var ours = IsOurs(grant);
        var outcome = change(grant);
        if (ours && outcome.Refusal is null) Seal(grant);
        return outcome;
    }
}
