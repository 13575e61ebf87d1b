using System.Globalization;
using System.Security.Cryptography;
using Xunit;

namespace DbAccess.TestKit.Postgres;

/// <summary>
/// One server for a whole test assembly: <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>, then a constructor
/// parameter of a test class. DBACCESS_TEST_PG_MAJOR chooses the version. Where there is no PostgreSQL, the tests that ask
/// for it are skipped at a desk and fail when CI=true. With DBACCESS_TEST_POSTGRES=container it comes from an image, or no test runs.
/// </summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private PostgresServer? _server;

    /// <summary>The server; asking for it skips the test, or fails it in CI, when there is none.</summary>
    public PostgresServer Server
    {
        get
        {
            if (_server is null)
            {
                if (Environment.GetEnvironmentVariable("CI") == "true") throw new InvalidOperationException(PostgresBinaries.HowToGetThem);
                Assert.Skip(PostgresBinaries.HowToGetThem);
            }
            return _server;
        }
    }

    /// <summary>The version asked for by DBACCESS_TEST_PG_MAJOR; null takes what is there.</summary>
    public static int? WantedMajor => Environment.GetEnvironmentVariable("DBACCESS_TEST_PG_MAJOR") is { Length: > 0 } text
        ? int.Parse(text, CultureInfo.InvariantCulture)
        : null;

    public async ValueTask InitializeAsync()
    {
        if (PostgresContainer.IsWanted)
        {
            _server = await PostgresServer.StartInContainerAsync(WantedMajor);
            return;
        }

        if (PostgresBinaries.Find(WantedMajor) is null) return;
        _server = await PostgresServer.StartAsync(new() { Major = WantedMajor });
    }

    /// <summary>An empty database under a name nobody else has.</summary>
    public Task<TestDatabase> CreateDatabaseAsync(string prefix) => Server.CreateDatabaseAsync(Unique(prefix));

    /// <summary>A database with the sample shop under a name nobody else has.</summary>
    public Task<TestDatabase> CreateSampleOrdersAsync(string prefix = "orders") => Server.CreateSampleOrdersAsync(Unique(prefix));

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
    }

    private static string Unique(string prefix) => $"{prefix}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
}
