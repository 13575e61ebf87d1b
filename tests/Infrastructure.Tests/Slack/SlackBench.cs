using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Slack;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Slack;

/// <summary>The adapters on one client, against whatever listens at an address.</summary>
internal sealed class SlackBench : IDisposable
{
    public const string Token = "xoxb-marker-bot-token";
    public const string Password = "MARKER_password-9f2c7d41b0";

    public SlackBench(Uri api, TimeProvider? clock = null, string token = Token, string team = "T0DBACME1", string? groups = null)
    {
        Clock = clock ?? TimeProvider.System;
        var options = new SlackOptions(api, new Secret(token), team, "A0DBACCS1", groups);
        Api = new SlackApi(options, Clock, Log.For<SlackApi>());
        var direct = new DirectMessages(Api, Clock);
        Chat = new SlackChat(Api, direct, Clock);
        Forms = new SlackForms(Api);
        Cards = new SlackCards(Api, direct, Clock);
        Home = new SlackHome(Api, Clock);
        Delivery = new SlackCredentialDelivery(Api, direct, Clock, Log.For<SlackCredentialDelivery>());
        Directory = new SlackDirectory(Api, options, Clock);
        Health = new SlackHealth(Api, options, Clock);
    }

    public TimeProvider Clock { get; }

    public CapturedLog Log { get; } = new();

    public SlackApi Api { get; }

    public SlackChat Chat { get; }

    public SlackForms Forms { get; }

    public SlackCards Cards { get; }

    public SlackHome Home { get; }

    public SlackCredentialDelivery Delivery { get; }

    public SlackDirectory Directory { get; }

    public SlackHealth Health { get; }

    public static Credential Credential(Grant grant, string host = "db.example", string database = "orders", string ssl = "verify-full") =>
        new(grant.State.Role ?? RoleName.ForGrant(Some.Installation, grant.Id, "erin"), new Secret(Password), host, 5432, database, ssl);

    public void Dispose() => Api.Dispose();
}
