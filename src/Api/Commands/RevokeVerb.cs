using System.CommandLine;
using DbAccess.Application.Grants;
using DbAccess.Application.Steps;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>revoke</c>: the brake for whoever is on the machine. It needs the store and the cluster, and neither Slack nor a policy; what cannot
/// be removed now is on record as to be removed, and the sweep goes on with it.
/// </summary>
internal static class RevokeVerb
{
    private const string Usage = "revoke wants one of a grant's id, --person U…, --database D and --all, and --reason with why.";

    public static VerbCommand Describe()
    {
        var id = Takes.OptionalWord("id", "Of a grant: from the record, or from its role's comment.");
        var person = Takes.Value("--person", "U…", "Everything of this Slack user.", text => PrincipalId.Parse("T000", text)?.User,
            "a Slack user id");
        var database = Takes.Value("--database", "D", "Everything on this database of the policy.",
            DatabaseName.Parse, "a database of the policy");
        var all = Takes.Flag("--all", "Everything.");
        var reason = Takes.Value("--reason", "WHY", "Goes on the record, and to the holders.",
            text => text.Trim() is { Length: > 0 } why ? why : null, "a reason", required: true);
        return new VerbCommand("revoke", "End access now; needs neither Slack nor a policy.", read => new Verb.Revoke(
                new RevokeWish(GrantId.Parse(read.GetValue(id)), read.GetValue(person), read.GetValue(database)),
                read.GetValue(reason)!), id, person, database, all, reason)
            .Where(said => said.Said(id) is { } word && GrantId.Parse(word) is null ? $"'{word}' is not the id of a grant."
                // One target, and none that cannot be read: what was not understood must not be left out of a command that ends access.
                : new[] { said.Said(id) is not null, said.Has(person), said.Has(database), said.Has(all) }
                    .Count(target => target) == 1 ? null : Usage);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.Revoke verb, string team)
    {
        if (verb.Target.Target(team) is not { } target)
        {
            await Console.Error.WriteLineAsync(
                "Slack:TeamId does not say of which workspace this person is; use the grants' ids, or --all.");
            return ExitCode.Misuse;
        }

        await using var scope = services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        var revoked = await mediator.Send(new RevokeGrant(new Actor.Operator(Environment.UserName), target, verb.Why));
        if (revoked.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return ExitCode.Failure;
        }

        var left = 0;
        foreach (var id in revoked.Value.Ids)
        {
            var taken = await mediator.Send(new TakeNextStep(id));
            var gone = taken.Refusal is null && taken.Value.Steps.Any(step => step is StepOutcome.Ended or StepOutcome.Failed);
            if (!gone) left++;
            Console.WriteLine(gone
                ? $"{id}: access has ended, and the role is proved gone."
                : $"{id}: access is being taken away; the sweep goes on until the role is proved gone.");
        }

        return left == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
