using DbAccess.Infrastructure.Sqlite;
using DbAccess.TestKit;
using Microsoft.Data.Sqlite;

namespace DbAccess.Infrastructure.Tests.Sqlite;

/// <summary>A store file of one test, in a folder that goes with it.</summary>
internal sealed class SqliteFolder : IDisposable
{
    private readonly List<SqliteDatabase> _opened = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("dbaccess-sqlite-").FullName;

    public string File => Path.Combine(Folder, "store", "dbaccess.db");

    /// <summary>Another connection pool and another queue of writers each time, as in another process.</summary>
    public SqliteDatabase Open(string? file = null)
    {
        var database = new SqliteDatabase(file ?? File);
        _opened.Add(database);
        return database;
    }

    /// <summary>A bare connection, for looking at the file and for doing to it what the product never does.</summary>
    public SqliteConnection Raw(string? file = null)
    {
        var connection = new SqliteConnection($"Data Source={file ?? File};Pooling=False");
        connection.Open();
        return connection;
    }

    public void Dispose()
    {
        foreach (var database in _opened) database.Dispose();
        SecretLedger.WroteIn(Folder, "*");
        Directory.Delete(Folder, recursive: true);
    }
}
