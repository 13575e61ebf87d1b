using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>Roles on real clusters: see <see cref="RoleMakingWalk"/> and <see cref="RoleRemovalWalk"/>.</summary>
internal sealed class PostgresRoleAdministrator(
    ClusterConnections connections, ScopeRoles scopes, IGhostHunt ghosts, WarmConnections warm, TimeProvider clock,
    ILogger<PostgresRoleAdministrator> logger) : IRoleAdministrator
{
    private readonly LoginProof _logins = new(clock);
    private readonly Followers _followers = new(connections, clock);
    private readonly ActivityLog _activity = new(connections, clock, logger);

    public async Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken)
    {
        var making = await new RoleMakingWalk(connections, scopes, _logins, clock, logger, RemoveAsync, order, password)
            .RunAsync(cancellationToken);
        if (making is RoleMaking.Made { Oid: var oid }) warm.Add(order.Target.Cluster, oid);
        return making;
    }

    public Task<Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken) =>
        new EndMoving(connections, clock, role, expiry).RunAsync(cancellationToken);

    public Task<Result> SetPasswordAsync(RoleToRemove role, Secret password, CancellationToken cancellationToken) =>
        new PasswordSetting(connections, clock, role, password).RunAsync(cancellationToken);

    public async Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken) =>
        (await OpenSessionCount.RunAsync(connections, role.Target.Cluster, role.Target.Database, [role], cancellationToken))
            .GetValueOrDefault(role.Grant) ?? new OpenSessions(0, 0, null);

    public Task<IReadOnlyDictionary<GrantId, OpenSessions>> ListOpenAsync(
        ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken) =>
        OpenSessionCount.RunAsync(connections, cluster, null, those, cancellationToken);

    public async Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        var removal = await RemoveOneAsync(role, cancellationToken);
        // Nothing was there by the name and number of the record, which whoever can write to the store could have changed.
        if (removal is not RoleRemoval.Gone { Receipt.Existed: false }) return removal;

        try
        {
            return await OwnRole.FindAsync(connections, role, cancellationToken) is { } own
                ? await RemoveOneAsync(own, cancellationToken) : removal;
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            return new RoleRemoval.NotNow(ClusterFault.From(failure, role.Target.Cluster, role.Target.Database).Error);
        }
    }

    private async Task<RoleRemoval> RemoveOneAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        var before = role.RunAs is null ? null : await OwnerChanges.RecallAsync(connections, role, cancellationToken);
        var removal = await new RoleRemovalWalk(connections, _activity, _followers, clock, logger, role, warm).RunAsync(cancellationToken);
        if (removal is not RoleRemoval.NotNow && role.Oid is { } oid) warm.Forget(role.Target.Cluster, oid);
        if (before is not null) removal = await TellAsync(role, role.RunAs!, before, removal, cancellationToken);
        ghosts.Follow(role.Target.Cluster, clock.GetUtcNow());
        return removal;
    }

    private async Task<RoleRemoval> TellAsync(
            RoleToRemove role, string owner, OwnerChanges.Remembered before, RoleRemoval removal, CancellationToken cancellationToken) =>
        removal switch
        {
            RoleRemoval.Gone gone => new RoleRemoval.Gone(
                await OwnerChanges.TellAsync(connections, role, owner, before, gone.Receipt, cancellationToken)),
            RoleRemoval.LockedOut locked => locked with
            {
                Receipt = await OwnerChanges.TellAsync(connections, role, owner, before, locked.Receipt, cancellationToken),
            },
            _ => removal,
        };
}
