using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Policies;
using DbAccess.Application.Ports;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What would be decided, and what a pasted error would take. Pure.</summary>
internal static class WhyReply
{
    private const int MostLines = 20;
    private const int LongestLine = 200;

    public static ChatMessage Of(Explanation found, Draft draft)
    {
        var answer = found.Answer;
        var words = answer.Outcome switch
        {
            PolicyOutcome.Allowed => $"Allowed at once: {answer.Words}.",
            PolicyOutcome.Approval => $"Approval is needed: {answer.Words}.",
            _ => $"Refused: {answer.Words}",
        };
        List<ChatPart> parts = [new ChatPart.Text(Replies.Untick(words))];
        if (found.Asked.Count > 0)
            parts.Add(new ChatPart.Text(Replies.Untick($"Those who would be asked: {string.Join(", ", found.Asked)}.")));
        if (found.Wants is { } wants) parts.Add(new ChatPart.Text(Replies.Untick($"The rule wants a reason with {wants}.")));
        var lines = answer.Trace.Take(MostLines)
            .Select(line => line.ToString() is { Length: > LongestLine } longer ? longer[..LongestLine] + "…" : line.ToString()).ToList();
        if (answer.Trace.Count > MostLines) lines.Add($"and {answer.Trace.Count - MostLines} more rules");
        if (lines.Count > 0) parts.Add(new ChatPart.Code(string.Join('\n', lines)));
        if (answer.Outcome is not PolicyOutcome.Refused) parts.Add(new ChatPart.Buttons([Buttons.Ask("Ask for it", draft)]));
        parts.Add(new ChatPart.Note("Nothing was filed."));
        return new ChatMessage($"{words.TrimEnd('.')}. Nothing was filed.", parts);
    }

    public static ChatMessage NotRead(Intent read) => read is Intent.Misread misread
        ? ChatMessage.Plain(misread.Why)
        : ChatMessage.Plain("Say which database and which scope: `/db-access why orders read 2h`. Nothing was filed.");

    /// <param name="error">The reason that the button files it with, so that whoever decides sees what did not work.</param>
    public static ChatMessage Pasted(ScopeSearch found, string error)
    {
        var what = $"That is {Code(found.What)}{(found.Database is { } database ? $" in {database}" : "")}.";
        if (found.Mine is not { } mine)
        {
            var others = found.Others is { } theirs
                ? $"None of your scopes reaches it; {Replies.Untick(theirs)}. Ask one of them, or whoever keeps the access policy."
                : "No scope reaches it. Ask whoever keeps the access policy for one that does.";
            return new ChatMessage($"{what} {others}",
            [
                new ChatPart.Text($"{what} {others}"),
                new ChatPart.Buttons([Buttons.Form(Draft.Empty with { Database = found.Database?.Value })]),
            ]);
        }

        var needs = mine.Waits is { } waits ? $" (needs {waits})" : "";
        var words = mine.Waits is null
            ? $"{what} The smallest access that reaches it is {mine.Scope}: {Replies.Untick(mine.Gives)}."
            : $"{what} None of your scopes reaches it at once; {mine.Scope} does{needs}: {Replies.Untick(mine.Gives)}.";
        var draft = new Draft(mine.Database.Value, mine.Scope.Value, null, error);
        return new ChatMessage(words,
        [
            new ChatPart.Text(words),
            new ChatPart.Buttons(
            [
                Buttons.AskUsual($"Ask for {mine.Scope} for {Durations.Write(mine.Usual)}", draft),
                Buttons.Form(draft with { Reason = null }),
            ]),
            new ChatPart.Note("The button files it with the error as its reason; the form lets you say more."),
        ]);
    }

    public static ChatMessage NoErrorThere()
    {
        const string words = "That message holds no error of PostgreSQL's that says that somebody may not do something. If you know what " +
            "you need, ask for it:";
        return new ChatMessage(words, [new ChatPart.Text(words), new ChatPart.Buttons([Buttons.Form(Draft.Empty)])]);
    }

    private static string Code(string name) => $"`{Replies.Untick(name)}`";
}
