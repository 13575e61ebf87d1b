namespace DbAccess.Infrastructure.Lambda;

/// <summary>Which function, and where.</summary>
internal sealed record LambdaOptions(string Function, string Region, Uri Endpoint);
