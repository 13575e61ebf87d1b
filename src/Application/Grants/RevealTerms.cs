namespace DbAccess.Application.Grants;

/// <summary>Whether passwords are shown when their holders press, and never posted.</summary>
/// <param name="Within">After this long without a press a grant is given back by itself; null where passwords are sent.</param>
public sealed record RevealTerms(TimeSpan? Within);
