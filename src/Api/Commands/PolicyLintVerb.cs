using System.CommandLine;
using DbAccess.Application.Databases;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary>
/// <c>policy lint</c>: every fault with its line, what has no effect, and whether the policy does what its own <c>tests</c> expect.
/// </summary>
internal static class PolicyLintVerb
{
    public static VerbCommand Describe()
    {
        var file = Takes.OptionalWord("file", "The policy; that of the settings when none is named.");
        var strict = Takes.Flag("--strict", "A warning is a fault.");
        var live = Takes.Flag("--live", "Also name what scopes lead to nothing on the databases as they are.");
        return new VerbCommand("lint", "Check an access policy and run its tests: every fault with its line.",
            read => new Verb.PolicyLint(read.GetValue(file), read.GetValue(strict), read.GetValue(live)), file, strict, live);
    }

    /// <summary>Whether the file would be taken, and passes its tests. Prints a line for each finding.</summary>
    public static bool Run(Verb.PolicyLint verb, string path, PolicyReading reading, DateTimeOffset now, TextWriter output)
    {
        var failed = reading.Policy is { } policy ? FailedTests(policy, now).ToList() : [];
        foreach (var line in PolicyReport.Lines(path, reading, failed)) output.WriteLine(line);
        return reading.Policy is not null && failed.Count == 0 && !(verb.Strict && reading.Warnings.Count > 0);
    }

    /// <summary>The tests of a policy that it does not pass.</summary>
    internal static IEnumerable<PolicyFault> FailedTests(AccessPolicy policy, DateTimeOffset now)
    {
        for (var i = 0; i < policy.Tests.Count; i++)
        {
            var test = policy.Tests[i];
            var answer = PolicyAsk.Judge(policy, test.Ask, test.In, test.At ?? now);
            if (answer.Outcome == test.Expect && (test.Rule ?? answer.Rule) == answer.Rule
                && (test.Code ?? answer.Code) == answer.Code) continue;

            yield return new PolicyFault(test.Line, test.Column,
                $"tests[{i + 1}]: expected {Shown(test.Expect, test.Rule, test.Code)}, " +
                $"was {Shown(answer.Outcome, answer.Rule, answer.Code)}" +
                (answer.Outcome is PolicyOutcome.Refused ? $" ({answer.Words})" : ""));
        }
    }

    /// <summary>
    /// <c>--live</c>: expands every scope on every database that offers it, and names what leads to nothing. Changes nothing there.
    /// </summary>
    public static async Task<int> RunLiveAsync(IServiceProvider services, Verb.PolicyLint verb, string path)
    {
        await using var scope = services.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        var policy = services.GetRequiredService<IPolicySource>().Current;
        var (found, unknown) = (0, 0);
        foreach (var (name, database) in policy.Databases)
        {
            foreach (var offered in database.Scopes)
            {
                var plan = await mediator.Send(new GetPlan(name, offered, []));
                // Whatever else stands in the way says nothing about the scope.
                var missing = plan.Refusal is { Code: "postgres.missing_object" };
                if (plan.Refusal is not null && !missing) unknown++;
                IReadOnlyList<string> findings = plan.Refusal is { } refusal
                    ? [missing ? refusal.Message : $"it cannot be said now: {refusal.Message}"]
                    : Empty(policy.Scopes[offered], database.Target, plan.Value);
                foreach (var finding in findings) Console.WriteLine($"{path}: warning: {offered} on {name}: {finding}");
                found += findings.Count;
            }
        }

        Console.WriteLine($"{path}: on the live databases {found} {(found == 1 ? "warning" : "warnings")}");
        return unknown > 0 || (verb.Strict && found > 0) ? ExitCode.Failure : ExitCode.Success;
    }

    /// <summary>The rules of a scope that no object of the plan comes from.</summary>
    internal static IReadOnlyList<string> Empty(PrivilegeScope scope, DatabaseTarget target, PrivilegePlan plan) =>
    [
        .. from database in scope.DatabasesOf(target)
           let there = plan.Objects.Where(thing => thing.Database == database).ToList()
           from rule in scope.RulesFor(database)
           // A table need not have sequences.
           where rule.On.OfTable is null && !there.Any(thing => IsOn(rule.On, thing))
           select $"'{rule.On}' names nothing in database {database}",
    ];

    private static bool IsOn(ObjectSelector selector, PlannedObject thing)
    {
        // Tables of a schema are its views, too; of a function's name its arguments are no part.
        var kinds = selector.Kind is ObjectKind.Table ? (string[])["table", "view"] : [selector.Kind.ToString().ToLowerInvariant()];
        if (!kinds.Contains(thing.Kind, StringComparer.Ordinal)) return false;
        var name = selector.Kind is ObjectKind.Function ? thing.Name.Split('(')[0] : thing.Name;
        var read = SelectorWords.Read($"{(selector.Kind is ObjectKind.Schema ? "schema" : "table")} {name}").Selector;
        return read is not null && selector.CoversSchema(read.Schema) && (read.Name is null || selector.Covers(read.Name));
    }

    private static string Shown(PolicyOutcome outcome, string? rule, string? code) =>
        $"{outcome.ToString().ToLowerInvariant()}{(rule is null ? "" : $" by {rule}")}{(code is null ? "" : $" with {code}")}";
}
