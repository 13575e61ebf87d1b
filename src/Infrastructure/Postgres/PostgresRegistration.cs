using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Doctor;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Postgres;

public static class PostgresRegistration
{
    /// <summary>
    /// The role administrator on real clusters. Settings: <c>Postgres:MaxConnectionsPerCluster</c> (default 8, 1 to 100) bounds the
    /// connections to one cluster; <c>Postgres:ConnectTimeout</c> (default 5s, 1s to 60s) is how long one try to connect may take. Asks the
    /// container for <see cref="IAdminCredentials"/> and <see cref="TimeProvider"/>.
    /// </summary>
    public static IServiceCollection AddPostgres(this IServiceCollection services, Settings settings)
    {
        var options = new PostgresOptions(
            settings.Number("Postgres:MaxConnectionsPerCluster", PostgresOptions.Default.MaxConnectionsPerCluster, 1, 100),
            settings.Duration(
                "Postgres:ConnectTimeout", PostgresOptions.Default.ConnectTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)));

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<ClusterConnections>();
        services.AddSingleton<GhostHunt>();
        services.AddSingleton<WarmConnections>();
        services.AddSingleton<IGhostHunt>(provider => provider.GetRequiredService<GhostHunt>());
        services.AddSingleton(provider => new ScopeRoles(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ScopeRoles>>()));
        services.AddSingleton<PostgresRoleAdministrator>();
        services.AddSingleton<IRoleAdministrator>(provider => new ObservedRoleAdministrator(
            provider.GetRequiredService<PostgresRoleAdministrator>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<PostgresRoleAdministrator>>()));
        services.AddSingleton<IRoleInventory, RoleInventory>();
        services.AddSingleton(DoctorLimits.Default);
        services.AddSingleton<IClusterDoctor, ClusterDoctor>();
        return services;
    }
}
