using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Evidence.Pages;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.TestKit.Evidence;

/// <summary>What happens to one grant of <see cref="SomeLog"/>.</summary>
public sealed record GrantPlot
{
    public string Id { get; init; } = "K7Q3-MD";

    public (string User, string Handle) Who { get; init; } = ("U0ERIN001", "erin");

    public string Database { get; init; } = "orders";

    public string Scope { get; init; } = "fix-orders";

    public string Rule { get; init; } = "prod-fix";

    public string Reason { get; init; } = "INC-4711 fix the status of order 8841";

    public DateTimeOffset At { get; init; } = new(2026, 11, 29, 14, 0, 0, TimeSpan.Zero);

    public TimeSpan Length { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Users who say yes, in order; none: the rule alone decides.</summary>
    public IReadOnlyList<string> Yes { get; init; } = [];

    public IReadOnlyList<string> Stages { get; init; } = [];

    /// <summary>How long each of them takes.</summary>
    public TimeSpan Thinks { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>Who says no, and why; nobody mostly.</summary>
    public (string User, string Why)? No { get; init; }

    public string Ends { get; init; } = "Expired";

    /// <summary>Who ended it; the clock mostly.</summary>
    public string? EndedBy { get; init; }

    public string? EndNote { get; init; }

    /// <summary>False: it goes on after the last event.</summary>
    public bool IsOver { get; init; } = true;

    public TimeSpan Overrun { get; init; }

    /// <summary>What it gives stands with its role, as with the first of a plan that nobody was asked about.</summary>
    public bool TellsWithRole { get; init; }

    public bool BreakGlass { get; init; }

    public string? ReviewedBy { get; init; }

    public string Summary { get; init; } = "3 tables, 1 sequence in orders";

    public IReadOnlyList<string>? Gives { get; init; } =
    [
        "select on table public.order_items in orders", "insert on table public.order_items in orders",
        "select on table public.orders in orders", "update (status) on table public.orders in orders",
        "update (updated_at) on table public.orders in orders", "select on table public.refunds in orders",
        "usage on sequence public.order_items_id_seq in orders", "usage on schema public in orders",
    ];

    /// <summary>What the role ran, <c>calls rows statement</c>; null: the server does not count.</summary>
    public IReadOnlyList<string>? Ran { get; init; } =
    [
        "6 6 SELECT id, status, updated_at FROM public.orders WHERE id = $1",
        "2 9 SELECT * FROM public.order_items WHERE order_id = $1 ORDER BY id",
        "1 1 UPDATE public.orders SET status = $1, updated_at = now() WHERE id = $2",
    ];
}

/// <summary>Events as they would stand on the log, one after the other from its first place.</summary>
public sealed class SomeLog
{
    public const string Team = "T0ACME001";
    public const string Policy = "3e1f786a0b3c4b7f93f2f0a8fd2c1d25c6a3f81d9f7be2f6f8f3a9a1c0de4b57";

    private readonly List<LoggedEvent> _events = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly long _first;

    public SomeLog(long first = 0) => _first = first;

    public IReadOnlyList<LoggedEvent> Events => _events;

    public static string Person(string user) => $"{Team}/{user}";

    public LoggedEvent Add(LogEvent happened, bool withhold = false)
    {
        var body = EventBody.Of(happened);
        var logged = LoggedEvent.Parse(body.Leaf(_first + _events.Count), withhold ? null : body.Open);
        _events.Add(logged);
        return logged;
    }

    /// <summary>A step of a grant: numbered after its last.</summary>
    public LoggedEvent Step(GrantPlot plot, DateTimeOffset at, string type, string actor, string way, bool withhold, params Fact[] what)
    {
        _numbers[plot.Id] = _numbers.GetValueOrDefault(plot.Id) + 1;
        return Add(new LogEvent
        {
            At = at, Type = type, By = Actor.Parse(actor)!, Way = way, Grant = GrantId.Parse(plot.Id), Number = _numbers[plot.Id],
            Rule = plot.Rule, PolicyHash = Policy, What = what,
            PlanHash = type is "grant.planned" or "grant.role_made" or "grant.approved" or "grant.agreed" ? PlanHash(plot) : null,
        }, withhold);
    }

    public LoggedEvent Attempt(DateTimeOffset at, string type, string user, string outcome, string? grant = null) => Add(new LogEvent
    {
        At = at, Type = type, By = Actor.Parse(Person(user))!, Way = type is "press.refused" ? Way.SlackPress : Way.SlackCommand,
        Grant = GrantId.Parse(grant), Outcome = outcome, What = [new Fact.Text("subject", grant ?? "orders"), new Fact.Number("ms", 12)],
    });

    public static string PlanHash(GrantPlot plot) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes($"{plot.Scope}\n{plot.Database}\n{plot.Summary}\n{string.Join('\n', plot.Gives ?? [])}")));

    /// <summary>A whole grant, from asking to gone.</summary>
    public SomeLog Grant(GrantPlot plot, bool withhold = false)
    {
        var at = plot.At;
        var who = Person(plot.Who.User);
        List<Fact> asked =
        [
            To("Pending"), new Fact.Text("requester", who), new Fact.Text("handle", plot.Who.Handle),
            new Fact.Text("database", plot.Database), new Fact.Text("cluster", "shop-prod"), new Fact.Text("scope", plot.Scope),
            new Fact.Sealed("reason", plot.Reason), new Fact.Number("seconds", (long)plot.Length.TotalSeconds),
        ];
        if (plot.BreakGlass) asked.Add(new Fact.Flag("break_glass", true));
        if (plot.Stages.Count > 0) asked.Add(new Fact.Texts("stages", plot.Stages));
        Step(plot, at, "grant.requested", who, Way.SlackCommand, withhold, [.. asked]);
        Attempt(at = at.AddMilliseconds(60), "command.create_grant", plot.Who.User, "done", plot.Id);
        List<string> agreed = [];
        if (plot.Yes.Count > 0 || plot.No is not null)
        {
            List<Fact> plan = [new Fact.Text("summary", plot.Summary)];
            if (plot.Gives is { } gives) plan.Add(new Fact.Texts("gives", gives));
            Step(plot, at = at.AddSeconds(1), "grant.planned", "sweep", Way.Worker, withhold, [.. plan]);
            foreach (var user in plot.Yes)
            {
                agreed.Add(Person(user));
                var last = plot.No is null && agreed.Count == plot.Yes.Count;
                List<Fact> yes = [new Fact.Texts("agreed", [.. agreed])];
                if (last) yes.AddRange([new Fact.Text("from", "Pending"), To("Approved")]);
                Step(plot, at += plot.Thinks, last ? "grant.approved" : "grant.agreed", Person(user), Way.SlackPress, withhold,
                    [.. yes]);
            }

            if (plot.No is { } no)
            {
                Step(plot, at += plot.Thinks, "grant.denied", Person(no.User), Way.SlackForm, withhold,
                    new Fact.Text("from", "Pending"), To("Denied"), new Fact.Sealed("note", no.Why));
                return this;
            }
        }
        else
        {
            Step(plot, at, "grant.approved", $"rule:{plot.Rule}", Way.SlackCommand, withhold,
                new Fact.Text("from", "Pending"), To("Approved"));
        }

        return Given(plot, at, withhold);
    }

    private SomeLog Given(GrantPlot plot, DateTimeOffset at, bool withhold)
    {
        var role = $"dba_{plot.Id.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant()}_{plot.Who.Handle}";
        var start = at.AddSeconds(1);
        var expiry = start + plot.Length;
        Fact[] window = [new Fact.Text("role", role), new Fact.Text("start", Instant(start)), new Fact.Text("expiry", Instant(expiry))];
        Step(plot, start, "grant.provisioning", "sweep", Way.Worker, withhold,
            [.. window, new Fact.Text("from", "Approved"), To("Provisioning")]);
        Step(plot, start.AddMilliseconds(140), "grant.statements", "sweep", Way.Worker, withhold, new Fact.Text("role", role),
            new Fact.Number("statements", 4), new Fact.Sealed("sql",
                $"BEGIN\nCREATE ROLE \"{role}\" LOGIN PASSWORD '…' VALID UNTIL '{Instant(expiry)}' CONNECTION LIMIT 2\n" +
                $"GRANT \"dba_s_{plot.Scope}_5c2e\" TO \"{role}\"\nCOMMIT"));
        Step(plot, start.AddMilliseconds(160), "grant.role_made", "sweep", Way.Worker, withhold,
            [
                .. window, new Fact.Number("oid", 24811), new Fact.Text("summary", plot.Summary),
                .. plot is { TellsWithRole: true, Gives: { } gives } ? [new Fact.Texts("gives", gives)] : Array.Empty<Fact>(),
            ]);
        Step(plot, start.AddMilliseconds(420), "grant.activated", "sweep", Way.Worker, withhold,
            [.. window, new Fact.Text("from", "Provisioning"), To("Active")]);
        if (!plot.IsOver) return this;

        var over = plot.Ends is "Expired" ? expiry : start + (plot.Length / 2);
        List<Fact> revoking = [new Fact.Text("from", "Active"), To("Revoking"), new Fact.Text("reason", plot.Ends)];
        if (plot.EndNote is { } note) revoking.Add(new Fact.Sealed("note", note));
        Step(plot, over.AddMilliseconds(20), "grant.revoking", plot.EndedBy is { } by ? Person(by) : "sweep",
            plot.EndedBy is null ? Way.Worker : Way.SlackCommand, withhold, [.. revoking]);
        var gone = over.AddMilliseconds(120) + plot.Overrun;
        List<Fact> receipt =
        [
            new Fact.Text("from", "Revoking"), To("Ended"), new Fact.Flag("existed", true),
            new Fact.Text("locked_out", Instant(over.AddMilliseconds(60))),
            new Fact.Number("sessions_ended", 1), new Fact.Text("last_session_gone", Instant(gone)),
            new Fact.Text("proved", Instant(gone.AddMilliseconds(40))), new Fact.Number("overrun_ms", (long)plot.Overrun.TotalMilliseconds),
            new Fact.Texts("instances", ["db-1.internal:5432 writer 1/1", "db-2.internal:5432 reader 0/0"]),
            new Fact.Texts("left", ["roles 0", "sessions 0", "owned 0", "privileges 0", "memberships 0", "settings 0"]),
        ];
        if (plot.Ran is { } ran)
        {
            receipt.Add(new Fact.Number("run_statements", ran.Count));
            receipt.Add(new Fact.Number("run_calls", ran.Sum(line => long.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture))));
            receipt.Add(new Fact.Number("run_rows", ran.Sum(line => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))));
            receipt.Add(new Fact.Sealed("run", string.Join('\n', ran)));
        }

        Step(plot, gone.AddMilliseconds(60), "grant.ended", "sweep", Way.Worker, withhold, [.. receipt]);
        if (plot.ReviewedBy is { } reviewer)
            Step(plot, gone.AddHours(2), "grant.reviewed", Person(reviewer), Way.SlackPress, withhold);
        Add(new LogEvent
        {
            At = gone.AddMilliseconds(500), Type = "notice.told", By = new Actor.Sweep(), Way = Way.Worker, Grant = GrantId.Parse(plot.Id),
            Number = _numbers[plot.Id] += 1, What = [new Fact.Text("kind", "Ended")],
        });
        return this;
    }

    /// <summary>A pack of all events of some grants; the proofs are of the right length and lead nowhere.</summary>
    public PackStory Pack(params IReadOnlyList<string> grants)
    {
        var at = _events.Count == 0 ? DateTimeOffset.UnixEpoch : _events[^1].At.AddSeconds(30);
        var size = _first + _events.Count + 31;
        const string Root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        var note = $"dbaccess/prod\n{size}\n{Root}\ntime {Instant(at)}\n\n— dbaccess/prod " +
            "Az3grjBFAiEAx0aYb1Rvm5sQPkfGZlN3v7w2sJc9hQeTt8uYl4oXjWcCIF1bq6m0rUeKzHvDn5sOpGy3aLk9iJxTf2cWQd8uVb7A\n";
        return new PackStory(new PackCheckpoint("dbaccess/prod", size, Root, at, note),
        [
            .. _events.Where(one => one.Grant is { } id && grants.Contains(id, StringComparer.Ordinal)).Select(one => new PackedEvent(one,
                Hash($"{one.Place}"), [.. Enumerable.Range(0, 15).Select(level => Hash($"{one.Place} {level}"))])),
        ]);
    }

    private static Fact.Text To(string status) => new("to", status);

    private static string Hash(string of) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(of)));

    private static string Instant(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
