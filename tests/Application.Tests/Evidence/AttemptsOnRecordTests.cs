using System.Reflection;
using DbAccess.Application.Approvals;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using MediatR;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>Every command that there is, sent through the whole pipeline, leaves its attempt on the log: who, by which way, about what, how it went.</summary>
public sealed class AttemptsOnRecordTests : IDisposable
{
    private static readonly GrantId Nobodys = GrantId.Parse("AAAA-AA")!;

    private static readonly IAudited[] Commands =
    [
        new CreateGrant("a request", Some.Engineer, new AccessWish(DatabaseName.Parse("nowhere")!, ScopeName.Parse("read")!, TimeSpan.FromHours(1), "because")),
        new ApproveGrant(Some.Engineer, Nobodys), new DenyGrant(Some.Engineer, Nobodys, "no"), new OfferLess(Some.Engineer, Nobodys, null, [], TimeSpan.FromMinutes(5)),
        new AnswerOffer(Some.Engineer, Nobodys, Accept: true), new CancelGrant(Some.Engineer, Nobodys), new ExtendGrant(Some.Engineer, Nobodys, TimeSpan.FromMinutes(5)),
        new ReviewGrant(Some.Engineer, Nobodys, null), new ResendCard(Some.Engineer, Nobodys), new ReturnGrant(Some.Engineer, Nobodys),
        new RevokeGrant(new Actor.Person(Some.Engineer), new RevokeTarget.One(Nobodys), "leaked"), new RenewPassword(Some.Engineer, Nobodys),
        new RevealPassword(Some.Engineer, Nobodys, "V0VIEW001"), new GetConnection(Some.Engineer, Nobodys), new GetAsked(Some.Engineer, Nobodys, ToDecide: true),
        new GetStory(Some.Engineer, Nobodys), new KeepPreset(Some.Engineer, Nobodys, "mine"), new DropPreset(Some.Engineer, "mine"), new RepairLog(new Actor.Operator("me"), [], 7),
    ];

    private readonly Stage _stage = new();

    public static TheoryData<string> Names => [.. Commands.Select(command => command.GetType().Name)];

    public void Dispose() => _stage.Signer.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Every_command_is_on_record(string name)
    {
        var command = Commands.Single(command => command.GetType().Name == name);
        await _stage.First.SendAsync(new SequenceEvents());

        await (Task)typeof(Worker).GetMethod(nameof(Worker.SendAsync))!.MakeGenericMethod(Answer(command)).Invoke(_stage.First, [command, null])!;

        var attempt = Assert.Single(_stage.Audit.Records, happened => happened.Outcome is not null);
        Assert.Equal(command.OnlyRefusals ? "press.refused" : $"command.{EventTypes.Snake(name)}", attempt.Type);
        Assert.Equal((command.By, command.About), (attempt.By, attempt.Grant));
        Assert.Contains(attempt.What, fact => fact is Domain.Evidence.Fact.Text { Name: "subject" } subject && subject.Value == command.Subject);
        Assert.Contains(attempt.What, fact => fact is Domain.Evidence.Fact.Number { Name: "ms" });
        // Refused but for the repair, which found nothing to do.
        Assert.Equal(command is RepairLog, attempt.Outcome is "done");
    }

    [Fact]
    public void None_of_them_is_forgotten_here() => Assert.Equal(
        typeof(IAudited).Assembly.GetTypes().Where(type => type.IsClass && typeof(IAudited).IsAssignableFrom(type)).Select(type => type.Name).Order(StringComparer.Ordinal),
        Commands.Select(command => command.GetType().Name).Order(StringComparer.Ordinal));

    private static Type Answer(IAudited command) => command.GetType().GetInterfaces()
        .Single(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IRequest<>)).GetGenericArguments()[0];
}
