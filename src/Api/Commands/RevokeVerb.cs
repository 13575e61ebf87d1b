using DbAccess.Application.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>revoke</c>: the brake for whoever is on the machine. It needs the store and the cluster, and neither Slack nor a policy; what cannot
/// be removed now is on record as to be removed, and the sweep goes on with it.
/// </summary>
internal static class RevokeVerb
{
    public static async Task<int> RunAsync(IServiceProvider services, Verb.Revoke verb, string team)
    {
        if (verb.Target.Target(team) is not { } target)
        {
            await Console.Error.WriteLineAsync(
                "Slack:TeamId does not say of which workspace this person is; use the grants' ids, or --all.");
            return CommandLine.Misuse;
        }

        await using var scope = services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        var revoked = await mediator.Send(new RevokeGrant(new Actor.Operator(Environment.UserName), target, verb.Why));
        if (revoked.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return CommandLine.Failure;
        }

        var left = 0;
        foreach (var id in revoked.Value.Ids)
        {
            var taken = await mediator.Send(new ProvisionGrant(id));
            var gone = taken.Refusal is null && taken.Value.Steps.Any(step => step is StepReport.Ended or StepReport.Failed);
            if (!gone) left++;
            Console.WriteLine(gone
                ? $"{id}: access has ended, and the role is proved gone."
                : $"{id}: access is being taken away; the sweep goes on until the role is proved gone.");
        }

        return left == 0 ? CommandLine.Success : CommandLine.Failure;
    }
}
