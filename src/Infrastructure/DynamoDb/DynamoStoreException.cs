using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// DynamoDB, or our table in it, did not do what was asked. What AWS itself said stays behind, since it can quote the request.
/// </summary>
public sealed class DynamoStoreException(string message) : StoreException(message);
