using Npgsql;
using NpgsqlTypes;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// The one place where statements leave for PostgreSQL. Everything that is asked of a cluster goes through here, so that a test can plant
/// a fault, a delay or a death between any two statements (<see cref="StatementSeam"/>).
/// </summary>
/// <remarks>What fails, fails as Npgsql says; <see cref="Attempts"/> says what that means.</remarks>
internal static class Asking
{
    internal const string Position = "dbaccess.statement";

    /// <summary>All rows.</summary>
    public static Task<List<T>> RowsAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.AskAsync(new Asked(sql, values), async reader =>
        {
            List<T> rows = [];
            while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
            return rows;
        }, cancellationToken);

    /// <summary>The first row, or null when there is none.</summary>
    public static Task<T?> RowAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
        where T : class =>
        cluster.AskAsync(
            new Asked(sql, values), async reader => await reader.ReadAsync(cancellationToken) ? read(reader) : null, cancellationToken);

    /// <summary>The first row of what always has one.</summary>
    /// <exception cref="InvalidOperationException">There is none: a mistake of ours.</exception>
    public static Task<T> FirstAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.AskAsync(
            new Asked(sql, values),
            async reader => await reader.ReadAsync(cancellationToken) ? read(reader) : throw new InvalidOperationException("No row."),
            cancellationToken);

    /// <summary>A statement that answers nothing. How many rows it changed, or −1 when it was not about rows.</summary>
    public static Task<int> RunAsync(this ClusterConnection cluster, string sql, Given[] values, CancellationToken cancellationToken) =>
        cluster.LeaveAsync([sql], async () =>
        {
            await using var command = new NpgsqlCommand(sql, cluster.Connection);
            foreach (var value in values) command.Parameters.Add(value.Parameter);
            return await command.ExecuteNonQueryAsync(cancellationToken);
        }, cancellationToken);

    public static Task<int> RunAsync(this ClusterConnection cluster, string sql, CancellationToken cancellationToken) =>
        cluster.RunAsync(sql, [], cancellationToken);

    /// <summary>Several that answer nothing, in one round trip and one transaction; none is done without the others.</summary>
    public static Task RunAllAsync(this ClusterConnection cluster, IEnumerable<string> statements, CancellationToken cancellationToken)
    {
        Asked[] all = [.. statements.Select(statement => new Asked(statement))];
        return all.Length == 0 ? Task.CompletedTask : cluster.BatchAsync(
            all,
            async reader =>
            {
                while (await reader.NextResultAsync(cancellationToken))
                {
                }
                return true;
            },
            cancellationToken);
    }

    /// <summary>Commits, as a statement among the others.</summary>
    public static Task CommitAsync(this ClusterConnection cluster, NpgsqlTransaction transaction, CancellationToken cancellationToken) =>
        cluster.LeaveAsync(["COMMIT"], async () =>
        {
            await transaction.CommitAsync(cancellationToken);
            return true;
        }, cancellationToken);

    /// <summary>
    /// Several in one round trip; one transaction, but for barriers. Which of them failed, <see cref="Culprit"/> knows.
    /// </summary>
    /// <param name="prepare">Planned once per connection, for what recurs as it stands.</param>
    public static Task<T> BatchAsync<T>(
        this ClusterConnection cluster, IReadOnlyList<Asked> statements, Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellationToken, bool prepare = false) =>
        cluster.LeaveAsync([.. statements.Select(statement => statement.Sql)], async () =>
        {
            await using var batch = new NpgsqlBatch(cluster.Connection);
            foreach (var statement in statements)
            {
                var command = new NpgsqlBatchCommand(statement.Sql);
                if (statement.Barrier) command.AppendErrorBarrier = true;
                foreach (var value in statement.Values) command.Parameters.Add(value.Parameter);
                batch.BatchCommands.Add(command);
            }
            try
            {
                if (prepare) await batch.PrepareAsync(cancellationToken);
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
                return await read(reader);
            }
            catch (PostgresException refused)
                when (refused.BatchCommand is NpgsqlBatchCommand command && batch.BatchCommands.IndexOf(command) is >= 0 and var index)
            {
                refused.Data[Position] = index;
                throw;
            }
        }, cancellationToken);

    /// <summary>The position of the statement of a batch that failed; null when the server did not say.</summary>
    public static int? Culprit(PostgresException refused) => refused.Data[Position] as int?;

    private static Task<T> AskAsync<T>(
        this ClusterConnection cluster, Asked asked, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellationToken) =>
        cluster.LeaveAsync([asked.Sql], async () =>
        {
            await using var command = new NpgsqlCommand(asked.Sql, cluster.Connection);
            foreach (var value in asked.Values) command.Parameters.Add(value.Parameter);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await read(reader);
        }, cancellationToken);

    private static async Task<T> LeaveAsync<T>(
        this ClusterConnection cluster, string[] statements, Func<Task<T>> send, CancellationToken cancellationToken)
    {
        await cluster.Seam.Before(cluster, statements, cancellationToken);
        var answer = await send();
        await cluster.Seam.After(cluster, statements, cancellationToken);
        return answer;
    }
}

/// <summary>A statement of a batch.</summary>
internal sealed record Asked(string Sql, params Given[] Values)
{
    /// <summary>What came before stands, whatever happens to those that follow.</summary>
    public bool Barrier { get; init; }
}

/// <summary>
/// A value for a statement, by its type: no lookup of types at run time, so that it works when compiled ahead of time. Made anew for each
/// statement.
/// </summary>
internal readonly struct Given
{
    private Given(NpgsqlParameter parameter) => Parameter = parameter;

    public NpgsqlParameter Parameter { get; }

    public static implicit operator Given(string? value) => Of(value, NpgsqlDbType.Text);

    public static implicit operator Given(string[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Text);

    public static implicit operator Given(bool value) => Of(value, NpgsqlDbType.Boolean);

    public static implicit operator Given(int value) => Of(value, NpgsqlDbType.Integer);

    public static implicit operator Given(long value) => Of(value, NpgsqlDbType.Bigint);

    public static implicit operator Given(uint value) => Of(value, NpgsqlDbType.Oid);

    public static implicit operator Given(long[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Bigint);

    public static implicit operator Given(uint[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Oid);

    public static implicit operator Given(int[] value) => Of(value, NpgsqlDbType.Array | NpgsqlDbType.Integer);

    /// <summary>An instant: <c>timestamptz</c>.</summary>
    public static implicit operator Given(DateTimeOffset value) => Of(value.UtcDateTime, NpgsqlDbType.TimestampTz);

    private static Given Of<T>(T value, NpgsqlDbType type) => new(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
}
