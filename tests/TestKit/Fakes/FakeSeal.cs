using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Ports;

namespace DbAccess.TestKit.Fakes;

/// <summary>A seal without a secret. What has none passes, since most tests put grants into the store by hand; a strict one takes nothing unsealed.</summary>
public sealed class FakeSeal : ISeal
{
    public bool Strict { get; set; }

    public string Of(string kind, string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\n{text}")));

    public bool Fits(string kind, string text, string? seal) => seal is null ? !Strict : seal == Of(kind, text);
}
