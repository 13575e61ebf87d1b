using System.Security.Cryptography;
using DbAccess.Domain.Databases;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>What a failure says to whoever thinks of trying again.</summary>
[Flags]
internal enum Passing
{
    /// <summary>Nothing: it fails as often as it is tried, or it is no fault of a connection at all.</summary>
    Never = 0,

    /// <summary>A clash with somebody else's work, ours included: the same again will do.</summary>
    Contention = 1,

    /// <summary>Something was made, dropped or renamed between our look and our statement: another look will do.</summary>
    Overtaken = 2,

    /// <summary>The connection is gone or leads to the wrong instance. Whether the last statement was carried out is not known.</summary>
    Lost = 4,

    /// <summary>For work that looks first and can be done twice.</summary>
    Any = Contention | Overtaken | Lost,
}

/// <summary>
/// The one bounded loop of trying again, told what may be repeated. A clash is tried ten times in all, a lost connection twice more: the
/// first may only have been an old one from the pool. Between two tries it waits a little longer each time, and never as long as another
/// who was in the way at the same moment.
/// </summary>
internal sealed class Attempts(TimeProvider clock, Passing may = Passing.Any)
{
    private const int Most = 10;
    private const int MostLost = 2;

    private int _failed;
    private int _lost;

    /// <summary>What kind of failure it is: the one classification. See <see cref="ClusterFault"/> for the codes.</summary>
    public static Passing Classify(Exception failure) =>
        ClusterFault.IsLostConnection(failure) ? Passing.Lost
        : ClusterFault.IsContention(failure) ? Passing.Contention
        : ClusterFault.IsOvertaken(failure) ? Passing.Overtaken
        : Passing.Never;

    /// <summary>Counts a failure, and says whether there is a next try: pause, and go round.</summary>
    public bool Again(Exception failure, CancellationToken cancellationToken)
    {
        _failed++;
        var kind = Classify(failure) & may;
        return !cancellationToken.IsCancellationRequested
            && (kind == Passing.Lost ? ++_lost <= MostLost : kind != Passing.Never && _failed < Most);
    }

    public Task PauseAsync(CancellationToken cancellationToken) => PauseAsync(Math.Max(_failed, 1), clock, cancellationToken);

    /// <summary>For a loop with bounds of its own.</summary>
    public static Task PauseAsync(int attempt, TimeProvider clock, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(2, 10 + (15 * attempt))), clock, cancellationToken);

    /// <summary>Does the work until it is done. A failure that is not to be repeated, or was too often, goes on as it is.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await work();
            }
            catch (Exception failure) when (failure is not OperationCanceledException && Again(failure, cancellationToken))
            {
                await PauseAsync(cancellationToken);
            }
        }
    }

    /// <summary>The same, each time on a connection of its own, which is back before the pause.</summary>
    public Task<T> RunOnAsync<T>(ClusterConnections connections, ClusterName cluster, string? database,
        Func<ClusterConnection, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(async () =>
        {
            await using var connection = await connections.OpenAsync(cluster, database, cancellationToken);
            try
            {
                return await work(connection);
            }
            catch (Exception failure) when (Classify(failure) == Passing.Lost)
            {
                // Most likely those that lie idle beside it lead nowhere too, or to an instance that only reads.
                connection.DropPool();
                throw;
            }
        }, cancellationToken);
}
