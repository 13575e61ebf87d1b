using System.Text.RegularExpressions;
using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DbAccess.Infrastructure.Slack;

public static partial class SlackRegistration
{
    /// <summary>
    /// Chat, delivery of credentials and directory, all in Slack. Faults are gathered in <paramref name="settings"/>.
    /// <c>Slack:NowChannel</c>: the id of a channel with a card of who has access now; none when nothing is said.
    /// </summary>
    public static IServiceCollection AddSlack(this IServiceCollection services, Settings settings)
    {
        var token = settings.RequiredSecret("Slack:BotToken");
        if (!TokenShape().IsMatch(token.Reveal()) && token.Reveal() != "missing")
            settings.Fault("Slack:BotToken is not a bot token; one starts with xoxb-.");
        var team = Shaped(settings, "Slack:TeamId", TeamShape(),
            "a workspace id (T…), or an organisation id (E…) for an app installed on a whole Enterprise Grid");
        var app = Shaped(settings, "Slack:AppId", AppShape(), "an app id (A…)");
        var groups = settings.Optional("Slack:GroupsTeamId", "");
        if (groups.Length > 0 && !WorkspaceShape().IsMatch(groups))
            settings.Fault($"Slack:GroupsTeamId is '{groups}'; it must be the id (T…) of the workspace whose groups the policy names.");
        var now = settings.OptionalChannel("Slack:NowChannel");
        services.AddSingleton(new NowTerms(now));
        var api = settings.Address("Slack:ApiUrl", "https://slack.com/api/");
        var shown = settings.Choice("Delivery", "Dm", ["Dm", "Reveal"]) == "Reveal";
        var within = settings.Duration("Reveal:Within", TimeSpan.FromHours(1), TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        services.AddSingleton(new RevealTerms(shown ? within : null));

        services.TryAddSingleton(TimeProvider.System);
        // Methods are resolved below the address, which drops a last part without a slash.
        services.AddSingleton(new SlackOptions(
            api.AbsoluteUri.EndsWith('/') ? api : new Uri(api.AbsoluteUri + "/"), token, team, app, groups.Length > 0 ? groups : null));
        services.AddSingleton<SlackApi>();
        services.AddSingleton<DirectMessages>();
        services.AddSingleton<IChat, SlackChat>();
        services.AddSingleton<IForms, SlackForms>();
        services.AddSingleton<ICards, SlackCards>();
        services.AddSingleton<IHome, SlackHome>();
        services.AddSingleton<ICredentialDelivery, SlackCredentialDelivery>();
        services.AddSingleton<IDirectory, SlackDirectory>();
        services.AddSingleton<IChatHealth, SlackHealth>();
        return services;
    }

    private static string Shaped(Settings settings, string key, Regex shape, string what)
    {
        var value = settings.Required(key);
        if (value.Length > 0 && !shape.IsMatch(value)) settings.Fault($"{key} is '{value}'; it must be {what}.");
        return value;
    }

    [GeneratedRegex(@"^(?:xoxe\.)?xoxb-[A-Za-z0-9._-]{1,500}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex TokenShape();

    [GeneratedRegex(@"^[TE][A-Z0-9]{2,20}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex TeamShape();

    [GeneratedRegex(@"^T[A-Z0-9]{2,20}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex WorkspaceShape();

    [GeneratedRegex(@"^A[A-Z0-9]{2,20}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex AppShape();
}
