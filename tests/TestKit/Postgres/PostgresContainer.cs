using DotNet.Testcontainers.Builders;
using Testcontainers.PostgreSql;

namespace DbAccess.TestKit.Postgres;

/// <summary>PostgreSQL from its image, for machines with a container engine and without the binaries. It goes with this process, however that ends.</summary>
internal static class PostgresContainer
{
    /// <summary>What is taken where no version is asked for; as the scripts do.</summary>
    private const int Preferred = 17;

    /// <summary>Set to <c>container</c>, the server of a test assembly comes from an image; empty or absent, from binaries.</summary>
    private const string Variable = "DBACCESS_TEST_POSTGRES";

    /// <exception cref="InvalidOperationException">It is set to something else.</exception>
    public static bool IsWanted => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => false,
        "container" => true,
        var other => throw new InvalidOperationException($"{Variable} is '{other}'; it can be 'container', or empty for PostgreSQL from binaries."),
    };

    /// <exception cref="InvalidOperationException">No engine answers, or it is on another machine; says so.</exception>
    public static async Task<(PostgreSqlContainer Container, int Major)> StartAsync(int? major, string user, string password, IEnumerable<string> settings)
    {
        var version = major ?? Preferred;
        PostgreSqlContainer? container = null;
        try
        {
            container = new PostgreSqlBuilder($"postgres:{version}")
                .WithUsername(user)
                .WithPassword(password)
                .WithDatabase("postgres")
                .WithEnvironment("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C --wal-segsize=1 --auth-host=scram-sha-256")
                .WithCommand([.. settings])
                .Build();
            await container.StartAsync();
        }
        catch (DockerUnavailableException absent)
        {
            throw new InvalidOperationException($"{Variable} is 'container', and no container engine answers: start one (DOCKER_HOST names another), or leave {Variable} empty.", absent);
        }
        catch when (container is not null)
        {
            await container.DisposeAsync();
            throw;
        }

        if (container.Hostname is PostgresServer.Host or "localhost") return (container, version);

        var host = container.Hostname;
        await container.DisposeAsync();
        throw new InvalidOperationException($"The container engine is on {host}; tests reach what is on this machine only.");
    }
}
