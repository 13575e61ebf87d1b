using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.TestKit;

/// <summary>A grant with every field set, each to something else: what a store forgets or mixes up shows.</summary>
public static class MaximalGrant
{
    /// <summary>Letters that stores, quotes and logs stumble over: emoji, right-to-left, control characters (no NUL), quotes, what looks like SQL or JSON, 3,000 characters.</summary>
    public static string HostileText { get; } =
        ("👩‍🚀 \"double\" 'single' `back` \\ / <b>&amp;</b> <@U0ENGINE1> \u202Eعربى שלום\u202C 中文 \u0001\u0008\t\r\n\u001B[31m\u007F\u2028 '); DROP TABLE grants;-- {\"v\":2} %I $1 @p0 "
        + new string('x', 3000))[..3000];

    public static GrantSnapshot Snapshot(GrantId id, string? text = null) => new()
    {
        Id = id,
        Version = 0,
        Status = GrantStatus.Quarantined,
        Installation = "production-eu",
        RequestKey = "cmd:5f2c0d",
        Correlation = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        Requester = PrincipalId.Parse("E0GRID001", "W0ENGINE9")!,
        Handle = "erin.o'neil",
        Target = new DatabaseTarget(DatabaseName.Parse("orders")!, ClusterName.Parse("orders-prod")!, text is null ? "Orders \"2026\"" : "ордера 🐘") { Also = ["billing", text ?? "Archive \"1\""] },
        Scope = new PrivilegeScope(
            ScopeName.Parse("fix-orders")!,
            text ?? "Correct an order's status",
            [
                new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", null), [], [Privilege.Select]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", "orders"), ["status", "updated_at"], [Privilege.Update, Privilege.Insert, Privilege.Maintain]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Sequence, "public", "orders_id_seq"), [], [Privilege.Usage]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.View, "public", null) { Pattern = "open_?*" }, [], [Privilege.Select]) { Database = "billing" },
                new PrivilegeRule(new ObjectSelector(ObjectKind.Sequence, "public", null) { OfTable = "orders" }, [], [Privilege.Usage]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Function, "api", "fix(int)"), [], [Privilege.Execute]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Schema, "api", null), [], [Privilege.Usage]),
                new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "tenant_*", null) { SchemaIsPattern = true }, [], [Privilege.Select]),
            ],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["statement_timeout"] = "60s", ["idle_in_transaction_session_timeout"] = text ?? "5min" },
            Connections: 3,
            RunAs: "orders_owner",
            HighRisk: true) { NarrowedTo = ["public.orders", text ?? "public.\"Items\""] },
        Reason = text ?? "INC-4711 stuck orders",
        Ticket = "INC-4711",
        Duration = TimeSpan.FromMinutes(90) + TimeSpan.FromTicks(7),
        AskedBy = Some.OtherEngineer,
        StartsAt = At(15),
        BreakGlass = true,
        Asking = new Asking
        {
            Stages = [new ApprovalStage(1, ["dba"]), new ApprovalStage(2, ["security", text ?? "others"])],
            AskedAt = At(16),
            LapsesAt = At(17),
            Remind = [TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30)],
            Channel = "C0APPROVE",
            StageSince = At(18),
            Reminded = 1,
            Plan = Agreed(text),
            Grew = [text ?? "select on table public.refunds"],
            Shrank = true,
            Agreements = [new Agreement(Some.Dba, text ?? "dana", 1, At(19), "3f1c0a", "0f3c")],
            Offer = new CounterOffer(Some.ReadScope(), TimeSpan.FromMinutes(15), Agreed(text), "prod-read", new Agreement(Some.Dba, "dana", 0, At(20), "3f1c0a", "0f3d")),
        },
        ExtendBy = TimeSpan.FromMinutes(30),
        Extensions = 2,
        Extended = TimeSpan.FromHours(1),
        ExtensionKey = text ?? "press:1",
        EndMoved = true,
        Card = new ApprovalCard
        {
            Refs = [new CardRef(new MessageRef("C0APPROVE", "1767225602.000300"), null, Gone: true), new CardRef(new MessageRef("D0DANADM1", "1767225602.000400"), Some.Dba)],
            DueAt = At(21),
            Attempts = 3,
            Lines = [CardLine.Reminder, CardLine.Settled],
            Direct = true,
            Trouble = text ?? "is_archived",
        },
        Review = new ReviewOwed("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24))
        {
            Since = At(22), By = Some.Dba, Called = text ?? "dana", At = At(23), AllRight = true, Why = text ?? "read addresses", Escalated = true,
            ToldAt = At(24),
        },
        Rule = "prod-fix",
        PolicyHash = "3f1c0a",
        Seal = "b1946ac92492d2347c6235b4d2611184",
        CreatedAt = At(0),
        ApprovedAt = At(1),
        Window = new AccessWindow(At(2), At(3)),
        Role = RoleName.Parse("dba_k3f9q2_erin_k7q3md_7gq2m4xz")!,
        RoleOid = uint.MaxValue,
        Plan = new PlanOnRecord("0f3c", text ?? "12 tables in orders") { Remarks = [text ?? "Row security is on for public.orders and no policy is for this role: they will see no rows"] },
        Attempts = 4,
        StepDueAt = At(5),
        Leased = true,
        StepSince = At(13),
        Trouble = text ?? "the cluster orders-prod does not answer",
        ToldOfDelay = true,
        AbandonedBecause = text ?? "the cluster went away",
        Warned = true,
        WarnedEarly = true,
        RevealBy = At(24),
        Password = new PasswordAsk(At(25), "V0WINDOW1"),
        Door = new Door(text ?? "orders-prod.example", 6432, "verify-ca"),
        EndReason = EndReason.Superseded,
        EndedBy = text ?? "dana",
        EndNote = text ?? "left the team",
        EndedAt = At(6),
        CredentialsMessage = new MessageRef("D0ENGDM01", "1767225601.000200"),
        Receipt = new RemovalReceipt(At(7), 8, At(9), At(10), true, [text ?? "table public.scratch", "function public.f()"])
        {
            Dropped = [text ?? "policy p on public.orders, which was for it only"],
            Remarks = ["prepared transaction 'tx1' in database orders was rolled back"],
            Instances = [new InstanceCheck("writer.example:5432", true, 9, 8, At(11)), new InstanceCheck("reader.example:5433", false, 0, 0, At(12))],
            Left = new RemovalProof(1, 2, 3, 4, 5, 6),
            Overrun = TimeSpan.FromMilliseconds(1234.5),
            Sessions = [new EndedSession("writer.example:5432", 4711, At(26), "10.0.0.7", text ?? "psql \"x\"", "dba_k3f9q2_erin_k7q3md_7gq2m4xz"), new EndedSession("reader.example:5433", 12, null, null, null, text ?? "app")],
            Activity = new ActivityDigest(21, 34, 55, [new ActivityLine(text ?? "SELECT count(*) FROM orders WHERE id = $1", 13, 8)]),
        },
        Blockers = [text ?? "owns a prepared transaction 'tx1'", "second"],
        Notices = [NoticeKind.Ended, NoticeKind.Ending, NoticeKind.Failed],
        NoticeDueAt = At(4),
        NoticeAttempts = 11,
        Events = 12,
    };

    private static AgreedPlan Agreed(string? text) => new("0f3c", text ?? "2 tables", [text ?? "select on table public.orders (16 kB)"], [text ?? "select on table public.orders in orders"]);

    // To the tick: stores must not round what they give back.
    private static DateTimeOffset At(int minutes) => Some.Now.AddMinutes(minutes).AddTicks(1_234_567 + minutes);
}
