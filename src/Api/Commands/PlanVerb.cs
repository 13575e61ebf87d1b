using System.CommandLine;
using DbAccess.Api.Operations;
using DbAccess.Application.Databases;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>plan</c>: what a role of a scope could do there today. Changes nothing.</summary>
internal static class PlanVerb
{
    public static VerbCommand Describe()
    {
        var database = Takes.Word("database", "Of the policy.", DatabaseName.Parse, "the name of a database of the policy");
        var scope = Takes.Word("scope", "Of the policy.", ScopeName.Parse, "the name of a scope of the policy");
        var only = Takes.Value("--only", "TABLES", "As if narrowed to these: public.orders,public.items.",
            text => TableMention.ReadAll(text) is { Wrong: null, Tables: { Count: > 0 } tables } ? tables : null,
            "names of tables, with commas between them");
        var json = Takes.Flag("--json", "For programs.");
        return new VerbCommand("plan", "What a role of that scope could do there today: every object, by name, with what everybody has " +
            "anyway and what comes later; changes nothing.", read => new Verb.Plan(
                read.GetValue(database)!, read.GetValue(scope)!, read.GetValue(only) ?? [], read.GetValue(json)),
            database, scope, only, json);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.Plan wanted)
    {
        await using var scope = services.CreateAsyncScope();
        var plan = await scope.ServiceProvider.GetRequiredService<IMediator>()
            .Send(new GetPlan(wanted.Database, wanted.Scope, wanted.Only));
        if (plan.Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return ExitCode.Failure;
        }

        if (wanted.Json) Console.WriteLine(PlanText.AsJson(plan.Value));
        else foreach (var line in PlanText.Lines(plan.Value)) Console.WriteLine(line);
        return ExitCode.Success;
    }
}
