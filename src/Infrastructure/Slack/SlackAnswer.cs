using System.Text.Json;

namespace DbAccess.Infrastructure.Slack;

/// <summary>What an error of Slack's means for whoever called.</summary>
internal enum SlackFault
{
    /// <summary>Token, scopes or workspace settings: nothing works until a person mends it.</summary>
    Configuration,

    /// <summary>Too many calls; nothing was done.</summary>
    BackOff,

    /// <summary>No answer, or one that tells nothing: it may have been done.</summary>
    Transient,

    /// <summary>The person, conversation or message is not there, or may not be written to.</summary>
    TargetGone,

    /// <summary>Slack does not take what we sent, or says something we do not know; repeating it changes nothing.</summary>
    OurBug,

    /// <summary>Too late: the trigger is used up, the form was closed or changed.</summary>
    Race,
}

/// <summary>How a call of the Web API ended.</summary>
internal abstract record SlackAnswer
{
    private SlackAnswer()
    {
    }

    /// <summary>Prints nothing of the body: it repeats what was posted.</summary>
    public sealed record Ok(JsonElement Body, string? Scopes) : SlackAnswer
    {
        public override string ToString() => "ok";
    }

    /// <param name="Code">Slack's code, or our own word for an answer without one (<c>http_503</c>, <c>no_answer</c>,
    /// <c>timeout</c>).</param>
    /// <param name="Needed">The missing scope, when that is the matter.</param>
    /// <param name="RetryAfter">With <see cref="SlackFault.BackOff"/>.</param>
    public sealed record Failed(SlackFault Fault, string Method, string Code, string? Needed = null, TimeSpan? RetryAfter = null)
        : SlackAnswer
    {
        /// <summary>For people and logs.</summary>
        public string Why => Needed is null
            ? $"Slack answered {Code} to {Method}." : $"Slack answered {Code} to {Method}: the app needs the scope {Needed}.";
    }
}

/// <summary>Slack's error codes by what they mean.</summary>
internal static class SlackFaults
{
    private static readonly HashSet<string> Configuration = new(StringComparer.Ordinal)
    {
        "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "not_allowed_token_type",
        "no_permission", "org_login_required", "accesslimited", "access_denied", "team_access_not_granted", "ekm_access_denied",
        "two_factor_setup_required", "method_deprecated", "deprecated_endpoint", "plan_upgrade_required", "enterprise_is_restricted",
        "http_401", "http_403", "http_407",
    };

    private static readonly HashSet<string> BackOff =
        new(StringComparer.Ordinal) { "ratelimited", "rate_limited", "message_limit_exceeded" };

    private static readonly HashSet<string> Transient = new(StringComparer.Ordinal)
    {
        "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "http_408",
    };

    private static readonly HashSet<string> TargetGone = new(StringComparer.Ordinal)
    {
        "channel_not_found", "is_archived", "user_not_found", "users_not_found", "user_disabled", "user_not_visible",
            "messages_tab_disabled",
        "not_in_channel", "user_not_in_channel", "message_not_found", "cant_update_message", "cant_delete_message",
        "compliance_exports_prevent_deletion", "edit_window_closed", "is_inactive", "cannot_dm_bot", "no_such_subteam",
    };

    private static readonly HashSet<string> Race = new(StringComparer.Ordinal)
    {
        "hash_conflict", "not_found", "already_reacted", "push_limit_reached", "expired_trigger_id", "exchanged_trigger_id",
        "invalid_trigger_id", "trigger_expired", "trigger_exchanged",
    };

    /// <summary>Codes grow over the years; one that is not known is never a reason to repeat.</summary>
    public static SlackFault Of(string code) =>
        Configuration.Contains(code) ? SlackFault.Configuration
        : BackOff.Contains(code) ? SlackFault.BackOff
        : Transient.Contains(code) ? SlackFault.Transient
        : TargetGone.Contains(code) || code.StartsWith("restricted_action", StringComparison.Ordinal) ? SlackFault.TargetGone
        : Race.Contains(code) ? SlackFault.Race
        : SlackFault.OurBug;
}
