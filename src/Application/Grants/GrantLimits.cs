namespace DbAccess.Application.Grants;

/// <summary>What one person may take up.</summary>
/// <param name="OpenPerPerson">Grants that wait, are being made or are live (<c>Limits:OpenGrantsPerPerson</c>).</param>
public sealed record GrantLimits(int OpenPerPerson);
