using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Endpoints;
using DbAccess.Api.Slack.Home;
using DbAccess.Api.Slack.Inbox;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Domain;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace DbAccess.Api.Slack;

/// <summary>Everything that Slack's requests need on our side, apart from the ports.</summary>
internal static class SlackWayIn
{
    private const int MostConnections = 2_000;

    /// <summary>From here on the server would turn away whoever comes, while the idle stay.</summary>
    private const int RoomForNew = 200;

    /// <summary>Nobody is told what listens here, and nobody sends more than Slack would.</summary>
    public static void Narrow(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // The server counts the framing of chunks too; the door counts the body itself, to the byte.
        kestrel.Limits.MaxRequestBodySize = SlackDoor.LargestBody + (64 * 1024);
        // What the server reads ahead of us, and for whom: nobody is known yet.
        kestrel.Limits.MaxRequestBufferSize = 64 * 1024;
        kestrel.Limits.MaxConcurrentConnections = MostConnections;
        var crowd = new Crowd(MostConnections - RoomForNew);
        kestrel.ConfigureEndpointDefaults(listen => listen.Use(next => connection => crowd.StayAsync(connection, next)));
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
    }

    /// <param name="hosted">Do the work of the inbox in this process.</param>
    public static IServiceCollection AddSlackWayIn(
            this IServiceCollection services, IReadOnlyList<Secret> signingSecrets, SlackTenant tenant, bool hosted,
            int requestsPerMinute)
    {
        services.AddSingleton(provider => new SlackSignature(signingSecrets, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(tenant);
        services.AddSingleton(new PaceLimit(requestsPerMinute));
        services.AddSingleton<UnsignedBodies>();
        services.AddSingleton<SlackDoor>();
        services.AddSingleton<PersonPace>();
        services.AddSingleton<HelpPace>();
        services.AddSingleton<SubmissionCheck>();
        services.AddSingleton<Suggestions>();
        services.AddSingleton<CommandEndpoint>();
        services.AddSingleton<InteractivityEndpoint>();
        services.AddSingleton<EventEndpoint>();
        services.AddTransient<RequestDesk>();
        services.AddTransient<DecisionDesk>();
        services.AddTransient<FormPreview>();
        services.AddTransient<HolderDesk>();
        services.AddTransient<PresetDesk>();
        services.AddSingleton<InboxWorker>();
        if (!hosted) return services.AddSingleton<HomeVisitors>();
        services.AddHostedService(provider => provider.GetRequiredService<InboxWorker>());
        return services.AddHome();
    }
}
