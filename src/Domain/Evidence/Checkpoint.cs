using System.Globalization;

namespace DbAccess.Domain.Evidence;

/// <summary>
/// What is signed about the log, as in C2SP tlog-checkpoint: that its first <paramref name="Size"/> events give <paramref name="Root"/>.
/// </summary>
/// <param name="Origin">Which log: <c>dbaccess/</c> and the installation. ASCII without spaces and <c>+</c>.</param>
/// <param name="At">When it was signed, to the millisecond.</param>
public sealed record Checkpoint(string Origin, long Size, byte[] Root, DateTimeOffset At)
{
    internal const string Instant = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>The text that is signed: four lines, the last with its line feed.</summary>
    public string Body() => string.Create(CultureInfo.InvariantCulture,
        $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\ntime {At.UtcDateTime.ToString(Instant, CultureInfo.InvariantCulture)}\n");

    /// <summary>Equal is what is signed with the same words.</summary>
    public bool Equals(Checkpoint? other) => other is not null && Body() == other.Body();

    public override int GetHashCode() => Body().GetHashCode(StringComparison.Ordinal);

    public static bool IsOrigin(string text) => text.Length > 0 && text.All(letter => letter is > ' ' and < '\x7f' and not '+');

    /// <summary>What <see cref="Body"/> wrote; null when it is anything else, to the letter.</summary>
    public static Checkpoint? Parse(string body)
    {
        var lines = body.Split('\n');
        if (lines.Length != 5 || !IsOrigin(lines[0])) return null;
        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)) return null;
        var root = new byte[MerkleTree.HashBytes];
        if (!Convert.TryFromBase64String(lines[2], root, out var length) || length != root.Length) return null;
        if (!DateTimeOffset.TryParseExact(lines[3], $"'time '{Instant}", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
                out var at)) return null;

        var checkpoint = new Checkpoint(lines[0], size, root, at);
        return checkpoint.Body() == body ? checkpoint : null;
    }
}
