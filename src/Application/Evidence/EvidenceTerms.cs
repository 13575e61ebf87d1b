namespace DbAccess.Application.Evidence;

/// <summary>How the store wants its log to be treated.</summary>
/// <param name="WatchedAtOnce">
/// How many events on record are looked at again with each sequencing, so that one that was edited by hand is noticed. All in turn; with as
/// many events or fewer, all of them every time.
/// </param>
public sealed record EvidenceTerms(int WatchedAtOnce);
