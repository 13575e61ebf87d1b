using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Seals;
using DbAccess.Infrastructure.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.Sqlite;

/// <summary>Grants, accepted requests and the evidence log in one SQLite file.</summary>
public static class SqliteRegistration
{
    /// <summary>
    /// Registers the stores. <c>Grants:Sqlite:Path</c> names the file (default <c>data/dbaccess.db</c>, relative to the working directory).
    /// The file is made at its first use; a start calls <see cref="SqliteDatabase.InitializeAsync"/> to hear of a bad one at once, and
    /// health asks <see cref="SqliteDatabase.PingAsync"/>. A <see cref="TimeProvider"/> has to be registered.
    /// </summary>
    public static IServiceCollection AddSqlite(this IServiceCollection services, Settings settings)
    {
        var path = settings.Optional("Grants:Sqlite:Path", "data/dbaccess.db");
        if (path.Contains('\0', StringComparison.Ordinal) || Directory.Exists(path))
        {
            settings.Fault($"Grants:Sqlite:Path is '{path.Replace('\0', '?')}'; it must name a file, not a folder.");
            return services;
        }

        services.AddSingleton(_ => new SqliteDatabase(path));
        services.AddSingleton<IStoreSetup>(provider => provider.GetRequiredService<SqliteDatabase>());
        services.AddSingleton<UnreadableGrants>();
        services.AddSingleton<UnreadableRequests>();
        services.AddSingleton<SqliteGrantStore>();
        services.AddSingleton<IGrantStore>(provider => provider.GetRequiredService<SqliteGrantStore>());
        services.AddSingleton<IGrantRetention>(provider => provider.GetRequiredService<SqliteGrantStore>());
        services.AddSealedInbox<SqliteInbox>();
        services.AddSingleton<SqliteEvidenceLog>();
        services.AddSingleton(new EvidenceTerms(WatchedAtOnce: 20_000));
        services.AddSingleton<IAuditTrail>(provider => provider.GetRequiredService<SqliteEvidenceLog>());
        services.AddSingleton<IEvidenceLog>(provider => provider.GetRequiredService<SqliteEvidenceLog>());
        return services;
    }
}
