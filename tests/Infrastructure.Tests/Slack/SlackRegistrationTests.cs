using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Slack;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class SlackRegistrationTests
{
    [Fact]
    public void With_its_settings_every_port_is_there()
    {
        var (settings, services) = Register(("Slack:BotToken", "xoxb-1-2-abc"), ("Slack:TeamId", "T0DBACME1"), ("Slack:AppId", "A0DBACCS1"), ("Slack:ApiUrl", "http://127.0.0.1:5080/api"));

        Assert.Empty(settings.Faults);
        using var provider = services.AddLogging().BuildServiceProvider();
        Assert.NotNull(provider.GetRequiredService<IChat>());
        Assert.NotNull(provider.GetRequiredService<IForms>());
        Assert.NotNull(provider.GetRequiredService<ICards>());
        Assert.NotNull(provider.GetRequiredService<IHome>());
        Assert.NotNull(provider.GetRequiredService<ICredentialDelivery>());
        Assert.NotNull(provider.GetRequiredService<IDirectory>());
        Assert.NotNull(provider.GetRequiredService<IChatHealth>());
        Assert.Equal("http://127.0.0.1:5080/api/", provider.GetRequiredService<SlackOptions>().ApiUrl.AbsoluteUri);
    }

    [Fact]
    public void What_is_missing_is_listed_all_at_once()
    {
        var (settings, _) = Register();

        Assert.Equal(["Slack:BotToken", "Slack:TeamId", "Slack:AppId"], settings.Faults.Select(fault => fault.Split(' ')[0]));
    }

    [Theory]
    [InlineData("Slack:BotToken", "xoxp-marker-user-token")]
    [InlineData("Slack:BotToken", "xoxb-marker\r\nX: y")]
    [InlineData("Slack:TeamId", "acme")]
    [InlineData("Slack:GroupsTeamId", "E0ACMECO1")]
    [InlineData("Slack:AppId", "T0DBACME1")]
    [InlineData("Slack:ApiUrl", "http://slack.com/api/")]
    [InlineData("Slack:ApiUrl", "https://user:pass@slack.com/api/")]
    [InlineData("Reveal:Within", "soon")]
    [InlineData("Delivery", "Email")]
    public void A_setting_that_cannot_be_right_is_named(string key, string value)
    {
        var (settings, _) = Register(("Slack:BotToken", "xoxb-1-2-abc"), ("Slack:TeamId", "T0DBACME1"), ("Slack:AppId", "A0DBACCS1"), (key, value));

        var fault = Assert.Single(settings.Faults);
        Assert.Contains(key, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("marker", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Dm", null, null)]
    [InlineData("Reveal", null, 60)]
    [InlineData("reveal", "15m", 15)]
    public void Passwords_are_sent_or_shown(string delivery, string? within, int? minutes)
    {
        var (settings, services) = Register(
            ("Slack:BotToken", "xoxb-1-2-abc"), ("Slack:TeamId", "T0DBACME1"), ("Slack:AppId", "A0DBACCS1"), ("Delivery", delivery), ("Reveal:Within", within ?? ""));

        Assert.Empty(settings.Faults);
        Assert.Equal(minutes, services.BuildServiceProvider().GetRequiredService<RevealTerms>().Within?.TotalMinutes);
    }

    private static (Settings Settings, IServiceCollection Services) Register(params (string Key, string Value)[] values)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(values.GroupBy(v => v.Key).Select(v => KeyValuePair.Create(v.Key, (string?)v.Last().Value)))
            .Build();
        var settings = new Settings(configuration);
        return (settings, new ServiceCollection().AddSlack(settings));
    }
}
