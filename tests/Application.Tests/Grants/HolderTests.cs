using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

/// <summary>What a holder does while access is live: another password, the password shown, how to connect.</summary>
public sealed class HolderTests
{
    private readonly Stage _stage = new();

    private GrantId? _id;

    private GrantId Id => _id!;

    [Fact]
    public async Task A_new_password_opens_the_role_and_the_one_before_does_not()
    {
        _id = await _stage.GivenAsync();
        var (old, message, oid) = (Newest(), _stage.Of(Id).CredentialsMessage!, _stage.Of(Id).RoleOid);

        await RenewAsync();

        var fresh = Newest();
        Assert.False(_stage.Roles.CanLogIn(old.Role, old.Password.Reveal()));
        Assert.True(_stage.Roles.CanLogIn(fresh.Role, fresh.Password.Reveal()));
        Assert.Equal((old.Host, old.Port, old.Database, old.Role, old.SslMode), (fresh.Host, fresh.Port, fresh.Database, fresh.Role, fresh.SslMode));
        Assert.Equal([message], _stage.Chat.Removed);
        Assert.NotEqual(message, _stage.Of(Id).CredentialsMessage);
        Assert.Equal((oid, (PasswordAsk?)null, _stage.Of(Id).Window!.Expiry.AddMinutes(-15)), (_stage.Of(Id).RoleOid, _stage.Of(Id).Password, _stage.Of(Id).StepDueAt));
        Assert.Equal(["grant.password_asked", "grant.password_renewed"], (await _stage.StoryAsync(Id)).TakeLast(2));
        Assert.Contains(_stage.Audit.Records, record => record is { Type: "command.renew_password", Outcome: "done" });
    }

    [Fact]
    public async Task Pressed_twice_it_comes_once()
    {
        _id = await _stage.GivenAsync();
        Assert.Null((await _stage.First.SendAsync(new RenewPassword(Some.Engineer, Id))).Refusal);

        Assert.Equal("grant.password_coming", (await _stage.First.SendAsync(new RenewPassword(Some.Engineer, Id))).Refusal?.Code);
        await _stage.First.ProvisionAsync(Id);

        Assert.Equal(2, _stage.Delivery.Delivered.Count);
    }

    [Fact]
    public async Task Nobody_else_gets_one_and_nobody_after_the_end()
    {
        _id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));

        Assert.Equal("grant.not_holder", (await _stage.First.SendAsync(new RenewPassword(Some.OtherEngineer, Id))).Refusal?.Code);
        Assert.Equal("grant.not_holder", (await _stage.First.SendAsync(new GetConnection(Some.OtherEngineer, Id))).Refusal?.Code);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("grant.no_password", (await _stage.First.SendAsync(new RenewPassword(Some.Engineer, Id))).Refusal?.Code);
        Assert.Single(_stage.Delivery.Delivered);
    }

    [Fact]
    public async Task A_role_that_is_gone_is_not_made_again_for_it()
    {
        _id = await _stage.GivenAsync();
        _stage.Roles.DropByHand(_stage.Of(Id).Role!);

        await RenewAsync();
        await _stage.SettleAsync(_stage.First, _stage.Now.AddMinutes(5));

        Assert.Empty(_stage.Roles.Roles);
        Assert.Single(_stage.Delivery.Delivered);
        Assert.Contains("no new password", Assert.Single(_stage.Chat.SaidTo(Some.Engineer)), StringComparison.Ordinal);
        Assert.Equal(GrantStatus.Active, _stage.Of(Id).Status);
    }

    [Fact]
    public async Task A_record_that_was_changed_since_gets_none()
    {
        _id = await _stage.GivenAsync();
        await _stage.First.SendAsync(new RenewPassword(Some.Engineer, Id));
        await _stage.Store.SaveAsync(new Grant(_stage.Of(Id) with { Reason = "another one" }), TestContext.Current.CancellationToken);

        await _stage.First.ProvisionAsync(Id);

        Assert.Single(_stage.Delivery.Delivered);
    }

    [Fact]
    public async Task Given_back_while_it_is_on_its_way_the_new_message_is_taken_away()
    {
        _id = await _stage.GivenAsync();
        MessageRef? old = _stage.Of(Id).CredentialsMessage;
        _stage.Delivery.Meanwhile = async (_, _) => Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, Id))).Refusal);

        await RenewAsync();
        await _stage.SettleAsync(_stage.First, _stage.Now.AddHours(2));

        Assert.Equal(GrantStatus.Ended, _stage.Of(Id).Status);
        Assert.Empty(_stage.Roles.Roles);
        Assert.Equal(2, _stage.Delivery.Delivered.Count);
        Assert.Equal(2, _stage.Chat.Removed.Distinct().Count());
        Assert.Contains(old!, _stage.Chat.Removed);
    }

    [Fact]
    public async Task Whatever_dies_on_the_way_at_most_one_message_holds_a_password_that_works()
    {
        for (var boundary = 0; ; boundary++)
        {
            var stage = new Stage();
            var id = await stage.GivenAsync();
            await stage.First.SendAsync(new RenewPassword(Some.Engineer, id));
            stage.First.Gate.Revive();

            var died = await stage.First.DiesAtAsync(boundary, () => stage.First.ProvisionAsync(id));
            await stage.SettleAsync(stage.First, stage.Now.AddMinutes(5));

            Assert.Single(stage.Delivery.Attempted, sent => stage.Roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal()));
            Assert.Null(stage.Of(id).Password);
            if (died) continue;
            Assert.InRange(boundary, 8, 40);
            return;
        }
    }

    [Theory]
    [InlineData(0, 0, null, "You have no session open.", null)]
    [InlineData(1, 0, null, "You have 1 open session, and no transaction in it.", null)]
    [InlineData(3, 2, 250, "You have 2 open transactions (idle for 4m): what is not committed by then is lost.", "with 2 open transactions")]
    [InlineData(1, 1, null, "You have 1 open transaction: what is not committed by then is lost.", "with 1 open transaction")]
    public async Task A_warning_says_what_is_open(int sessions, int transactions, int? idle, string words, string? summary)
    {
        _id = await _stage.GivenAsync();
        _stage.Roles.Open = _ => Task.FromResult(new OpenSessions(sessions, transactions, idle is { } seconds ? TimeSpan.FromSeconds(seconds) : null));

        var warning = await WarnedAsync();

        Assert.Contains(words, FakeChat.Words(warning), StringComparison.Ordinal);
        if (summary is not null) Assert.Contains(summary, warning.Summary, StringComparison.Ordinal);
        else Assert.DoesNotContain("transaction", warning.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_what_is_open_cannot_be_said_the_warning_comes_without_it_and_in_time()
    {
        _id = await _stage.GivenAsync();
        _stage.Roles.Open = _ => throw new InvalidOperationException("The server does not answer.");
        Assert.Contains("Finish what is open.", FakeChat.Words(await WarnedAsync()), StringComparison.Ordinal);

        // One that does not even hear that it is late.
        var never = new TaskCompletionSource<OpenSessions>();
        _stage.Roles.Open = _ => never.Task;
        _stage.Clock.SetUtcNow(_stage.Of(Id).Window!.Expiry - TimeSpan.FromMinutes(5));
        for (var telling = _stage.SettleAsync(_stage.First, _stage.Now); !telling.IsCompleted; await Task.Yield())
            _stage.Clock.Advance(TimeSpan.FromSeconds(0.1));

        Assert.True(_stage.Now < _stage.Of(Id).Window!.Expiry);
        Assert.Equal(2, _stage.Chat.Told.Count);
    }

    private async Task<ChatMessage> WarnedAsync()
    {
        _stage.Clock.SetUtcNow(_stage.Of(Id).Window!.Expiry - TimeSpan.FromMinutes(15));
        await _stage.SettleAsync(_stage.First, _stage.Now);
        return Assert.Single(_stage.Chat.Told).Message;
    }

    [Fact]
    public async Task The_end_stands_where_the_password_stood()
    {
        _id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        var post = await _stage.Cards.PostAsync(new CardPlace.Direct(Some.Engineer), ChatMessage.Plain("the password"), new CardMark(Id.ToString(), "credentials", "k"), TestContext.Current.CancellationToken);
        var card = _stage.Cards.All.Single();
        await _stage.Store.SaveAsync(new Grant(_stage.Of(Id) with { CredentialsMessage = ((Post.Sent)post).Message }), TestContext.Current.CancellationToken);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        await _stage.First.SweepAsync();

        Assert.Contains("No session was open; role proved gone.", FakeChat.Words(card.Now), StringComparison.Ordinal);
        Assert.DoesNotContain("the password\n", FakeChat.Words(card.Now), StringComparison.Ordinal);
        Assert.Equal(["ask_again", "keep_preset"], card.Actions);
        Assert.Empty(_stage.Chat.Removed);
        Assert.Contains("[Ask again]", FakeChat.Words(Assert.Single(_stage.Chat.Told).Message), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shown_instead_of_sent_nothing_is_made_before_the_press_and_the_time_begins_with_it()
    {
        var stage = new Stage(new RevealTerms(TimeSpan.FromHours(1)));
        var id = await stage.AskedAsync(TimeSpan.FromMinutes(30));
        await stage.First.ProvisionAsync(id);
        Assert.Equal((GrantStatus.Approved, 0, 0), (stage.Of(id).Status, stage.Roles.Roles.Count, stage.Delivery.Delivered.Count));
        var (message, _) = Assert.Single(stage.Delivery.Offered);
        stage.Clock.Advance(TimeSpan.FromMinutes(40));

        Assert.Equal("grant.not_holder", (await stage.First.SendAsync(new RevealPassword(Some.OtherEngineer, id, "V2"))).Refusal?.Code);
        Assert.Null((await stage.First.SendAsync(new RevealPassword(Some.Engineer, id, "V1"))).Refusal);
        await stage.First.ProvisionAsync(id);

        var shown = Assert.Single(stage.Delivery.Shown);
        Assert.Equal("V1", shown.View);
        Assert.True(stage.Roles.CanLogIn(shown.Credential.Role, shown.Credential.Password.Reveal()));
        Assert.Equal((GrantStatus.Active, stage.Now.AddMinutes(30), message), (stage.Of(id).Status, stage.Of(id).Window!.Expiry, stage.Of(id).CredentialsMessage));
        Assert.Equal(message, Assert.Single(stage.Delivery.Updated).Message);

        await stage.First.SendAsync(new RevealPassword(Some.Engineer, id, "V3"));
        await stage.First.ProvisionAsync(id);

        var again = stage.Delivery.Shown.Last();
        Assert.Equal("V3", again.View);
        Assert.False(stage.Roles.CanLogIn(shown.Credential.Role, shown.Credential.Password.Reveal()));
        Assert.True(stage.Roles.CanLogIn(again.Credential.Role, again.Credential.Password.Reveal()));
        Assert.Equal("grant.only_shown", (await stage.First.SendAsync(new RenewPassword(Some.Engineer, id))).Refusal?.Code);
        await stage.SettleAsync(stage.First, DateTimeOffset.MaxValue);
        Assert.Equal(GrantStatus.Ended, stage.Of(id).Status);
        Assert.Equal("grant.no_password", (await stage.First.SendAsync(new RevealPassword(Some.Engineer, id, "V4"))).Refusal?.Code);
        Assert.Null(stage.Of(id).CredentialsMessage);
    }

    [Fact]
    public async Task What_nobody_has_shown_is_given_back_by_itself()
    {
        var stage = new Stage(new RevealTerms(TimeSpan.FromHours(1)));
        var id = await stage.AskedAsync(TimeSpan.FromMinutes(30));

        await stage.SettleAsync(stage.First, DateTimeOffset.MaxValue);

        Assert.Equal((GrantStatus.Cancelled, EndReason.Returned, Some.Now.AddHours(1)), (stage.Of(id).Status, stage.Of(id).EndReason, stage.Now));
        Assert.Contains("given back by itself", Assert.Single(stage.Chat.SaidTo(Some.Engineer)), StringComparison.Ordinal);
        Assert.Empty(stage.Roles.Makes);
        Assert.Equal("grant.no_password", (await stage.First.SendAsync(new RevealPassword(Some.Engineer, id, "V1"))).Refusal?.Code);
    }

    [Fact]
    public async Task A_record_that_names_another_window_shows_nothing_there()
    {
        var stage = new Stage(new RevealTerms(TimeSpan.FromHours(1)));
        var id = await stage.AskedAsync();
        await stage.First.ProvisionAsync(id);
        await stage.First.SendAsync(new RevealPassword(Some.Engineer, id, "V1"));
        var forged = stage.Of(id) with { Password = stage.Of(id).Password! with { View = "VTHIEF" } };
        Assert.Equal(SaveOutcome.Saved, await stage.Store.SaveAsync(new Grant(forged), TestContext.Current.CancellationToken));

        await stage.First.ProvisionAsync(id);

        Assert.Empty(stage.Delivery.Attempted);
        Assert.Equal(GrantStatus.Failed, stage.Of(id).Status);
    }

    [Fact]
    public async Task How_to_connect_is_told_without_the_password()
    {
        _id = await _stage.GivenAsync();

        var connection = await _stage.First.SendAsync(new GetConnection(Some.Engineer, Id));

        var place = connection.Value.Place!;
        Assert.Equal((_stage.Roles.Host, 5432, "orders", _stage.Of(Id).Role!.Value, "verify-full"), (place.Host, place.Port, place.Database, place.User, place.SslMode));
        Assert.StartsWith("PGPASSWORD=\"$(pbpaste)\" psql \"host=", ConnectionWords.Psql(place, connection.Value.Grant, "pbpaste"), StringComparison.Ordinal);
        Assert.Contains($"application_name={Id}\" -v PROMPT1='[orders·read until 15:00Z] %/%R%# '", ConnectionWords.Psql(place, connection.Value.Grant, "pbpaste"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_prompt_names_the_end_by_the_holders_clock()
    {
        _stage.Directory.In(Some.Engineer, "Asia/Tokyo");
        _id = await _stage.GivenAsync();

        var connection = (await _stage.First.SendAsync(new GetConnection(Some.Engineer, Id))).Value;

        Assert.Contains("[orders·read until 00:00] ", ConnectionWords.Psql(connection.Place!, connection.Grant, "pbpaste"), StringComparison.Ordinal);
        Assert.Contains("until 00:00", ConnectionWords.DBeaver(connection.Place!, connection.Grant), StringComparison.Ordinal);
    }

    [Fact]
    public async Task How_to_connect_does_not_wait_for_a_directory_that_does_not_answer()
    {
        _id = await _stage.GivenAsync();
        _stage.Directory.IsDown();

        var connection = (await _stage.First.SendAsync(new GetConnection(Some.Engineer, Id))).Value;

        Assert.Contains("until 15:00Z", ConnectionWords.Psql(connection.Place!, connection.Grant, "pbpaste"), StringComparison.Ordinal);
    }

    private Credential Newest() => _stage.Delivery.Delivered[^1].Credential;

    private async Task RenewAsync()
    {
        Assert.Null((await _stage.First.SendAsync(new RenewPassword(Some.Engineer, Id))).Refusal);
        await _stage.First.ProvisionAsync(Id);
    }
}
