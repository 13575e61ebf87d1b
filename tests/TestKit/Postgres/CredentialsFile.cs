using System.Text.Json;

namespace DbAccess.TestKit.Postgres;

/// <summary>The administrator's credentials as DbAccess reads them: <c>&lt;cluster&gt;.json</c>, readable by its owner only.</summary>
public static class CredentialsFile
{
    /// <summary>Writes or replaces the file in one step and returns its path.</summary>
    /// <param name="readers">Reading instances, as <c>host:port</c>.</param>
    public static async Task<string> WriteAsync(PostgresServer server, string directory, string cluster, params string[] readers)
    {
        if (!Directory.Exists(directory))
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        var path = Path.Combine(directory, $"{cluster}.json");
        var unfinished = $"{path}.{Guid.NewGuid():n}";
        await SecretFile.WriteAsync(unfinished, JsonSerializer.Serialize(new
        {
            host = PostgresServer.Host,
            port = server.Port,
            username = PostgresServer.AdministratorName,
            password = server.AdministratorPassword,
            sslmode = server.CaCertificatePath is null ? "disable" : "verify-full",
            dbname = "postgres",
            readers,
        }));
        File.Move(unfinished, path, overwrite: true);
        return path;
    }
}
