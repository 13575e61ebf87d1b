using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Words;

/// <summary>What somebody meant.</summary>
internal abstract record Intent
{
    private Intent()
    {
    }

    /// <summary>Everything is said: file it.</summary>
    public sealed record File(AccessWish Wish) : Intent
    {
        /// <summary>The user id of whoever is to have it; null for whoever asks.</summary>
        public string? For { get; init; }

        /// <summary>What whoever asks should know of how it was read; null mostly.</summary>
        public string? Remark { get; init; }
    }

    /// <summary>Something is missing: show the form with what was said.</summary>
    public sealed record Form(Draft Draft) : Intent;

    /// <summary>It could not be understood; <paramref name="Suggestion"/> is what was probably meant.</summary>
    public sealed record Misread(string Why, Draft? Suggestion = null) : Intent
    {
        /// <summary>What may have been meant, where that is more than one thing; each with the label of its button.</summary>
        public IReadOnlyList<(string Label, Draft Draft)> Choices { get; init; } = [];

        /// <summary>Not one word of it is one that is known here: nobody may have meant to ask for anything.</summary>
        public bool Small { get; init; }
    }

    public sealed record Mine : Intent;

    public sealed record List(DatabaseName? Database) : Intent;

    /// <summary>Give one grant back, or all (null).</summary>
    public sealed record Done(GrantId? Id) : Intent;

    /// <summary>End somebody else's access.</summary>
    public sealed record Revoke(RevokeTarget Target, string Why) : Intent;

    /// <summary>Something about one grant that is asked for or live: <c>approve</c>, <c>deny</c>, <c>cancel</c>, <c>extend</c>.</summary>
    /// <param name="Rest">What stands behind the id: a reason, or a length.</param>
    public sealed record Decide(string Verb, GrantId Id, string Rest) : Intent;

    /// <summary>What would be decided about this? Files nothing.</summary>
    /// <param name="Rest">A request, as far as it is said.</param>
    public sealed record Explain(string Rest) : Intent;

    /// <summary>The whole story of one grant.</summary>
    public sealed record Story(GrantId Id) : Intent;

    /// <summary>What was asked for in the last <paramref name="Within"/>: by one person, on one database, or (both null) all that may be
    /// seen.</summary>
    public sealed record History(PrincipalId? Person, DatabaseName? Database, TimeSpan Within) : Intent;

    /// <summary>The same as last time (null), or as that grant.</summary>
    /// <param name="Reason">The new reason; null when it is still to be said.</param>
    /// <param name="AtOnce">It was said whole, with <c>because</c>.</param>
    public sealed record Again(GrantId? Id, string? Reason, bool AtOnce) : Intent;

    public sealed record Help : Intent;
}
