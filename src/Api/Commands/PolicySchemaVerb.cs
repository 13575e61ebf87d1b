namespace DbAccess.Api.Commands;

/// <summary><c>policy schema</c>: what an editor needs to help with a policy.</summary>
internal static class PolicySchemaVerb
{
    public static VerbCommand Describe() => new("schema", "The policy file as JSON Schema, for editors.", _ => new Verb.PolicySchema());
}
