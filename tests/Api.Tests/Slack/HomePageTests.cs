using System.Diagnostics;
using DbAccess.Api.Slack.Home;
using DbAccess.Application;
using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Sqlite;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Api.Tests.Slack;

public sealed class HomePageTests
{
    private static readonly HomeFacts Nothing = new(Some.Engineer, new HashSet<string>(), null);

    [Fact]
    public void What_is_live_says_how_long_still_and_can_be_given_back()
    {
        var grant = Some.Active().State;

        var words = FakeChat.Words(HomePage.Draw(Nothing with { Live = [grant], Extends = new Dictionary<GrantId, TimeSpan> { [grant.Id] = TimeSpan.FromMinutes(30) } }, Some.Now.AddMinutes(17.5)));

        Assert.Contains($"`{grant.Id}` read on orders · 42m left · ends", words, StringComparison.Ordinal);
        Assert.Contains("+30m", words, StringComparison.Ordinal);
        Assert.Contains("return_grant", words, StringComparison.Ordinal);
    }

    [Fact]
    public void What_begins_later_says_when_in_the_readers_own_time()
    {
        var start = Some.Now.AddHours(5);
        var later = Some.Allowed().State with { StartsAt = start };

        var page = HomePage.Draw(Nothing with { Live = [later] }, Some.Now);

        Assert.Contains(page.Parts, part => part is ChatPart.When { Words: var words, At: var at } && at == start && words.EndsWith("approved, begins", StringComparison.Ordinal));
    }

    [Fact]
    public void The_buttons_of_a_page_are_those_of_the_card()
    {
        var waiting = Some.Allowed().State with { Status = GrantStatus.Pending, Asking = Some.Asking() };

        ChatButton[] buttons = [.. HomePage.Draw(Nothing with { ToDecide = [waiting] }, Some.Now).Parts.OfType<ChatPart.Buttons>().SelectMany(row => row.Items)];

        Assert.Equal(["open_form", "approve_grant", "offer_less", "deny_grant", "grant_details"], buttons.Select(button => button.Action));
        Assert.All(buttons[1..], button => Assert.Equal(waiting.Id.ToString(), button.Value));
    }

    [Fact]
    public void What_nobody_can_agree_to_yet_has_no_button_for_it()
    {
        var waiting = Some.Allowed().State with { Status = GrantStatus.Pending, Asking = Some.Asking() with { Plan = null } };

        var words = FakeChat.Words(HomePage.Draw(Nothing with { ToDecide = [waiting] }, Some.Now));

        Assert.DoesNotContain("approve_grant", words, StringComparison.Ordinal);
        Assert.Contains("nobody can agree before", words, StringComparison.Ordinal);
    }

    [Fact]
    public void An_offer_can_be_taken_on_the_page_too()
    {
        var asking = Some.Asking();
        var offer = new CounterOffer(Some.ReadScope(), TimeSpan.FromMinutes(15), asking.Plan!, "rule", new Agreement(Some.Dba, "dana", 0, Some.Now, "hash", asking.Plan!.Hash));
        var waiting = Some.Allowed().State with { Status = GrantStatus.Pending, Asking = asking with { Offer = offer } };

        var words = FakeChat.Words(HomePage.Draw(Nothing with { Waiting = [waiting] }, Some.Now));

        Assert.Contains("dana offers less: read for 15m", words, StringComparison.Ordinal);
        Assert.Contains("accept_offer", words, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_of_people_stay_words()
    {
        var waiting = Some.Allowed().State with { Status = GrantStatus.Pending, Asking = Some.Asking(), Reason = "`x` <!channel>", Handle = "e`rin" };

        var words = FakeChat.Words(HomePage.Draw(Nothing with { ToDecide = [waiting], Office = new HomeOffice([Some.Active().State with { Handle = "e`ve" }], [], []) }, Some.Now));

        Assert.Contains("Why: 'x' <!channel>", words, StringComparison.Ordinal);
        Assert.Contains("e've", words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hundred_live_grants_and_fifty_that_wait_fit_a_page()
    {
        var folder = Directory.CreateTempSubdirectory("dbaccess-home-");
        try
        {
            var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Grants:Sqlite:Path"] = Path.Combine(folder.FullName, "store.db") }).Build());
            await using var services = new ServiceCollection().AddLogging()
                .AddSingleton<TimeProvider>(new FakeTimeProvider(Some.Now)).AddApplication(new Installation(Some.Installation)).AddSqlite(settings).AddFakeSlack()
                .AddSingleton<IDirectory>(new FakeDirectory()).AddSingleton<ISeal>(new FakeSeal()).AddSingleton<IGrantDispatcher>(new RecordingDispatcher())
                .AddSingleton<IRoleInventory>(new FakeRoleInventory()).AddSingleton<IPolicySource>(new FixedPolicy(Policy())).AddSingleton<IPolicyHealth>(new FakePolicyHealth())
                .BuildServiceProvider();
            await services.GetRequiredService<IStoreSetup>().CreateAsync(TestContext.Current.CancellationToken);
            var store = services.GetRequiredService<IGrantStore>();
            foreach (var n in Enumerable.Range(0, 100)) await store.AddAsync(Some.Active(requester: Some.Person($"U0PERSON{n}")), TestContext.Current.CancellationToken);
            foreach (var n in Enumerable.Range(0, 50))
                await store.AddAsync(new Grant(Some.Allowed(requester: Some.Person($"U0PERSON{n}")).State with { Status = GrantStatus.Pending, Asking = Some.Asking() }), TestContext.Current.CancellationToken);

            List<double> took = [];
            var page = ChatMessage.Plain("");
            for (var turn = 0; turn < 20; turn++)
            {
                var started = Stopwatch.GetTimestamp();
                var facts = await services.GetRequiredService<IMediator>().Send(new GetHome(Some.Dba), TestContext.Current.CancellationToken);
                page = HomePage.Draw(facts.Value, Some.Now);
                took.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }

            TestContext.Current.TestOutputHelper!.WriteLine($"The first took {took[0]:0} ms, the others {took.Skip(1).Order().ElementAt(9):0.0} ms in the middle and {took.Skip(1).Max():0.0} ms at most.");
            Assert.InRange(page.Parts.Count, 10, 100);
            Assert.Contains("everyone_out", FakeChat.Words(page), StringComparison.Ordinal);
            Assert.Contains("Everybody, live (100)", FakeChat.Words(page), StringComparison.Ordinal);
            Assert.Contains("Waiting for you (50)", FakeChat.Words(page), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static AccessPolicy Policy() => new(
        "hash", new Dictionary<DatabaseName, PolicyDatabase>(), new Dictionary<ScopeName, PrivilegeScope>(),
        new Dictionary<string, PolicyGroup> { ["dba"] = new("dba", new HashSet<string> { Some.Dba.User }, null) }, [], []) { Admins = ["dba"] };
}
