using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.TestKit;

/// <summary>Values for what does not matter to a test.</summary>
public static class Some
{
    public static readonly DateTimeOffset Now = new(2026, 3, 2, 14, 0, 0, TimeSpan.Zero);

    public const string Installation = "test-installation";

    public static PrincipalId Engineer { get; } = Person("U0ENGINE1");

    public static PrincipalId OtherEngineer { get; } = Person("U0ENGINE2");

    public static PrincipalId Dba { get; } = Person("U0DBA0001");

    public static PrincipalId Person(string user) => PrincipalId.Parse("T0DBACME1", user)!;

    public static DatabaseTarget Target(string database = "orders", string cluster = "orders-prod") =>
        new(DatabaseName.Parse("orders")!, ClusterName.Parse(cluster)!, database);

    public static PrivilegeScope ReadScope(string schema = "public") => new(
        ScopeName.Parse("read")!,
        "Read every table",
        [new PrivilegeRule(new ObjectSelector(ObjectKind.Table, schema, null), [], [Privilege.Select])],
        new Dictionary<string, string>(StringComparer.Ordinal) { ["statement_timeout"] = "60s" },
        Connections: 2,
        RunAs: null,
        HighRisk: false);

    public static PlanOnRecord Plan { get; } = new(new string('a', 64), "3 tables in orders");

    /// <summary>One of the administrators is asked, and was shown what it would give.</summary>
    public static Asking Asking(DateTimeOffset? lapsesAt = null) => new()
    {
        Stages = [new ApprovalStage(1, ["dba"])], AskedAt = Now, StageSince = Now, LapsesAt = lapsesAt ?? Now.AddHours(1),
        Remind = [TimeSpan.FromMinutes(10)], Plan = new AgreedPlan(new string('a', 64), "3 tables in orders", [], []),
    };

    public static GrantRequest Request(TimeSpan? duration = null, PrincipalId? requester = null, DatabaseTarget? target = null, PrivilegeScope? scope = null) =>
        new(Guid.NewGuid().ToString("N"), requester ?? Engineer, "erin", target ?? Target(), scope ?? ReadScope(), duration ?? TimeSpan.FromHours(1), "INC-4711 stuck orders", null, "oncall-read", "hash");

    /// <summary>A grant that a rule allowed at <paramref name="now"/>.</summary>
    public static Grant Allowed(DateTimeOffset? now = null, TimeSpan? duration = null, PrincipalId? requester = null, GrantId? id = null, GrantRequest? request = null) =>
        Grant.RequestAllowed(id ?? GrantId.New(), Installation, request ?? Request(duration, requester), now ?? Now);

    /// <summary>A grant whose role is being made.</summary>
    public static Grant Provisioning(DateTimeOffset? now = null, TimeSpan? duration = null, PrincipalId? requester = null, GrantRequest? request = null)
    {
        var grant = Allowed(now, duration, requester, request: request);
        Done(grant.BeginProvisioning(RoleName.ForGrant(Installation, grant.Id, "erin"), now ?? Now, TimeSpan.FromSeconds(60)));
        return grant;
    }

    /// <summary>A grant in use.</summary>
    public static Grant Active(DateTimeOffset? now = null, TimeSpan? duration = null, PrincipalId? requester = null, GrantRequest? request = null)
    {
        var grant = Provisioning(now, duration, requester, request);
        Done(grant.RoleMade(16_500, Plan, now ?? Now));
        Done(grant.Activate(new MessageRef("D0ENGDM01", "1767225601.000200"), now ?? Now));
        return grant;
    }

    private static void Done(Domain.Result result)
    {
        if (result.Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
    }
}
