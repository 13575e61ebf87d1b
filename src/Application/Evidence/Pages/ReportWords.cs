namespace DbAccess.Application.Evidence.Pages;

/// <summary>What a report's sums are called, and which of them somebody should look at.</summary>
internal static class ReportWords
{
    public static IEnumerable<(string Word, long Count)> Counts(ReportSums sums) =>
    [
        ("events", sums.Events), ("requests", sums.Asked), ("grants given", sums.Given), ("grants ended", sums.Ended),
        ("still live at the end of the period", sums.StillLive), ("extended", sums.Extended), ("denied by approvers", sums.Denied),
        ("lapsed", sums.Lapsed), ("cancelled or withdrawn", sums.Cancelled), ("could not be made", sums.Failed),
        .. sums.EndReasons.Select(one => ($"ended: {Reason(one.Key)}", one.Value)),
        ("approvals by people", sums.Approvals), ("approvals in under five seconds", sums.Fast.Total),
        ("broke the glass", sums.GlassBroken), ("broke the glass, no review", sums.Unreviewed.Total),
        ("reviewed, not all right", sums.BadReviews), ("sessions that outlived the end", sums.Overruns.Total),
        ("ended unused", sums.Unused.Total), ("ended without a digest", sums.WithoutDigest), ("ended without a proof", sums.NotProved),
        ("locked out, removed later", sums.Quarantined), ("attempts", sums.Attempts), ("attempts refused", sums.Refused),
        ("attempts failed", sums.FailedAttempts), ("policies that came into force", sums.Policies),
        ("verbs of the command line", sums.Verbs),
        ("messages that did not arrive", sums.Untold), ("begun before what was read", sums.Unknown),
    ];

    /// <summary>What should not be there, with the section that tells more.</summary>
    public static IEnumerable<(string Said, string Section)> Findings(ReportSums sums)
    {
        if (sums.Unreviewed.Total > 0)
            yield return (
                $"{PageWords.Count(sums.Unreviewed.Total, "emergency access", "emergency accesses")} nobody has reviewed", "review");
        if (sums.BadReviews > 0) yield return ($"{PageWords.Count(sums.BadReviews, "review")} said “not all right”", "review");
        if (sums.NotProved > 0) yield return ($"{PageWords.Count(sums.NotProved, "grant")} ended without a proof on record", "overruns");
        if (sums.Fast.Total > 0)
            yield return ($"{PageWords.Count(sums.Fast.Total, "approval")} given in under five seconds", "fast");
        if (sums.OverrunSteps[2] + sums.OverrunSteps[3] + sums.OverrunSteps[4] is var late and > 0)
            yield return ($"{PageWords.Count(late, "grant")} had a session for more than a second after its end", "overruns");
        if (sums.Unused.Total > 0)
            yield return ($"{PageWords.Count(sums.Unused.Total, "grant")} ended without having run anything", "unused");
        if (sums.Scopes.Count(use => use.Unknown is null && use.Unused.Any()) is var wide and > 0)
            yield return ($"{PageWords.Count(wide, "scope")} gave more than anybody used", "scopes");
    }

    public static string Reason(string reason) => reason switch
    {
        "Expired" => "time was over",
        "Returned" => "given back",
        "Revoked" => "revoked",
        "Superseded" => "what it rested on was gone",
        _ => reason,
    };
}
