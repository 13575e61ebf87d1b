using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>Traces and logs what another administrator of roles does: one span and one line for each call, and never a secret.</summary>
internal sealed class ObservedRoleAdministrator(
    IRoleAdministrator inner, TimeProvider clock, ILogger<PostgresRoleAdministrator> logger) : IRoleAdministrator
{
    public async Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.make");
        var started = clock.GetTimestamp();
        var making = await inner.MakeAsync(order, password, cancellationToken);
        var (outcome, code) = making switch
        {
            RoleMaking.Made => ("made", null),
            RoleMaking.NameTaken => ("name taken", null),
            RoleMaking.Differs => ("differs from what was agreed", null),
            RoleMaking.Impossible impossible => ("impossible", impossible.Why.Code),
            RoleMaking.NotNow notNow => ("not now", notNow.Why.Code),
            _ => ("unknown", null),
        };
        Log(order.Role, order.Grant, order.Target, outcome, code, started);
        return making;
    }

    public async Task<Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.move_end");
        var started = clock.GetTimestamp();
        var moved = await inner.MoveEndAsync(role, expiry, cancellationToken);
        Log(role.Role, role.Grant, role.Target, moved.Refusal is null ? "end moved" : "end not moved", moved.Refusal?.Code, started);
        return moved;
    }

    public async Task<Result> SetPasswordAsync(RoleToRemove role, Secret password, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.set_password");
        var started = clock.GetTimestamp();
        var set = await inner.SetPasswordAsync(role, password, cancellationToken);
        Log(role.Role, role.Grant, role.Target, set.Refusal is null ? "password set" : "password not set", set.Refusal?.Code, started);
        return set;
    }

    public async Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.count_open");
        return await inner.CountOpenAsync(role, cancellationToken);
    }

    public async Task<IReadOnlyDictionary<GrantId, OpenSessions>> ListOpenAsync(
        ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.list_open");
        return await inner.ListOpenAsync(cluster, those, cancellationToken);
    }

    public async Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        using var activity = Telemetry.Activities.StartActivity("role.remove");
        var started = clock.GetTimestamp();
        var removal = await inner.RemoveAsync(role, cancellationToken);
        var (outcome, code) = removal switch
        {
            RoleRemoval.Gone => ("gone", null),
            RoleRemoval.LockedOut => ("locked out", null),
            RoleRemoval.NotNow notNow => ("not now", notNow.Why.Code),
            _ => ("unknown", null),
        };
        Log(role.Role, role.Grant, role.Target, outcome, code, started);
        return removal;
    }

    private void Log(RoleName role, GrantId grant, DatabaseTarget target, string outcome, string? code, long started) =>
        logger.LogInformation("Role {Role} of grant {Grant} on {Database}: {Outcome} {Code}, {Ms:0.0} ms",
            role, grant, target.Name, outcome, code, clock.GetElapsedTime(started).TotalMilliseconds);
}
