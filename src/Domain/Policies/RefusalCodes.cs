namespace DbAccess.Domain.Policies;

/// <summary>What a policy refuses with, and so what its <c>tests:</c> may expect. Stable: people write them into files.</summary>
public static class RefusalCodes
{
    public static readonly IReadOnlyList<string> All =
    [
        "policy.unknown_database", "policy.unknown_scope", "policy.scope_not_offered", "policy.forbidden", "policy.no_rule",
        "policy.outside_hours", "policy.too_long", "policy.too_short", "policy.reason_too_short", "policy.ticket",
        // The rest comes from what is asked for rather than from the rules.
        "scope.not_narrowed", "scope.not_in_scope", "scope.which_schema", "request.unreadable",
    ];
}
