using System.Text.Json;
using DbAccess.Api.Slack.Desk;
using DbAccess.Application.Grants;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;

namespace DbAccess.Api.Tests.Slack;

public sealed class StoryReplyTests
{
    [Fact]
    public void What_was_run_on_the_databases_is_not_shown_to_people()
    {
        var by = new Actor.Sweep();
        GrantEvent[] events =
        [
            new(1, Some.Now, "grant.provisioning", by, GrantStatus.Approved, GrantStatus.Provisioning, null),
            new(2, Some.Now, GrantEvent.Statements, by, GrantStatus.Provisioning, GrantStatus.Provisioning, "CREATE ROLE x;"),
            new(3, Some.Now, "grant.role_made", by, GrantStatus.Provisioning, GrantStatus.Provisioning, "x (oid 1)"),
        ];

        var words = JsonSerializer.Serialize(StoryReply.Of(new GrantStory(MaximalGrant.Snapshot(GrantId.New()), events, new Dictionary<PrincipalId, string>())).Parts.Select(part => part.ToString()));

        Assert.Contains("1. grant.provisioning", words, StringComparison.Ordinal);
        Assert.Contains("3. grant.role_made", words, StringComparison.Ordinal);
        Assert.DoesNotContain("grant.statements", words, StringComparison.Ordinal);
        Assert.DoesNotContain("CREATE ROLE", words, StringComparison.Ordinal);
    }
}
