using DbAccess.Api.Lambda;

namespace DbAccess.Api.Commands;

/// <summary><c>lambda …</c>: inside AWS Lambda (custom runtime).</summary>
internal static class LambdaVerb
{
    public static System.CommandLine.Command Describe() => VerbCommand.Group(
        "lambda", "Run as a function inside AWS Lambda (custom runtime).",
        new VerbCommand("create-db-user", "Take a grant's next step.", _ => new Verb.Lambda(LambdaFunction.CreateDbUser)),
        new VerbCommand("expire-db-users", "Take away what is due.", _ => new Verb.Lambda(LambdaFunction.ExpireDbUsers)));
}
