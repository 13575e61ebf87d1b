using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Words;

/// <summary>What somebody meant.</summary>
internal abstract record Intent
{
    private Intent()
    {
    }

    /// <summary>Everything is said: file it.</summary>
    public sealed record File(AccessWish Wish) : Intent;

    /// <summary>Something is missing: show the form with what was said.</summary>
    public sealed record Form(Draft Draft) : Intent;

    /// <summary>It could not be understood; <paramref name="Suggestion"/> is what was probably meant.</summary>
    public sealed record Misread(string Why, Draft? Suggestion = null) : Intent;

    public sealed record Mine : Intent;

    public sealed record List(DatabaseName? Database) : Intent;

    /// <summary>Give one grant back, or all (null).</summary>
    public sealed record Done(GrantId? Id) : Intent;

    /// <summary>End somebody else's access.</summary>
    public sealed record Revoke(RevokeTarget Target, string Why) : Intent;

    /// <summary>Something about one grant that is asked for or live: <c>approve</c>, <c>deny</c>, <c>cancel</c>, <c>extend</c>.</summary>
    /// <param name="Rest">What stands behind the id: a reason, or a length.</param>
    public sealed record Decide(string Verb, GrantId Id, string Rest) : Intent;

    public sealed record Help : Intent;

    /// <summary>A verb of the contract that is not built yet.</summary>
    public sealed record NotYet(string Verb) : Intent;
}
