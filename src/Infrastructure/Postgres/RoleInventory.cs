using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>Reads what roles there are, in two round trips, and mends scope roles. Everything is asked by OID and tag at the moment it is done.</summary>
internal sealed class RoleInventory(ClusterConnections connections, TimeProvider clock, ILogger<RoleInventory> logger) : IRoleInventory
{
    private const int Attempts = 5;

    public async Task<Result<RoleListing>> ListAsync(ClusterName cluster, string installation, IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        Result<RoleListing>? listing = null;
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                listing = await ListOnAsync(connection, cluster, installation, also, cancellationToken);
                return listing.Refusal;
            },
            cancellationToken);
        return refusal is not null ? refusal : listing!;
    }

    public async Task<Result> LockAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                await using var ask = Command(connection, InventoryStatements.Lock, Oid(role.Oid), TagOf(installation, role));
                if (await RowAsync(ask, row => (row.GetString(0), row.GetString(1)), cancellationToken) is not { } statements) return NotOurs(role);

                await RunAsync(connection, statements.Item1, cancellationToken);
                // Whoever used the login is still in.
                await using (var end = Command(connection, RoleStatements.EndSessionsOf, Oid(role.Oid))) await end.ExecuteScalarAsync(cancellationToken);
                await RunAsync(connection, statements.Item2, cancellationToken);

                await using var again = Command(connection, InventoryStatements.CanLogIn, Oid(role.Oid), TagOf(installation, role));
                return await RowAsync(again, row => row.GetBoolean(0) ? "yes" : "no", cancellationToken) is "yes"
                    ? new Error("postgres.not_mended", $"It can still log in. Let a superuser run: {statements.Item1};")
                    : null;
            },
            cancellationToken,
            refused => new Error("postgres.not_mended", $"The administrator may not change it (SQLSTATE {refused.SqlState}). Let a superuser run: ALTER ROLE {Quote(role.Name)} NOLOGIN PASSWORD NULL;"));
        return refusal ?? Result.Done;
    }

    public async Task<Result> TakeBackAsync(ClusterName cluster, string installation, FoundRole role, RoleLink member, CancellationToken cancellationToken)
    {
        var byHand = new Error("postgres.not_mended",
            $"The administrator cannot act for {member.Grantor}. Let {member.Grantor} or a superuser run: REVOKE {Quote(role.Name)} FROM {Quote(member.Role)} CASCADE;");
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                await using var ask = Command(connection, InventoryStatements.TakeBack(connection.Major), Oid(role.Oid), TagOf(installation, role), Oid(member.Oid), member.Grantor);
                if (await RowAsync(ask, row => row.GetString(0), cancellationToken) is not { } statement) return NotOurs(role);

                await RunAsync(connection, statement, cancellationToken);
                // A REVOKE that found nothing only warns.
                await using var again = Command(connection, InventoryStatements.IsMember, Oid(role.Oid), Oid(member.Oid), member.Grantor);
                return (bool)(await again.ExecuteScalarAsync(cancellationToken))! ? byHand : null;
            },
            cancellationToken,
            _ => byHand);
        return refusal ?? Result.Done;
    }

    public async Task<Result> DropScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        if (role.Mark is not RoleMark.Scope scope) return NotOurs(role);

        Task<Error?> InAsync(string? database) => TryAsync(
            cluster, database,
            connection => DropScopeOnAsync(connection, installation, role, cancellationToken),
            cancellationToken,
            refused => new Error("postgres.not_dropped",
                $"It could not be dropped: {refused.MessageText} (SQLSTATE {refused.SqlState}). Let an administrator take back what it was given ({refused.Detail?.ReplaceLineEndings("; ") ?? "see pg_shdepend"}) and run: DROP ROLE {Quote(role.Name)};"));

        var refusal = await InAsync(scope.Database);
        // Its database is gone, and with it everything it was given there.
        if (refusal?.Code == "postgres.no_database") refusal = await InAsync(null);
        return refusal ?? Result.Done;
    }

    private static async Task<Error?> DropScopeOnAsync(ClusterConnection cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        var connection = cluster.Connection;
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var tryLock = Command(cluster, RoleStatements.TryScopeLock, role.Name)) await tryLock.ExecuteScalarAsync(cancellationToken);

        await using var ask = Command(cluster, InventoryStatements.Drop, Oid(role.Oid), TagOf(installation, role));
        var found = await RowAsync(ask, row => new { Name = row.GetString(0), Ident = row.GetString(1), Drop = row.GetString(2), Database = row.GetString(3), Members = row.GetInt64(4), Owns = row.GetInt64(5) }, cancellationToken);
        if (found is null) return NotOurs(role);
        if (found.Members > 0 || found.Owns > 0) return new Error("postgres.in_use", "It has got a member or something of its own meanwhile and is kept.");

        // Compared with a scope that says nothing, everything it has is too much. DROP OWNED would also destroy what it came to own in between.
        List<ScopeDifference> differences;
        await using (var compare = Command(cluster, RoleStatements.Differences, found.Name, "[]"))
        {
            await using var reader = await compare.ExecuteReaderAsync(cancellationToken);
            differences = [.. (await ScopeRoles.ReadAsync(reader, cancellationToken)).Where(d => d.What is "spurious" or "default-spurious")];
        }
        foreach (var statement in ScopeRoles.StatementsFor(differences, found.Ident)) await RunAsync(cluster, statement, cancellationToken);
        await RunAsync(cluster, found.Database, cancellationToken);
        // Fails when anything is left anywhere, and then all of it is as before.
        await RunAsync(cluster, found.Drop, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return null;
    }

    private static async Task<Result<RoleListing>> ListOnAsync(ClusterConnection connection, ClusterName cluster, string installation, IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        await using var where = Command(connection, InventoryStatements.Where);
        var (readOnly, administrator, now, seesPasswords) = await FirstAsync(where, row => (row.GetBoolean(0), row.GetString(1), new DateTimeOffset(row.GetDateTime(2), TimeSpan.Zero), row.GetBoolean(3)), cancellationToken);
        if (readOnly)
        {
            connection.DropPool();
            return new Error("postgres.read_only", $"Cluster {cluster} led us to an instance that only reads; what it says may be old.");
        }

        List<FoundRole> roles = [];
        await using (var ask = Command(connection, InventoryStatements.Roles, RoleName.Prefix(installation), RoleTagReader.Beginning))
        {
            ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. also.Select(oid => (long)oid)] });
            await using var row = await ask.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                roles.Add(new FoundRole(
                    row.GetFieldValue<uint>(0), row.GetString(1), RoleTagReader.Read(row.IsDBNull(3) ? null : row.GetString(3), installation), row.GetBoolean(2),
                    row.GetBoolean(4), row.GetBoolean(5), null, Links(row, 6), Links(row, 9), row.GetFieldValue<string[]>(12)));
            }
        }

        if (!seesPasswords) return new RoleListing(administrator, now, roles);

        var powerless = roles.Where(role => role.Mark is RoleMark.Scope or RoleMark.Escrow).Select(role => (long)role.Oid).ToArray();
        HashSet<long> with = [];
        await using (var passwords = Command(connection, InventoryStatements.Passwords))
        {
            passwords.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = powerless });
            await using var row = await passwords.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken)) with.Add(row.GetInt64(0));
        }
        return new RoleListing(administrator, now, [.. roles.Select(role => role.Mark is RoleMark.Scope or RoleMark.Escrow ? role with { HasPassword = with.Contains(role.Oid) } : role)]);
    }

    private static IReadOnlyList<RoleLink> Links(NpgsqlDataReader row, int from)
    {
        var (oids, names, grantors) = (row.GetFieldValue<long[]>(from), row.GetFieldValue<string[]>(from + 1), row.GetFieldValue<string[]>(from + 2));
        return [.. oids.Select((oid, i) => new RoleLink((uint)oid, names[i], grantors[i]))];
    }

    /// <summary>Runs it on a connection of its own; again after a clash or a lost connection. Answers a refusal, or null when it was done.</summary>
    /// <param name="forbidden">What to say when the server refuses a statement for good.</param>
    private async Task<Error?> TryAsync(
        ClusterName cluster, string? database, Func<ClusterConnection, Task<Error?>> work, CancellationToken cancellationToken, Func<PostgresException, Error>? forbidden = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            ClusterConnection? connection = null;
            try
            {
                connection = await connections.OpenAsync(cluster, database, cancellationToken);
                return await work(connection);
            }
            catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
            {
                var lost = ClusterFault.IsLostConnection(failure) && failure is not ClusterFault;
                if (lost) connection?.DropPool();
                if (attempt < Attempts && (lost || ClusterFault.IsContention(failure)))
                {
                    if (connection is not null) await connection.DisposeAsync();
                    await PostgresRoleAdministrator.PauseAsync(attempt, clock, cancellationToken);
                    continue;
                }
                if (forbidden is not null && failure is PostgresException refused && !lost) return forbidden(refused);

                var fault = ClusterFault.From(failure, cluster, database ?? "");
                logger.LogWarning("Cluster {Cluster} could not be looked at: {Code}", cluster.Value, fault.Error.Code);
                return fault.Error;
            }
            finally
            {
                if (connection is not null) await connection.DisposeAsync();
            }
        }
    }

    private static string TagOf(string installation, FoundRole role) => role.Mark switch
    {
        RoleMark.Scope scope => RoleTag.Scope(installation, scope.Database, scope.Name, scope.Fingerprint),
        RoleMark.Escrow => RoleTag.Escrow(installation),
        _ => throw new ArgumentException("Only scope and escrow roles are mended.", nameof(role)),
    };

    private static Error NotOurs(FoundRole role) => new("postgres.gone", $"{role.Name} is not there any more, or its tag is not ours any more; nothing was changed.");

    private static string Oid(uint oid) => oid.ToString(CultureInfo.InvariantCulture);

    private static NpgsqlCommand Command(ClusterConnection cluster, string sql, params string[] values)
    {
        var command = new NpgsqlCommand(sql, cluster.Connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        return command;
    }

    private static async Task<T?> RowAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
        where T : class
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader) : null;
    }

    private static async Task<(string, string)?> RowAsync(NpgsqlCommand command, Func<NpgsqlDataReader, (string, string)> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader) : null;
    }

    private static async Task<T> FirstAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return read(reader);
    }

    private static async Task RunAsync(ClusterConnection cluster, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, cluster.Connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>For sentences only; what is sent is quoted by the server.</summary>
    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
