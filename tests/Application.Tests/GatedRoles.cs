using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Tests;

internal sealed class GatedRoles(IRoleAdministrator inner, Gate gate) : IRoleAdministrator
{
    public Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken) => gate.PassAsync("Make", () => inner.MakeAsync(order, password, cancellationToken));

    public Task<Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken) => gate.PassAsync("MoveEnd", () => inner.MoveEndAsync(role, expiry, cancellationToken));

    public Task<Result> SetPasswordAsync(RoleToRemove role, Secret password, CancellationToken cancellationToken) => gate.PassAsync("SetPassword", () => inner.SetPasswordAsync(role, password, cancellationToken));

    public Task<IReadOnlyDictionary<GrantId, OpenSessions>> ListOpenAsync(ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken) =>
        gate.PassAsync("ListOpen", () => inner.ListOpenAsync(cluster, those, cancellationToken));

    public Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken) => gate.PassAsync("CountOpen", () => inner.CountOpenAsync(role, cancellationToken));

    public Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken) => gate.PassAsync("RemoveRole", () => inner.RemoveAsync(role, cancellationToken));
}
