using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// Hands over what a role owns in one database, to the escrow role or, where that may not have it, to the administrator. In portions, each
/// a transaction of its own, with so few locks that everybody else on the server keeps room for theirs: what is handed over stays so,
/// whatever comes next, and is told. A thing that cannot change hands now does not hold up the rest.
/// </summary>
internal sealed class HandOver(
    ClusterConnection cluster, string database, LeftoverRole subject, EscrowRole escrow, RoleToRemove role, RemovalFindings findings)
{
    private const string Nothing = "SELECT 1";

    /// <summary>After so many that cannot change hands it is not about single things any more.</summary>
    private const int MostStuck = 10;

    private const int MostInWords = 20;

    /// <summary>Waiting for a lock holds up everybody who wants the same; once is enough to know.</summary>
    private const string Impatient = "SELECT set_config('lock_timeout', '100ms', true)";

    private readonly HashSet<uint> _stuck = [];
    private readonly List<string> _stays = [];
    private Obstacle? _obstacle;
    private int _lastTold;

    /// <summary>Answers why something is left that has to go before the role can, or null.</summary>
    public async Task<Obstacle?> RunAsync(CancellationToken cancellationToken)
    {
        await ListedAsync(HandOverStatements.Things, cancellationToken);
        // After an error of class 53 the connection is gone, and there is no room for another try.
        if (_obstacle is not { IsFull: true }) await LargeObjectsAsync(cancellationToken);
        if (_obstacle is null) await ListedAsync(HandOverStatements.Schemas, cancellationToken);
        if (_stays.Count > 0)
            findings.Remark($"in database {database} something stays where others use it, since our administrator may not move it; names " +
                $"of theirs may be taken for it. {new Remedy("a superuser", "there", [.. _stays.Take(MostInWords)])}");
        return _obstacle ?? await RestAsync(cancellationToken);
    }

    private bool GivesUp => _stuck.Count >= MostStuck || _obstacle is { IsFull: true };

    private async Task ListedAsync(string statement, CancellationToken cancellationToken)
    {
        while (!GivesUp)
        {
            Given[] values = [subject.Oid, (uint[])[.. _stuck], (long)HandOverStatements.AtOnce];
            if (statement == HandOverStatements.Schemas) values = [.. values, escrow.IsOurs ? escrow.Ident : subject.Administrator];
            var things = await cluster.RowsAsync(statement, values, HandOverStatements.Thing.Read, cancellationToken);
            if (things.Count == 0) return;

            for (var from = 0; from < things.Count && !GivesUp;)
            {
                var (to, locks) = (from, 0L);
                do locks += things[to++].Locks;
                while (to < things.Count && locks + things[to].Locks <= things[0].Room);
                await PortionAsync(things[from..to], isFirst: true, cancellationToken);
                from = to;
            }
        }
    }

    /// <summary>All of it or, when something is in the way, one half after the other.</summary>
    private async Task PortionAsync(List<HandOverStatements.Thing> things, bool isFirst, CancellationToken cancellationToken)
    {
        if (await TryAsync(HandOverStatements.HandOver, things, isFirst, cancellationToken) is not { } obstacle) return;

        if (things.Count == 1 || obstacle.IsFull)
        {
            _stuck.Add(things[0].Oid);
            _obstacle ??= obstacle;
            return;
        }
        foreach (var half in things.Chunk((things.Count + 1) / 2))
        {
            if (GivesUp) return;
            await PortionAsync([.. half], isFirst: false, cancellationToken);
        }
    }

    private async Task LargeObjectsAsync(CancellationToken cancellationToken)
    {
        do
        {
            if (await TryAsync(HandOverStatements.HandOverLargeObjects, [], isFirst: true, cancellationToken) is { } obstacle)
            {
                _obstacle ??= obstacle;
                return;
            }
        }
        while (_lastTold > 0);
    }

    /// <summary>What lies in no schema and is no large object, all at once; and then what the role was given.</summary>
    private async Task<Obstacle?> RestAsync(CancellationToken cancellationToken)
    {
        string[] last = subject.IsScope ? [] : [subject.DropOwned];
        var owned = await cluster.RowsAsync(LeftoverStatements.Owned, [subject.Oid], row => row.GetString(0), cancellationToken);
        Obstacle? first = null;
        foreach (var heir in Heirs)
        {
            var obstacle = await TransactionAsync([], heir,
                [heir.Lend, HandOverStatements.Disarm, heir.Reassign, heir.Revoke, .. last], patience: null, cancellationToken);
            if (obstacle is null)
            {
                if (first is not null && owned.Count > 0) TakenByUs(first);
                findings.HandedOver(owned.Select(Where));
                return null;
            }
            first ??= obstacle;
            if (!obstacle.MayHelpToBeAnother) break;
        }
        return first;
    }

    private async Task<Obstacle?> TryAsync(
        string block, IReadOnlyList<HandOverStatements.Thing> things, bool isFirst, CancellationToken cancellationToken)
    {
        Obstacle? first = null;
        foreach (var heir in Heirs)
        {
            var obstacle = await TransactionAsync(
                things, heir, [heir.Lend, block, heir.Revoke], isFirst && first is null ? null : Impatient, cancellationToken);
            if (obstacle is null)
            {
                if (first is not null) TakenByUs(first);
                return null;
            }
            first ??= obstacle;
            if (!obstacle.MayHelpToBeAnother) break;
        }
        return first;
    }

    /// <summary>One transaction: all of it or nothing. Answers why not, or null.</summary>
    private async Task<Obstacle?> TransactionAsync(
        IReadOnlyList<HandOverStatements.Thing> things, Heir heir, IReadOnlyList<string> statements, string? patience,
        CancellationToken cancellationToken)
    {
        List<Asked> batch =
        [
            // Kept with what it hands to the block behind it: that names what changes hands.
            new(HandOverStatements.Set, subject.Oid, heir.Ident, role.Role.Value, (uint[])[.. things.Select(thing => thing.Class)],
                (uint[])[.. things.Select(thing => thing.Oid)]),
        ];
        if (patience is not null) batch.Add(Asked.Reading(patience));
        // A scope role of which we stayed a member would let us read what it may: it is taken back in the same go.
        if (subject.IsScope) batch.Add(new(subject.BeMember));
        batch.AddRange(statements.Select(statement => new Asked(statement)));
        if (subject.IsScope) batch.Add(new(subject.BeNoMember));
        batch.Add(Asked.Reading(HandOverStatements.Told));
        try
        {
            var (told, stays) = await cluster.BatchAsync(batch, async reader =>
            {
                while (reader.FieldCount != 2 && await reader.NextResultAsync(cancellationToken)) { }
                await reader.ReadAsync(cancellationToken);
                return (reader.GetFieldValue<string[]>(0), reader.GetFieldValue<string[]>(1));
            }, cancellationToken);
            _lastTold = told.Length;
            findings.HandedOver(told.Select(Where));
            _stays.AddRange(stays.Except(_stays, StringComparer.Ordinal));
            return null;
        }
        catch (PostgresException failure) when (Obstacle.IsOne(failure) && failure.SqlState != PostgresErrorCodes.UndefinedObject)
        {
            return Obstacle.Told(failure);
        }
    }

    private void TakenByUs(Obstacle obstacle) =>
        findings.Remark(
            $"in database {database} the escrow role could not take over what {subject.Ident} owned ({obstacle.Text}): the " +
            "administrator has it now, and what can run was switched off");

    private string Where(string thing) =>
        $"{thing} (database {database}{(subject.IsScope ? $", left as {subject.Ident}" : "")})";

    /// <summary>Who may have it, the better first. A role of another owner lacks CREATE where these things are; for the length of a
    /// transaction the escrow role has the role's own.</summary>
    private Heir[] Heirs { get; } = escrow.IsOurs
        ? [new(escrow.Ident, escrow.Lend(subject), escrow.Revoke(subject), subject.ReassignTo(escrow.Ident)), Self(subject)]
        : [Self(subject)];

    private static Heir Self(LeftoverRole subject) => new("CURRENT_USER", Nothing, Nothing, subject.ReassignTo("CURRENT_USER"));

    private sealed record Heir(string Ident, string Lend, string Revoke, string Reassign);
}
