namespace DbAccess.Application.Grants;

/// <summary>
/// Passwords are shown when their holders press, and never posted. Not registered where they are sent.
/// </summary>
/// <param name="Within">After this long without a press a grant is given back by itself.</param>
public sealed record RevealTerms(TimeSpan Within);
