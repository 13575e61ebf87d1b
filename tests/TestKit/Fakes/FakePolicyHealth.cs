using DbAccess.Application.Ports;

namespace DbAccess.TestKit.Fakes;

/// <summary>A policy file about which there is nothing to say, unless a test says otherwise.</summary>
public sealed class FakePolicyHealth : IPolicyHealth
{
    public IReadOnlyList<string> Oddities { get; set; } = [];

    public string? Rejected { get; set; }
}
