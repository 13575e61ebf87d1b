using DbAccess.Application.Ports;

namespace DbAccess.Api.Slack.Home;

internal static class HomeRegistration
{
    /// <summary>Pages that follow what happens in this process. The store of grants has to be registered before.</summary>
    public static IServiceCollection AddHome(this IServiceCollection services)
    {
        services.AddSingleton<HomeVisitors>();
        services.AddHostedService<HomeWorker>();
        services.AddSingleton<NowNews>();
        services.AddHostedService<NowWorker>();

        var store = services.Last(service => service.ServiceType == typeof(IGrantStore));
        services.Remove(store);
        return services.AddSingleton<IGrantStore>(provider => new NotedGrantStore(
            (IGrantStore)(store.ImplementationInstance ?? store.ImplementationFactory?.Invoke(provider)
                ?? ActivatorUtilities.CreateInstance(provider, store.ImplementationType!)),
            provider.GetRequiredService<HomeVisitors>(), provider.GetRequiredService<NowNews>()));
    }
}
