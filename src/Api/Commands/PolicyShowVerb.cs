using DbAccess.Application.Policies;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>policy show</c>: the text of a policy that was in force.</summary>
internal static class PolicyShowVerb
{
    public static VerbCommand Describe()
    {
        var hash = Takes.Word("hash", "As `policy history` lists it, or its first six characters and more.",
            text => text.Length is >= 6 and <= 64 && text.All(char.IsAsciiHexDigit) ? text : null,
            "the hash of a policy, or its first six characters");
        return new VerbCommand("show", "The text of one of them.", read => new Verb.PolicyShow(read.GetValue(hash)!), hash);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.PolicyShow verb)
    {
        await using var scope = services.CreateAsyncScope();
        var found = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new GetKeptPolicy(verb.Hash));
        if (found.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return ExitCode.Failure;
        }

        Console.Write(found.Value.Text);
        return ExitCode.Success;
    }
}
