namespace DbAccess.Infrastructure.Tests.Files;

internal static class PolicyTexts
{
    /// <summary>The policy of the product's contract, word for word.</summary>
    public const string Contract = """
        version: 1
        clusters:
          orders-prod: { }                                # host, port and readers come with the administrator credentials
        databases:
          orders: { cluster: orders-prod, database: orders, tags: {env: prod}, scopes: [read, fix-orders, migrate] }
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
            settings: { statement_timeout: 60s }
            connections: 2
          migrate:                                        # the seed's incident: a migration failed, someone must run DDL
            description: Run a migration as the owner
            run_as: orders_owner                          # the session acts as the owner; the role itself can own nothing
            risk: high
          fix-orders:
            description: Correct an order's status
            privileges:
              - { on: "tables in schema public", allow: [select] }
              - { on: "table public.orders", columns: [status, updated_at], allow: [update] }
        groups:                                           # `everyone` is built in
          oncall: { slack_usergroup: S0ONCALL1 }
          dba:    { users: [U0DBA0001, U0DBA0002] }
        forbid:
          - { id: freeze, who: [everyone], databases: [orders], scopes: [fix-orders], from: 2026-12-24, until: 2026-12-27 }
        allow:                                            # first match; who, what, how long and who approves stay together
          - { id: oncall-read, who: [oncall], databases: ["*"], scopes: [read], lifetime: {default: 1h, max: 4h}, approval: none }
          - id: prod-fix
            who: [developers]
            databases: [orders]
            scopes: [fix-orders]
            lifetime: {default: 1h, max: 2h, extend: {times: 1, by: 30m}}
            require: {reason_min: 15, ticket: "^INC-\\d+$"}
            approval: {stages: [{any: 1, of: dba}], lapse: 1h, channel: C0APPROVE}
        """;

    /// <summary>As small as a policy can be, so that a line number in a test can be counted by eye.</summary>
    public const string Small = """
        version: 1
        clusters: { main: { } }
        databases:
          orders: { cluster: main, database: orders, scopes: [read] }
        scopes:
          read: { privileges: [{ on: "tables in schema public", allow: [select] }] }
        groups: { oncall: { users: [U0ENGINE1] } }
        forbid: []
        allow:
          - { id: r, who: [oncall], databases: [orders], scopes: [read], lifetime: {default: 1h, max: 4h}, approval: none }
        """;

    /// <summary><see cref="Small"/> with one piece of text replaced; fails when the piece is not there exactly once.</summary>
    public static string With(string piece, string by)
    {
        Assert.Equal(2, Small.Split(piece).Length);
        return Small.Replace(piece, by, StringComparison.Ordinal);
    }
}
