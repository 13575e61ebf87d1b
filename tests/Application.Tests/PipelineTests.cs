using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests;

/// <summary>Logging, then audit, then validation, then the handler: shown by what each of them saw.</summary>
public sealed class PipelineTests
{
    private const string Marker = "MARKER-of-a-reason-71c2";

    private readonly Stage _stage = new();

    [Fact]
    public async Task An_invalid_attempt_is_audited_and_logged_and_reaches_nobody()
    {
        _stage.Directory.Fault = new InvalidOperationException("The handler was reached.");

        var answer = await _stage.First.SendAsync(Stage.Ask(reason: " "));

        Assert.Equal("request.invalid", answer.Refusal?.Code);
        Assert.Equal("request.invalid", Assert.Single(_stage.Audit.Records).Outcome);
        Assert.Contains(_stage.Log.Lines, line => line.Contains("CreateGrant by T0DBACME1/U0ENGINE1 on orders/read: request.invalid", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_handler_that_throws_is_audited_and_logged_as_failed()
    {
        _stage.Directory.Fault = new IOException("The directory broke.");

        await Assert.ThrowsAsync<IOException>(() => _stage.First.SendAsync(Stage.Ask()));

        Assert.Equal("failed", Assert.Single(_stage.Audit.Records).Outcome);
        Assert.Contains(_stage.Log.Lines, line => line.Contains("orders/read: failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_audit_record_that_cannot_be_written_is_the_callers_failure_and_the_log_outside_says_so()
    {
        _stage.Audit.FailNext(new IOException("The disk is full."));

        await Assert.ThrowsAsync<IOException>(() => _stage.First.SendAsync(Stage.Ask()));

        Assert.Contains(_stage.Log.Lines, line => line.Contains("orders/read: failed", StringComparison.Ordinal));
        Assert.DoesNotContain(_stage.Log.Lines, line => line.Contains("orders/read: done", StringComparison.Ordinal));

        // What was saved before is not lost: the sweep finds it.
        await _stage.First.SweepAsync();
        Assert.Equal(GrantStatus.Active, _stage.Store.Stored.Single().Status);
    }

    [Fact]
    public async Task What_takes_away_goes_on_without_a_record_and_is_recorded_afterwards()
    {
        var id = (await _stage.First.SendAsync(Stage.Ask())).Value.Id;
        await _stage.First.ProvisionAsync(id);
        _stage.Audit.FailNext(new IOException("The disk is full."));

        Assert.Null((await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(id), "stolen"))).Refusal);

        Assert.DoesNotContain(_stage.Audit.Records, record => record.Type == "command.revoke_grant");
        await _stage.First.SendAsync(new SequenceEvents());
        var late = Assert.Single(_stage.Audit.Records, record => record.Type == "command.revoke_grant");
        Assert.Equal(("done", id), (late.Outcome, late.Grant));
        Assert.Contains(_stage.Log.Lines, line => line.Contains("could not be recorded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_question_is_on_record_only_when_it_is_refused()
    {
        var id = (await _stage.First.SendAsync(Stage.Ask())).Value.Id;
        await _stage.First.ProvisionAsync(id);

        await _stage.First.SendAsync(new GetStory(Some.Engineer, id));
        await _stage.First.SendAsync(new GetStory(Some.OtherEngineer, id));

        var refused = Assert.Single(_stage.Audit.Records, record => record.Type == "press.refused");
        Assert.Equal((id, $"{Some.OtherEngineer}"), (refused.Grant, refused.By.ToString()));
    }

    [Fact]
    public async Task Questions_are_not_on_the_audit_record()
    {
        await _stage.First.SendAsync(new ListGrants(Some.Engineer));
        await _stage.First.SendAsync(new ListOffers(Some.Engineer));

        Assert.Empty(_stage.Audit.Records);
    }

    [Fact]
    public async Task No_reason_and_no_password_is_ever_logged_or_audited_whatever_goes_wrong()
    {
        var id = (await _stage.First.SendAsync(Stage.Ask(reason: Marker))).Value.Id;
        await _stage.First.SendAsync(Stage.Ask("nonsense", reason: Marker));
        await _stage.First.SendAsync(Stage.Ask(reason: Marker + new string('x', 3000)));
        _stage.Roles.ThrowAfterMaking = new IOException("The connection was lost.");
        await StepAsync();
        _stage.Delivery.IsUnknown();
        await StepAsync();
        _stage.Delivery.Breaks();
        await StepAsync();
        _stage.Delivery.Works();
        await StepAsync();
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(id), Marker));
        _stage.Chat.Breaks();
        _stage.Roles.RemovalFails = _ => FakeRoleAdministrator.RemovalNotNow();
        await StepAsync();
        _stage.Roles.RemovalFails = null;
        await StepAsync();

        string[] secrets = [Marker, .. _stage.Delivery.Attempted.Select(sent => sent.Credential.Password.Reveal())];
        Assert.True(secrets.Length >= 4);
        Assert.True(_stage.Log.Lines.Count > 10);
        Assert.All(secrets, secret =>
        {
            Assert.DoesNotContain(_stage.Log.Lines, line => line.Contains(secret, StringComparison.Ordinal));
            Assert.DoesNotContain(_stage.Audit.Records, record => record.ToString().Contains(secret, StringComparison.Ordinal));
        });

        // Nor in what is stored or told: passwords live in the delivery and nowhere else.
        var stored = string.Join('\n', _stage.Store.Stored.Select(grant => grant.ToString()).Concat((await _stage.Store.ListEventsAsync(id, TestContext.Current.CancellationToken)).Select(e => e.ToString())));
        Assert.All(secrets.Skip(1), secret => Assert.DoesNotContain(secret, stored, StringComparison.Ordinal));
    }

    private async Task StepAsync()
    {
        await _stage.First.SweepAsync();
        _stage.Clock.Advance(TimeSpan.FromSeconds(50));
    }
}
