using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>Why something that a role left stays, in words for people, each with what mends it.</summary>
internal sealed class LeftoverBlockers(ClusterConnections connections, RoleToRemove role, LeftoverRole subject, EscrowRole escrow)
{
    /// <summary>More nobody reads, and a role can have a million.</summary>
    private const int Most = 100;

    public async Task<IReadOnlyList<string>> TellAsync(LeftoverPlace place, Obstacle obstacle, CancellationToken cancellationToken) =>
        place switch
        {
            { Invalid: true } =>
                [$"{subject.Ident} owns something in database {place.Database}, which is invalid. Run: DROP DATABASE {place.Ident};"],
            { Open: false } =>
                [$"{subject.Ident} owns or holds something in database {place.Database}, which takes no connections. " +
                    new Remedy($"its owner {place.Owner}", "", $"ALTER DATABASE {place.Ident} ALLOW_CONNECTIONS true CONNECTION LIMIT -1")],
            _ when obstacle.MayNotConnect =>
                [$"{subject.Ident} owns or holds something in database {place.Database}, which our administrator may not connect to. " +
                    new Remedy($"its owner {place.Owner}", "", $"GRANT CONNECT ON DATABASE {place.Ident} TO {subject.Administrator}")],
            _ when obstacle.State == Npgsql.PostgresErrorCodes.TooManyConnections =>
                [await NoRoomAsync(place.Database, obstacle, cancellationToken)],
            _ => await InsideAsync(place.Database, obstacle, cancellationToken),
        };

    /// <summary>A database that has its own bound reached is not a server that is full.</summary>
    private async Task<string> NoRoomAsync(string database, Obstacle obstacle, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken);
            if (await cluster.RowAsync(BlockerStatements.RoomIn, [database], BlockerStatements.Room.Read, cancellationToken) is
                { Limit: >= 0 } room && room.Sessions >= room.Limit)
            {
                var remedy = new Remedy($"its owner {room.Owner}", "", room.Raise);
                return $"{subject.Ident} owns or holds something in database {database}, whose CONNECTION LIMIT of {room.Limit} is " +
                    $"reached{(room.Whose is { } whose ? $" (sessions: {whose})" : "")}, so that our administrator does not get in. It " +
                    $"is tried again; end one of them, or let {remedy.Who} run: {remedy.Script}";
            }
        }
        catch (Exception failure) when (Obstacle.Of(failure) is not null)
        {
            // What was told of first is all we know.
        }
        return $"database {database}: {obstacle.Text}";
    }

    private async Task<IReadOnlyList<string>> InsideAsync(string database, Obstacle obstacle, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster =
                await connections.OpenAsync(role.Target.Cluster, database, cancellationToken, pooled: false);
            if (obstacle.IsFull)
            {
                var left = await cluster.FirstAsync(
                    BlockerStatements.Left, [subject.Oid, subject.Kinds], row => row.GetInt64(0), cancellationToken);
                return [$"what {subject.Ident} owns in database {database} ({left} things are left) could not be handed over: " +
                    $"{obstacle.Text}"];
            }
            var found = await cluster.RowsAsync(BlockerStatements.Blockers(cluster.Major), [subject.Oid, subject.Kinds],
                BlockerStatements.Blocker.Read, cancellationToken);
            List<string> lines = [];
            if (obstacle.IsLock)
            {
                foreach (var holder in await cluster.RowsAsync(
                    BlockerStatements.Holders, [subject.Oid], BlockerStatements.Holder.Read, cancellationToken))
                    lines.Add($"{holder.Relation} in database {database}, on which {subject.Ident} has something, is held by " +
                        $"{(holder.Pid is null ? $"a prepared transaction of {holder.User}"
                            : $"another session (pid {holder.Pid} of {holder.User})")}. It is left alone and waited for; to end it, " +
                        $"run{(holder.Pid is null ? " there" : "")}: {holder.End};");
            }
            else if (obstacle.State.Length > 0 && obstacle.State is not ("42501" or "42704" or "3F000"))
            {
                // Whatever an event trigger raises, with whatever code: its owner alone can silence it.
                foreach (var trigger in await cluster.RowsAsync(
                    BlockerStatements.EventTriggers, [], BlockerStatements.EventTrigger.Read, cancellationToken))
                    lines.Add($"the event trigger {trigger.Ident} in database {database} may forbid the clean-up ({obstacle.Text}). " +
                        new Remedy(
                            $"its owner {trigger.Owner} or a superuser", "there", $"ALTER EVENT TRIGGER {trigger.Ident} DISABLE") +
                        $" and, when {subject.Ident} is gone: ALTER EVENT TRIGGER {trigger.Ident} ENABLE;");
            }
            if (lines.Count > 0) return lines;

            // Those that only a superuser may own keep all others from being handed over.
            if (found.Exists(one => one.Grantors is null && one.Statement is not null))
                found.RemoveAll(one => one.Grantors is null && one.Statement is null);
            return found.Count == 0
                ? [$"database {database}: {obstacle.Text}"]
                : RemovalFindings.Bounded([.. found.Select(one => InWords(one, database, obstacle))], Most);
        }
        catch (Exception failure) when (Obstacle.Of(failure) is not null)
        {
            return [obstacle.IsFull ? $"what {subject.Ident} owns in database {database} could not be handed over: {obstacle.Text}"
                : $"database {database}: {obstacle.Text}"];
        }
    }

    private string InWords(BlockerStatements.Blocker one, string database, Obstacle obstacle) => one.Grantors is null
        ? $"{one.Thing} in database {database}: {obstacle.Text}. " + new Remedy("a superuser", "there",
            one.Statement is { } takesOver ? [takesOver] : [subject.ReassignTo(escrow.Ident), subject.DropOwned])
        : $"{one.Thing} in database {database}: {one.Privileges} given to it by {one.Grantors}. " +
            new Remedy($"{one.Grantors} or a superuser", "there", one.Statement!);
}
