namespace DbAccess.TestKit.Postgres;

/// <summary>A database on a throw-away server, owned by a role that cannot log in and that the administrator is a member of.</summary>
public sealed class TestDatabase
{
    internal TestDatabase(PostgresServer server, string name, string owner) => (Server, Name, Owner) = (server, name, owner);

    public PostgresServer Server { get; }

    public string Name { get; }

    public string Owner { get; }

    public string SuperuserConnectionString => Server.ConnectionString(PostgresServer.SuperuserName, Server.SuperuserPassword, Name);

    public string AdministratorConnectionString => Server.ConnectionString(PostgresServer.AdministratorName, Server.AdministratorPassword, Name);

    /// <summary>For a role that a test or DbAccess has made.</summary>
    public string ConnectionStringFor(string user, string password) => Server.ConnectionString(user, password, Name);

    /// <summary>Runs statements the way a migration does: by the administrator, acting as the owner.</summary>
    public Task RunAsOwnerAsync(string sql) =>
        PostgresServer.RunAsync(AdministratorConnectionString, [("SET ROLE %I", [Owner])], sql);
}
