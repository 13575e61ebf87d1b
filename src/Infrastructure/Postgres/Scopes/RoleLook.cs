using System.Diagnostics;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>The first look: everything it takes, bound once per order and scope role, to be sent as often as need be.</summary>
/// <param name="hands">What is known of whose hands the scope role is in; null to look at everything.</param>
internal sealed class RoleLook(RoleOrder order, ScopePart part, HandsSeen? hands = null)
{
    private readonly string _tag = RoleTag.Login(order.Installation, order.Grant, order.Target.Database, order.Expiry);

    public ScopePart Part { get; } = part;

    /// <summary>
    /// For looking at a scope without a role: an order that is never placed, so that the questions are the same, in the same words.
    /// </summary>
    public static RoleLook WithoutRole(string installation, ScopePart part, DateTimeOffset now)
    {
        var grant = GrantId.New();
        return new RoleLook(
            new RoleOrder(installation, grant, part.Target, RoleName.ForGrant(installation, grant, "nobody"), part.Scope, now, now), part);
    }

    /// <summary>The same with another scope role.</summary>
    public RoleLook With(ScopePart other) => new(order, other, hands);

    /// <summary>One round trip: the state of things, and the mark of the scope's objects.</summary>
    /// <param name="mark">False when the mark is read elsewhere; the answer's is then empty.</param>
    public Task<(RolePreparation State, string Mark)> LookAsync(
            ClusterConnection cluster, CancellationToken cancellationToken, bool mark = true)
    {
        // Until 15 a member inherits from all it is a member of, or from nothing: who is to act as an owner and own nothing themselves gets
        // nothing by themselves.
        var inherits = cluster.Major >= 16 || order.Scope.RunAs is null;
        var since = hands?.Since(Part);
        var prepare = Asked.Reading(RolePreparation.For(cluster.Major),
            Part.Role, order.Role.Value, _tag, RoleTag.Utc(order.Expiry), order.Scope.Connections.ToString(CultureInfo.InvariantCulture),
            (string[])[.. order.Scope.Settings.Keys], (string[])[.. order.Scope.Settings.Keys.Select(key => order.Scope.Settings[key])],
            Activity.Current is { } activity ? $"dbaccess/{activity.TraceId}" : "dbaccess", inherits ? "INHERIT" : "NOINHERIT",
            RoleTag.LoginPrefix(order.Installation), RoleTag.Escrow(order.Installation),
            since?.Horizon);
        // Planned once per connection; later calls find it there.
        return cluster.BatchAsync(
            mark ? [prepare, Mark()] : [prepare],
            async reader =>
            {
                await reader.ReadAsync(cancellationToken);
                var state = RolePreparation.Read(reader);
                hands?.Note(Part, since, state);
                if (!mark) return (state, "");

                await reader.NextResultAsync(cancellationToken);
                return (state, await ReadMarkAsync(reader, cancellationToken));
            },
            cancellationToken, prepare: true);
    }

    /// <summary>The mark alone.</summary>
    public Task<string> MarkAsync(ClusterConnection cluster, CancellationToken cancellationToken) =>
        cluster.BatchAsync([Mark()], reader => ReadMarkAsync(reader, cancellationToken), cancellationToken, prepare: true);

    /// <summary>Wanted against actual, in full.</summary>
    public async Task<ScopeDifferences> CompareAsync(ClusterConnection cluster, CancellationToken cancellationToken) =>
        new(await cluster.RowsAsync(ScopeStatements.Differences, [Part.Role, Part.Rules], ScopeDifference.Read, cancellationToken));

    private Asked Mark() => Asked.Reading(ScopeStatements.Mark, Part.Role, Part.Schemas, Part.HasFunctions, Part.HasColumns,
        Part.SchemaPatterns);

    private static async Task<string> ReadMarkAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        return reader.GetString(0);
    }
}
