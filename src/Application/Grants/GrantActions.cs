using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Grants;

/// <summary>What the buttons of a requester and of a holder do. Their values are a grant's id and never authority.</summary>
public static class GrantActions
{
    public const string Return = "return_grant";
    public const string Cancel = "cancel_grant";
    public const string Accept = "accept_offer";
    public const string Decline = "decline_offer";
    public const string Extend = "extend_grant";
    public const string AskAgain = "ask_again";
    public const string Connect = "connect";
    public const string NewPassword = "new_password";
    public const string Reveal = "reveal_password";

    public static ChatButton ReturnButton(GrantId id) =>
        new(Return, "I'm done", id.ToString(), Confirm: $"This ends {id} now: open sessions are cut and the role is removed.");

    public static ChatButton AskAgainButton(GrantId id) => new(AskAgain, "Ask again", id.ToString());
}
