namespace DbAccess.Application.Approvals;

/// <summary>What the buttons of cards do. Their values are a grant's id and never authority.</summary>
public static class CardActions
{
    public const string Approve = "approve_grant";
    public const string Deny = "deny_grant";
    public const string Offer = "offer_less";
    public const string Details = "grant_details";
    public const string Resend = "resend_card";
    public const string ReviewOk = "review_ok";
    public const string ReviewBad = "review_bad";

    /// <summary>Ends more than one grant, after a typed word; its value says whose.</summary>
    public const string EveryoneOut = "everyone_out";
}
