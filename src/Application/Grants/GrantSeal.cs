using DbAccess.Application.Ports;
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
}
