namespace DbAccess.Infrastructure.Stores;

/// <summary>A store that cannot be used. Its message is for the operator: what is wrong and what mends it, without secrets.</summary>
public abstract class StoreException(string message, Exception? inner = null) : Exception(message, inner);
