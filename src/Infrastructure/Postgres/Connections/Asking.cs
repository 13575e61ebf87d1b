using DbAccess.Application.Evidence;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// The one place where statements leave for PostgreSQL. Everything that is asked of a cluster goes through here, so that a test can plant
/// a fault, a delay or a death between any two statements (<see cref="StatementSeam"/>), and so that what changes something there is kept
/// for the record of what it was done for (<see cref="RanStatements"/>). <c>Rows</c>, <c>Row</c> and <c>First</c> are for questions, which
/// are only counted; what changes something and answers as well is asked by <c>Doing…</c>. Of a batch everything counts as changing but
/// what is <see cref="Asked.Reading"/>. A test asks the server whether what leaves as a question could be more than one.
/// </summary>
/// <remarks>What fails, fails as Npgsql says; <see cref="Attempts"/> says what that means.</remarks>
internal static class Asking
{
    /// <summary>All rows.</summary>
    public static Task<List<T>> RowsAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.AllAsync(Asked.Reading(sql, values), read, cancellationToken);

    /// <summary>The first row, or null when there is none.</summary>
    public static Task<T?> RowAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
        where T : class =>
        cluster.AskAsync(
            Asked.Reading(sql, values), async reader => await reader.ReadAsync(cancellationToken) ? read(reader) : null, cancellationToken);

    /// <summary>The first row of what always has one.</summary>
    /// <exception cref="InvalidOperationException">There is none: a mistake of ours.</exception>
    public static Task<T> FirstAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.OneAsync(Asked.Reading(sql, values), read, cancellationToken);

    /// <summary>What changes something, and answers with rows.</summary>
    public static Task<List<T>> DoingRowsAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.AllAsync(new Asked(sql, values), read, cancellationToken);

    /// <summary>What changes something, and always answers with a row.</summary>
    public static Task<T> DoingFirstAsync<T>(
        this ClusterConnection cluster, string sql, Given[] values, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.OneAsync(new Asked(sql, values), read, cancellationToken);

    /// <summary>A statement that answers nothing. How many rows it changed, or −1 when it was not about rows.</summary>
    public static Task<int> RunAsync(this ClusterConnection cluster, Asked asked, CancellationToken cancellationToken) =>
        cluster.LeaveAsync([asked], async () =>
        {
            await using var command = new NpgsqlCommand(asked.Sql, cluster.Connection);
            foreach (var value in asked.Values) command.Parameters.Add(value.Parameter);
            return await command.ExecuteNonQueryAsync(cancellationToken);
        }, cancellationToken);

    public static Task<int> RunAsync(this ClusterConnection cluster, string sql, CancellationToken cancellationToken) =>
        cluster.RunAsync(new Asked(sql), cancellationToken);

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

    /// <summary>
    /// Begins a transaction; it is rolled back when it is disposed of before it was committed. One in which nothing was changed leaves no
    /// trace among what was run.
    /// </summary>
    public static async Task<ClusterTransaction> BeginAsync(this ClusterConnection cluster, CancellationToken cancellationToken)
    {
        var transaction = await cluster.Connection.BeginTransactionAsync(cancellationToken);
        cluster.Transaction = TransactionState.Begun;
        return new ClusterTransaction(cluster, transaction);
    }

    /// <summary>Ends a transaction, as a statement among the others.</summary>
    public static Task EndAsync(this ClusterConnection cluster, Asked how, Func<Task> end, CancellationToken cancellationToken) =>
        cluster.LeaveAsync([how], async () =>
        {
            await end();
            return true;
        }, cancellationToken);

    /// <summary>
    /// Several in one round trip; one transaction, but for barriers. Which of them failed, <see cref="Asked.Culprit"/> knows.
    /// </summary>
    /// <param name="prepare">Planned once per connection, for what recurs as it stands.</param>
    public static Task<T> BatchAsync<T>(
        this ClusterConnection cluster, IReadOnlyList<Asked> statements, Func<NpgsqlDataReader, Task<T>> read,
        CancellationToken cancellationToken, bool prepare = false) =>
        cluster.LeaveAsync(statements, async () =>
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
                refused.Data[Asked.Position] = index;
                throw;
            }
        }, cancellationToken);

    private static Task<List<T>> AllAsync<T>(
        this ClusterConnection cluster, Asked asked, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.AskAsync(asked, async reader =>
        {
            List<T> rows = [];
            while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
            return rows;
        }, cancellationToken);

    private static Task<T> OneAsync<T>(
        this ClusterConnection cluster, Asked asked, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        cluster.AskAsync(
            asked,
            async reader => await reader.ReadAsync(cancellationToken) ? read(reader) : throw new InvalidOperationException("No row."),
            cancellationToken);

    private static Task<T> AskAsync<T>(
        this ClusterConnection cluster, Asked asked, Func<NpgsqlDataReader, Task<T>> read, CancellationToken cancellationToken) =>
        cluster.LeaveAsync([asked], async () =>
        {
            await using var command = new NpgsqlCommand(asked.Sql, cluster.Connection);
            foreach (var value in asked.Values) command.Parameters.Add(value.Parameter);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await read(reader);
        }, cancellationToken);

    private static async Task<T> LeaveAsync<T>(
        this ClusterConnection cluster, IReadOnlyList<Asked> statements, Func<Task<T>> send, CancellationToken cancellationToken)
    {
        await cluster.Seam.Before(cluster.Connection, statements, cancellationToken);
        cluster.Leaves(statements);
        T answer;
        try
        {
            answer = await send();
        }
        catch (Exception failure)
        {
            cluster.Failed(statements, failure);
            throw;
        }
        await cluster.Seam.After(cluster.Connection, statements, cancellationToken);
        return answer;
    }
}

/// <summary>
/// A transaction on a connection of ours; see <see cref="Asking.BeginAsync"/>. Its beginning and its end are kept as soon as something is
/// changed in it.
/// </summary>
internal sealed class ClusterTransaction(ClusterConnection cluster, NpgsqlTransaction transaction) : IAsyncDisposable
{
    private bool _changed;
    private bool _over;

    public Task CommitAsync(CancellationToken cancellationToken) => EndAsync("COMMIT", transaction.CommitAsync, cancellationToken);

    public Task RollbackAsync(CancellationToken cancellationToken) => EndAsync("ROLLBACK", transaction.RollbackAsync, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Leave();
        // The driver does it.
        if (!_over && _changed) cluster.Leaves([new Asked("ROLLBACK")]);
        await transaction.DisposeAsync();
    }

    private Task EndAsync(string how, Func<CancellationToken, Task> end, CancellationToken cancellationToken)
    {
        Leave();
        return cluster.EndAsync(
            _changed ? new Asked(how) : Asked.Reading(how),
            () =>
            {
                _over = true;
                return end(cancellationToken);
            },
            cancellationToken);
    }

    private void Leave()
    {
        _changed |= cluster.Transaction == TransactionState.Changed;
        cluster.Transaction = TransactionState.None;
    }
}
