namespace DbAccess.Infrastructure.Stores;

/// <summary>The store as a start sees it, whichever it is.</summary>
public interface IStoreSetup
{
    /// <summary>
    /// Makes sure that the store can be used, so that a start hears of a bad one at once. A file is made when it is missing; a table is
    /// not.
    /// </summary>
    /// <exception cref="StoreException">The store cannot be used.</exception>
    Task OpenAsync(CancellationToken cancellationToken);

    /// <summary>Makes the store where there is none; safe to repeat.</summary>
    /// <exception cref="StoreException">The store cannot be made, or what is there is not one.</exception>
    Task CreateAsync(CancellationToken cancellationToken);
}
