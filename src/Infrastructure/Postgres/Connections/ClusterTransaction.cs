using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// A transaction on a connection of ours; see <see cref="Asking.BeginAsync"/>. Its beginning and its end are kept as soon as something is
/// changed in it.
/// </summary>
internal sealed class ClusterTransaction(ClusterConnection cluster, NpgsqlTransaction transaction) : IAsyncDisposable
{
    private bool _over;

    /// <summary>Something was changed in it.</summary>
    public bool Changes { get; set; }

    public Task CommitAsync(CancellationToken cancellationToken) => EndAsync("COMMIT", transaction.CommitAsync, cancellationToken);

    public Task RollbackAsync(CancellationToken cancellationToken) => EndAsync("ROLLBACK", transaction.RollbackAsync, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        cluster.Transaction = null;
        // The driver does it.
        if (!_over && Changes) cluster.Leaves([new Asked("ROLLBACK")]);
        await transaction.DisposeAsync();
    }

    private Task EndAsync(string how, Func<CancellationToken, Task> end, CancellationToken cancellationToken)
    {
        cluster.Transaction = null;
        return cluster.EndAsync(
            Changes ? new Asked(how) : Asked.Reading(how),
            () =>
            {
                _over = true;
                return end(cancellationToken);
            },
            cancellationToken);
    }
}
