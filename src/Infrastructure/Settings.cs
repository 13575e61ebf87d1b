using System.Globalization;
using System.Text.RegularExpressions;
using DbAccess.Application;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Configuration;

namespace DbAccess.Infrastructure;

/// <summary>
/// Reads settings by their configuration keys and gathers every fault instead of stopping at the first, so that a start lists them all at
/// once. A fault names the key and shows its value, never a secret's.
/// </summary>
/// <param name="kept">
/// Reads a secret that is kept elsewhere, by setting and address; null, with a fault, when it cannot be had. Where it is left out, such an
/// address is a fault.
/// </param>
public sealed partial class Settings(IConfiguration configuration, Func<Settings, string, string, Secret?>? kept = null)
{
    private readonly List<string> _faults = [];

    /// <summary>What is wrong, one sentence each; empty when the settings can be used.</summary>
    public IReadOnlyList<string> Faults => _faults;

    public void Fault(string sentence) => _faults.Add(sentence);

    /// <summary>
    /// Reads something that can be done without: what is wrong with it is answered instead of being a fault of the start.
    /// </summary>
    public (T? Value, string? Why) OrWithout<T>(Func<T?> read)
        where T : class
    {
        var before = _faults.Count;
        var value = read();
        var why = string.Join(' ', _faults.Skip(before));
        _faults.RemoveRange(before, _faults.Count - before);
        return (value, value is null ? why : null);
    }

    /// <summary>A setting without which nothing works. Answers an empty text, with a fault, when it is missing.</summary>
    public string Required(string key)
    {
        if (Read(key) is { } value) return value;

        Missing(key);
        return "";
    }

    public string Optional(string key, string fallback) => Read(key) ?? fallback;

    /// <summary>
    /// A secret without which nothing works; a fault never shows it. <c>s3://bucket/key</c> says where it is kept: then it is read from
    /// there, now, and is in nobody's environment.
    /// </summary>
    public Secret RequiredSecret(string key)
    {
        if (Read(key) is { } value) return SecretOf(key, value);

        Missing(key);
        return new Secret("missing");
    }

    /// <summary>A list of secrets: <c>key:0</c>, <c>key:1</c>, … At least one; each as <see cref="RequiredSecret"/> takes it.</summary>
    public IReadOnlyList<Secret> RequiredSecrets(string key)
    {
        var values = configuration.GetSection(key).GetChildren().Select(child => (child.Key, Value: child.Value?.Trim()))
            .Where(child => !string.IsNullOrEmpty(child.Value)).ToList();
        if (values.Count == 0)
            _faults.Add($"{key} is missing: set {key}:0 (environment: {key.Replace(":", "__", StringComparison.Ordinal)}__0).");
        return [.. values.Select(child => SecretOf($"{key}:{child.Key}", child.Value!))];
    }

    /// <summary>One of a few words. A word of the contract that is not built yet is refused by name.</summary>
    public string Choice(string key, string fallback, IReadOnlyList<string> allowed, params string[] notYet)
    {
        var value = Optional(key, fallback);
        if (allowed.FirstOrDefault(word => word.Equals(value, StringComparison.OrdinalIgnoreCase)) is { } match) return match;

        _faults.Add(notYet.Contains(value, StringComparer.OrdinalIgnoreCase)
            ? $"{key} is '{value}', which is not available yet; use {string.Join(" or ", allowed)}."
            : $"{key} is '{value}'; it must be {string.Join(" or ", allowed)}.");
        return fallback;
    }

    public bool Flag(string key, bool fallback)
    {
        if (Read(key) is not { } value) return fallback;
        if (bool.TryParse(value, out var flag)) return flag;

        _faults.Add($"{key} is '{value}'; it must be true or false.");
        return fallback;
    }

    /// <summary>A length of time, as <c>hh:mm:ss</c> or in the words of the command line (<c>5m</c>).</summary>
    public TimeSpan Duration(string key, TimeSpan fallback, TimeSpan min, TimeSpan max)
    {
        if (Read(key) is not { } value) return fallback;
        var parsed = Durations.Parse(value, max) ?? (TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var span) ? span : null);
        if (parsed is { } duration && duration >= min && duration <= max) return duration;

        _faults.Add($"{key} is '{value}'; it must be a length of time from {min:c} to {max:c}.");
        return fallback;
    }

    public int Number(string key, int fallback, int min, int max)
    {
        if (Read(key) is not { } value) return fallback;
        if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;

        _faults.Add($"{key} is '{value}'; it must be a number from {min} to {max}.");
        return fallback;
    }

    /// <summary>An address that secrets are sent to: https, or http on this machine only.</summary>
    public Uri Address(string key, string fallback)
    {
        var value = Optional(key, fallback);
        if (Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.UserInfo.Length == 0
            && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))) return uri;

        _faults.Add($"{key} must be an https address (http only for this machine), without user name or password.");
        return new Uri(fallback);
    }

    /// <summary>The id of a channel of Slack; null when nothing is said.</summary>
    public string? OptionalChannel(string key)
    {
        if (Read(key) is not { } value) return null;
        if (ChannelShape().IsMatch(value)) return value;

        _faults.Add($"{key} is '{value}'; it must be the id of a channel (C…), not its name.");
        return null;
    }

    /// <summary>Which installation this is (<c>Installation</c>).</summary>
    public Installation Installation()
    {
        var name = Required("Installation");
        if (name.Length > 0 && !InstallationShape().IsMatch(name))
            _faults.Add($"Installation is '{name}'; it must be 1 to 63 letters, digits, '.', '_' or '-'.");
        return new Installation(name);
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex InstallationShape();

    [GeneratedRegex("^[CG][A-Z0-9]{2,20}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex ChannelShape();

    // A secret that cannot be read is as good as missing; why is a fault by then.
    private Secret SecretOf(string key, string value)
    {
        if (!value.StartsWith("s3://", StringComparison.OrdinalIgnoreCase)) return new Secret(value);

        if (kept is null) Fault($"{key} is '{value}', and secrets that are kept in S3 are not read here.");
        return kept?.Invoke(this, key, value) ?? new Secret("missing");
    }

    private string? Read(string key) => configuration[key]?.Trim() is { Length: > 0 } value ? value : null;

    private void Missing(string key) =>
        _faults.Add($"{key} is missing (environment: {key.Replace(":", "__", StringComparison.Ordinal)}).");
}
