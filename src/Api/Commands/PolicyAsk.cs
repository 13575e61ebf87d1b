using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Policies;
using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Commands;

/// <summary>
/// Asks a policy what it would say to a request as it is typed in Slack, read by the same words. Pure: no directory, no store, and so no
/// caps; nothing is filed.
/// </summary>
internal static class PolicyAsk
{
    /// <param name="groups">With or without <c>everyone</c>, in which everybody is.</param>
    public static PolicyAnswer Judge(
        AccessPolicy policy, string text, IEnumerable<string> groups, DateTimeOffset now, IReadOnlySet<string>? unreadable = null)
    {
        var read = RequestWords.Read(Typed.Unwrap(text), new Offers([], PolicyNames.Of(policy, complete: true)), now);
        var wish = read switch
        {
            Intent.File file => file.Wish,
            // What is still open is no hindrance: a rule has its usual length, and may want no reason.
            Intent.Form { Draft: var draft } => RequestForm.WishOf(draft),
            _ => null,
        };
        if (wish is null)
            return Unreadable(read is Intent.Misread misread ? misread.Why : "It does not say which database and which scope.");

        var question = new AccessQuestion(
            groups.Append(AccessPolicy.Everyone).ToHashSet(StringComparer.Ordinal), wish.Database, wish.Scope, wish.Duration, wish.Reason,
            now)
        {
            BreakGlass = wish.BreakGlass, StartsAt = wish.AskedAt(now).StartsAt, Unreadable = unreadable ?? new HashSet<string>(),
        };
        return PolicyAnswer.Of(policy, question, wish.Only);
    }

    private static PolicyAnswer Unreadable(string why) => PolicyAnswer.Refused(new Error("request.unreadable", why), null, []);
}
