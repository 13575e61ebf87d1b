namespace DbAccess.TestKit.Evidence;

/// <summary>A month as a team of some people would have it; always the same.</summary>
public static class SomeMonth
{
    public static readonly DateTimeOffset From = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    public static readonly DateTimeOffset Until = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);

    private const string Letters = "ACDEFGHJKMNPQRTVWXY34679";

    private static readonly (string, string)[] People =
    [
        ("U0ERIN001", "erin"), ("U0SAM0001", "sam"), ("U0DANA001", "dana"), ("U0OMAR001", "omar"), ("U0MEI0001", "mei"),
        ("U0JONAS01", "jonas"), ("U0AISHA01", "aisha"),
    ];

    private static readonly string[] Reasons =
    [
        "INC-4711 fix the status of order 8841", "OPS-212 stuck refund of a customer", "INC-4730 items missing after the import",
        "SUP-9001 look at an order that was paid twice", "MIG-88 new index on orders",
    ];

    /// <param name="grants">How many, spread over the month.</param>
    public static SomeLog Of(int grants)
    {
        var log = new SomeLog();
        // Not for secrets: the same month every time.
        var random = new Random(4711);
        var span = (Until - From).TotalMinutes - 300;
        for (var i = 0; i < grants; i++)
        {
            // Denser by day, and none on Sundays.
            var at = From.AddMinutes(span * i / grants);
            at = new DateTimeOffset(at.Year, at.Month, at.Day, 8 + random.Next(9), random.Next(60), random.Next(60), TimeSpan.Zero);
            if (at.DayOfWeek is DayOfWeek.Sunday) at = at.AddDays(1);
            if (at >= Until.AddHours(-6)) at = at.AddDays(-3);
            log.Grant(Plot(i, at, random));
            if (i % 7 == 0)
                log.Attempt(at.AddMinutes(3), "command.create_grant", People[random.Next(People.Length)].Item1,
                    i % 3 == 0 ? "policy.no_rule" : "policy.too_long");
            if (i % 31 == 0) log.Attempt(at.AddMinutes(4), "press.refused", "U0SAM0001", "approval.own");
        }

        return log;
    }

    private static GrantPlot Plot(int i, DateTimeOffset at, Random random)
    {
        var who = People[(int)(People.Length * random.NextDouble() * random.NextDouble())];
        var plot = new GrantPlot
        {
            Id = Id(i), Who = who, At = at, Reason = Reasons[random.Next(Reasons.Length)],
            Length = TimeSpan.FromMinutes(15 * random.Next(1, 9)),
            Overrun = random.Next(12) == 0 ? TimeSpan.FromMilliseconds(random.Next(200, 4_000)) : TimeSpan.Zero,
        };
        return random.Next(10) switch
        {
            0 => plot with
            {
                Scope = "migrate", Rule = "migrations", Gives = null,
                Summary = "no privileges of its own in orders, acting as orders_owner",
            },
            1 => plot with { Yes = ["U0DANA001"], Stages = ["1 of dba"], No = ("U0SEC0001", "Use read instead"), },
            2 when i % 20 > 9 => plot with
            {
                Scope = "fix-orders", Rule = "emergency", BreakGlass = true, ReviewedBy = i % 3 == 0 ? null : "U0SEC0001",
            },
            3 or 4 or 5 => plot with
            {
                Yes = ["U0DANA001", "U0SEC0001"], Stages = ["1 of dba", "1 of security"],
                Thinks = i % 17 == 0 ? TimeSpan.FromSeconds(2.4) : TimeSpan.FromSeconds(random.Next(20, 600)),
                Ends = "Returned", EndedBy = who.Item1,
            },
            6 => plot with
            {
                Scope = "refund", Rule = "refunds", Database = "shop", Summary = "2 tables in billing",
                Gives = null, Ran = null,
            },
            _ => plot with
            {
                Scope = "read", Rule = "oncall-read", Database = i % 2 == 0 ? "orders" : "shop",
                Summary = "3 tables, 1 view in orders", Gives = null,
                Ran = i % 5 == 0 ? [] : ["4 4 SELECT id, status FROM public.orders WHERE id = $1"],
            },
        };
    }

    /// <summary>Another one for each number.</summary>
    private static string Id(int i)
    {
        var letters = new char[6];
        for (var at = 5; at >= 0; at--, i /= Letters.Length) letters[at] = Letters[i % Letters.Length];
        return $"{new string(letters[..4])}-{new string(letters[4..])}";
    }
}
