using DbAccess.Domain;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// The address for answers came over the network, signed or not, so that we only ever send to Slack's own: a leaked signing secret must not
/// make us call anybody else. The address is a key to the conversation for half an hour and is treated as a secret.
/// </summary>
internal static class ResponseUrl
{
    private static readonly string[] Hosts = ["hooks.slack.com", "hooks.slack-gov.com"];

    /// <summary>Null when it is not an address that answers may go to.</summary>
    public static Uri? Check(Secret given, Uri api)
    {
        if (!Uri.TryCreate(given.Reveal(), UriKind.Absolute, out var url) || url.UserInfo.Length > 0) return null;
        if (url.Scheme == Uri.UriSchemeHttps && url.IsDefaultPort && Hosts.Contains(url.IdnHost, StringComparer.OrdinalIgnoreCase))
            return url;

        // A stand-in for Slack on this machine hands out addresses of its own, and only then.
        return api.IsLoopback && url.Scheme == api.Scheme && url.Host == api.Host && url.Port == api.Port ? url : null;
    }
}
