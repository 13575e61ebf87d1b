using System.Security.Cryptography;
using System.Text;

namespace DbAccess.SlackStandIn;

/// <summary>Slack's v0 signature: over the bytes as they go out, keyed with the secret as text.</summary>
internal static class SlackSignature
{
    public static string Sign(string secret, string timestamp, ReadOnlySpan<byte> body)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        mac.AppendData("v0:"u8);
        mac.AppendData(Encoding.UTF8.GetBytes(timestamp));
        mac.AppendData(":"u8);
        mac.AppendData(body);
        return "v0=" + Convert.ToHexStringLower(mac.GetHashAndReset());
    }
}
