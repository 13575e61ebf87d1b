namespace DbAccess.Api.Commands;

/// <summary><c>store init</c>: opening the store makes it, so there is nothing more to do.</summary>
internal static class StoreInitVerb
{
    public static VerbCommand Describe() =>
        new("init", "Make the store's file or table, where nothing else did.", _ => new Verb.StoreInit());
}
