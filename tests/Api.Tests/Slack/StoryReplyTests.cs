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

    [Theory]
    [InlineData("s3://evidence/prod", true)]
    [InlineData(null, false)]
    public void Where_the_proof_is_to_be_had_is_said(string? place, bool said)
    {
        var story = new GrantStory(MaximalGrant.Snapshot(GrantId.New()), [], new Dictionary<PrincipalId, string>()) { ExportedTo = place };

        var words = JsonSerializer.Serialize(StoryReply.Of(story).Parts.Select(part => part.ToString()));

        Assert.Contains($"audit export --to DIR --grant {story.Grant.Id}", words, StringComparison.Ordinal);
        Assert.Equal(said, words.Contains("s3://evidence/prod", StringComparison.Ordinal));
    }
}
