using System.Globalization;

namespace DbAccess.Benchmarks;

/// <summary>
/// List prices of AWS for us-east-1 (N. Virginia), in US dollars, without free tier, discounts and tax, as AWS's public price pages gave them: DynamoDB on
/// demand since 1 November 2024, the others unchanged in 2025. They were written down from that documentation, not asked of AWS.
/// </summary>
internal static class AwsPrices
{
    public const string Source = "us-east-1, list prices as published by AWS in 2025 (DynamoDB on demand: since 2024-11-01)";

    private const double PerWriteUnit = 0.625 / 1_000_000;
    private const double PerReadUnit = 0.125 / 1_000_000;
    private const double StoragePerGb = 0.25;
    private const double BackupPerGb = 0.20;
    private const double PerInvocation = 0.20 / 1_000_000;
    private const double PerGbSecond = 0.0000166667;
    private const double PerObjectRead = 0.40 / 1_000_000;
    private const double PerKeyUse = 0.03 / 10_000;
    private const double DaysPerMonth = 30;

    // A grant from its end; its events and their places are kept for ever: counted at three years. Requests go after a day.
    private const double DaysOfGrants = 400;
    private const double DaysOfEvents = 3 * 365;
    private const double DaysOfAudit = 3 * 365;

    // One gigabyte of memory (function_memory). A second for a step is generous: the cluster and Slack take most of it.
    private const double SecondsPerStep = 1;
    private const double SecondsInVain = 0.1;
    private const double SecondsPerSweep = 0.3;
    private const double SweepsPerDay = 288;
    private const double FullPassesPerDay = 24;

    // Given, warned, ended. Who filed it asks for the first; for the other two each copy of the web application does, and one of them comes in vain.
    private const double StepsPerGrant = 3;
    private const double InVainPerGrant = 2;

    // Each copy of the web application asks when the next step is due: every ten seconds for the functions, every minute for itself; and every ten
    // seconds what waits in the inbox. While a step is due, it looks at it twice more.
    private const double Copies = 2;
    private const double LooksPerDayAndCopy = 8640 + 1440;
    private const double InboxLooksPerDayAndCopy = 8640;
    private const double InboxLook = 0.5;
    private const double LooksPerStepAndCopy = 2;

    // So many are live at a time, if each lives for an hour.
    private const double LivesPerDay = 24;

    /// <summary>What a month costs by use: a table of its parts.</summary>
    /// <param name="reads">Read units of one grant, from the request to the last notice.</param>
    /// <param name="look">Read units of asking once what is due, with nothing due.</param>
    /// <param name="sweep">Read units of one event of the sweep's function with nothing due and nothing live.</param>
    /// <param name="perLive">Read units that each live grant adds to such an event, in a function that is warm.</param>
    /// <param name="stored">What a grant leaves in the table: the grant, its events, their places.</param>
    public static IReadOnlyList<(string What, double Dollars)> Month(double grantsPerDay, double reads, double writes, double look, double sweep, double perLive, (double Grant, double Events, double Audit) stored)
    {
        var grants = grantsPerDay * DaysPerMonth;
        var live = grantsPerDay / LivesPerDay;
        var kept = grantsPerDay * ((DaysOfGrants * stored.Grant) + (DaysOfEvents * stored.Events) + (DaysOfAudit * stored.Audit)) / 1e9;
        var sweeps = SweepsPerDay * DaysPerMonth;
        var events = (grants * (StepsPerGrant + InVainPerGrant)) + sweeps;
        // The full comparison reads each live grant twice: before it lists the roles, and after.
        var comparing = (sweeps * live * perLive) + (FullPassesPerDay * DaysPerMonth * live * 2);
        var looking = (LooksPerDayAndCopy * Copies * DaysPerMonth * look) + (grants * StepsPerGrant * Copies * LooksPerStepAndCopy * look) + (InboxLooksPerDayAndCopy * Copies * DaysPerMonth * InboxLook);
        return
        [
            ("DynamoDB writes", grants * writes * PerWriteUnit),
            ("DynamoDB reads", ((grants * (reads + InVainPerGrant)) + (sweeps * sweep) + comparing + looking) * PerReadUnit),
            ("DynamoDB storage and backup", kept * (StoragePerGb + BackupPerGb)),
            ("Lambda", (events * PerInvocation) + (((grants * ((StepsPerGrant * SecondsPerStep) + (InVainPerGrant * SecondsInVain))) + (sweeps * SecondsPerSweep)) * PerGbSecond)),
            // A function that gives or takes reads policy and credentials at most once in its life; counted as if each event were a new one.
            ("S3 and KMS", events * 2 * (PerObjectRead + PerKeyUse)),
        ];
    }

    public static string Dollars(double value) => value.ToString(value < 100 ? "0.00" : "#,0", CultureInfo.InvariantCulture);
}
