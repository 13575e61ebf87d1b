using System.Threading.Channels;
using DbAccess.Infrastructure.Stores;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>A store file that this program must not or cannot use: not ours, or from a newer version.</summary>
public sealed class SqliteStoreException(string message, Exception? inner = null) : StoreException(message, inner);

/// <summary>
/// The file that holds grants, requests and the audit trail. Several processes may have it open; within this one, writes go one after the
/// other, since SQLite has one writer at a time and its own way of queueing is to sleep and try again. Writes that wait at the same moment
/// share one transaction, and so one wait for the disk; each is still all or nothing by itself.
/// </summary>
public sealed class SqliteDatabase : IStoreSetup, IDisposable
{
    /// <summary>"DBAc": marks the file as ours, so that a wrong path does not fill somebody else's database with tables.</summary>
    private const int ApplicationId = 0x44424163;

    private const int InputOutput = 10;
    private const int Corrupt = 11;
    private const int DiskFull = 13;
    private const int NotADatabase = 26;

    /// <summary>More than ever waits at once in practice; keeps one transaction from growing without bound.</summary>
    private const int MostTogether = 128;

    private readonly Channel<Write> _writes = Channel.CreateUnbounded<Write>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly string _connectionString;
    private volatile bool _ready;

    /// <param name="path">The file; relative to the working directory. It and its folder are made when they are missing.</param>
    public SqliteDatabase(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        // Never "create": a file that vanishes under a running program is a lost store, not a reason to begin an empty one.
        _connectionString = new SqliteConnectionStringBuilder { DataSource = Path, Mode = SqliteOpenMode.ReadWrite, ForeignKeys = true,
            Pooling = true }.ToString();
        _writer = Task.Run(WriteLoopAsync);
    }

    public string Path { get; }

    /// <summary>
    /// Makes the file where there is none and brings its tables to this version. Done by the first use as well; a start calls it to fail
    /// early.
    /// </summary>
    /// <exception cref="SqliteStoreException">The file is not a store of this product, or is one of a newer version.</exception>
    public async Task InitializeAsync(CancellationToken cancellationToken)
    {
        if (_ready) return;
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_ready) return;
            CreateFile();
            Migrate();
            _ready = true;
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode == NotADatabase)
        {
            throw new SqliteStoreException($"{Path} is not an SQLite file.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SqliteStoreException($"{Path} cannot be made or opened: {failure.Message}", failure);
        }
        finally
        {
            _opening.Release();
        }
    }

    Task IStoreSetup.OpenAsync(CancellationToken cancellationToken) => InitializeAsync(cancellationToken);

    Task IStoreSetup.CreateAsync(CancellationToken cancellationToken) => InitializeAsync(cancellationToken);

    /// <summary>Throws when the store cannot be read.</summary>
    public async Task PingAsync(CancellationToken cancellationToken)
    {
        await InitializeAsync(cancellationToken);
        await ReadAsync(connection => connection.Scalar("SELECT count(*) FROM (SELECT 1 FROM grants LIMIT 1)"), cancellationToken);
    }

    /// <summary>Closes the idle connections; the last one to close folds the write-ahead log into the file.</summary>
    public void Dispose()
    {
        _writes.Writer.TryComplete();
        _writer.Wait();
        using (var connection = new SqliteConnection(_connectionString)) SqliteConnection.ClearPool(connection);
        _opening.Dispose();
    }

    internal async Task<T> ReadAsync<T>(Func<SqliteConnection, T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await InitializeAsync(cancellationToken);
        using var connection = Open();
        return read(connection);
    }

    /// <summary>
    /// One transaction, on disk when it returns. It keeps what <paramref name="write"/> did only if that asks for it, so that a lost race
    /// leaves nothing behind. Cancelling works up to the commit, and undoes everything.
    /// </summary>
    internal async Task<T> WriteAsync<T>(Func<SqliteConnection, (T Answer, bool Keep)> write, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await InitializeAsync(cancellationToken);
        var queued = new Write<T>(write, cancellationToken);
        ObjectDisposedException.ThrowIf(!_writes.Writer.TryWrite(queued), this);
        return await queued.Answer;
    }

    private async Task WriteLoopAsync()
    {
        var together = new List<Write>();
        while (await _writes.Reader.WaitToReadAsync())
        {
            together.Clear();
            while (together.Count < MostTogether && _writes.Reader.TryRead(out var write)) together.Add(write);
            CommitTogether(together);
        }
    }

    private void CommitTogether(List<Write> together)
    {
        try
        {
            using var connection = Open();
            // IMMEDIATE: what is read inside is still true at the commit, whatever other processes do.
            using var transaction = connection.BeginTransaction(deferred: false);
            var kept = false;
            foreach (var write in together) kept |= write.Run(connection, transaction);
            if (kept) transaction.Commit();
        }
        catch (Exception failure)
        {
            // Nothing of it is on disk: whoever was kept so far fails like the one that broke the transaction.
            foreach (var write in together) write.Fail(failure);
            return;
        }

        foreach (var write in together) write.Finish();
    }

    /// <summary>A write that waits for its turn, and its caller's answer, which it gets when the disk has it.</summary>
    private abstract class Write
    {
        public abstract bool Run(SqliteConnection connection, SqliteTransaction transaction);

        public abstract void Finish();

        public abstract void Fail(Exception failure);
    }

    private sealed class Write<T>(Func<SqliteConnection, (T Answer, bool Keep)> write, CancellationToken cancellationToken) : Write
    {
        private const string Mark = "one";
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Action? _outcome;

        public Task<T> Answer => _answer.Task;

        public override bool Run(SqliteConnection connection, SqliteTransaction transaction)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _outcome = () => _answer.TrySetCanceled(cancellationToken);
                return false;
            }

            transaction.Save(Mark);
            try
            {
                var (answer, keep) = write(connection);
                cancellationToken.ThrowIfCancellationRequested();
                if (!keep) transaction.Rollback(Mark);
                transaction.Release(Mark);
                _outcome = () => _answer.TrySetResult(answer);
                return keep;
            }
            catch (OperationCanceledException cancelled)
            {
                Undo(transaction);
                _outcome = () => _answer.TrySetCanceled(cancelled.CancellationToken);
                return false;
            }
            catch (SqliteException broken) when (broken.SqliteErrorCode is DiskFull or InputOutput or Corrupt)
            {
                // SQLite may have rolled the whole transaction back by itself.
                throw;
            }
            catch (Exception failure)
            {
                Undo(transaction);
                _outcome = () => _answer.TrySetException(failure);
                return false;
            }
        }

        public override void Finish() => _outcome?.Invoke();

        public override void Fail(Exception failure) => _answer.TrySetException(failure);

        private static void Undo(SqliteTransaction transaction)
        {
            transaction.Rollback(Mark);
            transaction.Release(Mark);
        }
    }

    /// <summary>An open connection with our settings. Settings belong to a connection, not to the file, hence again every time.</summary>
    internal SqliteConnection Open()
    {
        // A pooled connection goes on working on a file that was deleted, and everything written to it would be lost.
        if (!File.Exists(Path)) throw new SqliteStoreException($"{Path} has been removed while the program was running.");

        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            // FULL: a commit is on disk before it returns; less would lose the last ones when the power goes. The time-out is SQLite's own
            // wait for another process, which looks every few milliseconds; the library's looks every 150.
            connection.Execute("PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void CreateFile()
    {
        if (Directory.Exists(Path)) throw new SqliteStoreException($"{Path} is a folder; Grants:Sqlite:Path names a file.");
        if (File.Exists(Path)) return;

        var folder = System.IO.Path.GetDirectoryName(Path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        // Made by us and not by SQLite, so that others cannot read it even for a moment; the log files beside it inherit the mode.
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(Path, options);
    }

    private void Migrate()
    {
        using var connection = Open();
        Check(connection);
        connection.Execute("PRAGMA journal_mode = WAL");

        using var transaction = connection.BeginTransaction(deferred: false);
        // Again, now that nobody else can write: another process may have been quicker.
        for (var version = Check(connection); version < SqliteSchema.Migrations.Count; version++)
        {
            if (version == SqliteSchema.BeforeCarrying) CarriedEvents.Carry(connection);
            connection.Execute(SqliteSchema.Migrations[version]);
        }

        connection.Execute($"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {SqliteSchema.Migrations.Count};");
        transaction.Commit();
    }

    private int Check(SqliteConnection connection)
    {
        var owner = connection.Scalar("PRAGMA application_id");
        var version = (int)connection.Scalar("PRAGMA user_version");
        var empty = connection.Scalar("SELECT count(*) FROM sqlite_schema") == 0;

        if (owner != ApplicationId && (owner != 0 || !empty))
            throw new SqliteStoreException($"{Path} is an SQLite file of another program.");
        if (version > SqliteSchema.Migrations.Count)
        {
            throw new SqliteStoreException(
                $"{Path} was written by a newer version of DbAccess (its tables are of version {version}, this program knows " +
                    $"{SqliteSchema.Migrations.Count}). "
                + "Start the newer program, or give this one another file (Grants:Sqlite:Path).");
        }

        return version;
    }
}
