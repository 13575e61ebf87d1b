using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DbAccess.Application.Evidence;

/// <summary>
/// What is run on the targets from <see cref="Begin"/> to the end of that work, in order, as text: whoever sends statements adds them to
/// the one that is present, and whoever saves what came of it takes them along. Ambient, so that nothing that is run on the way is
/// forgotten. Bounded: the first and the last statements are kept, and what lies between is counted. Safe for several at once.
/// </summary>
/// <remarks>No secret gets in: a sender leaves out those that it knows, and what looks like one is cut out here.</remarks>
public sealed partial class RanStatements : IDisposable
{
    /// <summary>Of the text, in bytes of UTF-8.</summary>
    public const int Longest = 64 * 1024;

    /// <summary>Stands for a secret.</summary>
    public const string Hidden = "…";

    // The last ones matter as much as the first: a role is made after thousands of tables were given to its scope role.
    private const int LongestBeginning = 38 * 1024;
    private const int LongestEnd = 24 * 1024;
    private const int LongestStatement = 16 * 1024;

    /// <summary>One that was run before and is longer than this is not written out again.</summary>
    private const int WorthOnce = 400;

    private static readonly AsyncLocal<RanStatements?> Ambient = new();

    private readonly Lock _gate = new();
    private readonly TimeProvider _clock;
    private readonly RanStatements? _outer;
    private readonly List<Line> _beginning = [];
    private readonly Queue<Line> _end = new();
    private readonly HashSet<string> _writtenOut = new(StringComparer.Ordinal);
    private string _lastPlace = "";
    private int _beginningBytes;
    private int _endBytes;
    private int _leftOut;
    private long _leftOutBytes;
    private int _count;
    private int _reads;
    private bool _over;

    private RanStatements(TimeProvider clock, RanStatements? outer) => (_clock, _outer, At) = (clock, outer, clock.GetUtcNow());

    /// <summary>The one that statements of this flow of work are added to; null when nobody wants to know.</summary>
    public static RanStatements? Present => Ambient.Value;

    /// <summary>How many were run that change something and are not on record yet.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _count;
        }
    }

    /// <summary>When the last of them was sent.</summary>
    public DateTimeOffset At { get; private set; }

    /// <summary>All that is run from here on in this flow of work, until it is disposed of.</summary>
    public static RanStatements Begin(TimeProvider clock) => Ambient.Value = new RanStatements(clock, Ambient.Value);

    /// <summary>For work that is begun here and belongs to nobody's: until the answer is disposed of, what is begun is not added.</summary>
    public static IDisposable Aside() => Ambient.Value = new RanStatements(TimeProvider.System, Ambient.Value) { _over = true };

    /// <summary>Statements that go to the server together.</summary>
    /// <param name="place">Where to, in words.</param>
    /// <param name="statements">Only those that change something.</param>
    /// <param name="reads">How many more go with them that only read.</param>
    public void Add(string place, IReadOnlyList<string> statements, int reads)
    {
        lock (_gate)
        {
            if (_over) return;

            _reads += reads;
            if (statements.Count == 0) return;

            At = _clock.GetUtcNow();
            _count += statements.Count;
            if (statements.Count > 1) Keep(place, $"-- {Number(statements.Count)} together:", 0);
            foreach (var statement in statements) Keep(place, Write(statement), 1);
        }
    }

    /// <summary>What is to be known of the statements before it, such as that they failed. One line.</summary>
    public void Remark(string place, string words)
    {
        lock (_gate)
        {
            if (!_over && _count > 0) Keep(place, $"-- {OneLine(WithoutSecrets(words), 500)}", 0);
        }
    }

    /// <summary>All that is not on record yet; empty when that is nothing.</summary>
    public string Text
    {
        get
        {
            lock (_gate)
            {
                if (_count == 0) return "";

                var text = new StringBuilder();
                text.Append(CultureInfo.InvariantCulture, $"-- {_count} statements, and {_reads} that only read");
                var place = "";
                foreach (var line in _beginning) place = Append(text, line, place);
                if (_leftOut > 0)
                {
                    text.Append(CultureInfo.InvariantCulture, $"\n-- … and {_leftOut} more statements ({_leftOutBytes} bytes) …");
                    place = "";
                }
                foreach (var line in _end) place = Append(text, line, place);
                return text.ToString();
            }
        }
    }

    /// <summary>Is on record now, and is not to be told again.</summary>
    public void Told()
    {
        lock (_gate)
        {
            _beginning.Clear();
            _end.Clear();
            _writtenOut.Clear();
            _lastPlace = "";
            (_beginningBytes, _endBytes, _leftOut, _leftOutBytes, _count, _reads) = (0, 0, 0, 0, 0, 0);
        }
    }

    public void Dispose()
    {
        lock (_gate) _over = true;
        if (Ambient.Value == this) Ambient.Value = _outer;
    }

    /// <summary>A value that was given with a statement, for the line below it.</summary>
    public static string Value(string value) => OneLine(WithoutSecrets(value), 300);

    /// <summary>
    /// The second net, by what secrets look like: whatever stands behind PASSWORD in quotes, and verifiers wherever they stand.
    /// </summary>
    internal static string WithoutSecrets(string text)
    {
        // Each look for what they begin with is far quicker than the expression.
        if (text.Contains("PASSWORD", StringComparison.OrdinalIgnoreCase)) text = Password().Replace(text, $"${{word}}'{Hidden}'");
        return text.Contains("SCRAM", StringComparison.OrdinalIgnoreCase) || text.Contains("md5", StringComparison.OrdinalIgnoreCase)
            ? Verifier().Replace(text, Hidden) : text;
    }

    private static string OneLine(string text, int longest)
    {
        var line = WhiteSpace().Replace(text, " ").Trim();
        return line.Length <= longest ? line : $"{line[..(char.IsHighSurrogate(line[longest - 1]) ? longest - 1 : longest)]}…";
    }

    private static string Append(StringBuilder text, Line line, string place)
    {
        if (line.Place != place) text.Append('\n').Append("-- on ").Append(line.Place).Append(':');
        text.Append('\n').Append(line.Text);
        return line.Place;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private string Write(string statement)
    {
        var text = WithoutSecrets(statement);
        if (text.Length > WorthOnce)
        {
            // A block of ours: what differs are the values below it. Only what is sure to stay is referred to.
            var body = text.AsSpan(0, text.LastIndexOf("\n-- $1 = ", StringComparison.Ordinal) is > 0 and var at ? at : text.Length);
            if (!_writtenOut.GetAlternateLookup<ReadOnlySpan<char>>().Contains(body))
            {
                if (_beginningBytes + text.Length < LongestBeginning / 2) _writtenOut.Add(body.ToString());
            }
            else
            {
                text = $"-- again, as above: {OneLine(body.ToString(), 80)}{text.AsSpan(body.Length)}";
            }
        }
        var bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes <= LongestStatement) return text;

        // A letter has at most three bytes here.
        var kept = bytes == text.Length ? LongestStatement : LongestStatement / 3;
        if (char.IsHighSurrogate(text[kept - 1])) kept--;
        return $"{text.AsSpan(0, kept)}\n-- … and {Number(Encoding.UTF8.GetByteCount(text.AsSpan(kept)))} bytes more of it";
    }

    private void Keep(string place, string text, int statements)
    {
        // With its line feed, and the line that says where.
        var bytes = Encoding.UTF8.GetByteCount(text) + 1 + (place == _lastPlace ? 0 : Encoding.UTF8.GetByteCount(place) + 8);
        var line = new Line(_lastPlace = place, text, statements, bytes);
        if (_end.Count == 0 && _leftOut == 0 && _beginningBytes + line.Bytes <= LongestBeginning)
        {
            _beginning.Add(line);
            _beginningBytes += line.Bytes;
            return;
        }
        _end.Enqueue(line);
        _endBytes += line.Bytes;
        while (_endBytes > LongestEnd)
        {
            var left = _end.Dequeue();
            _endBytes -= left.Bytes;
            _leftOut += left.Statements;
            _leftOutBytes += left.Bytes;
        }
    }

    [GeneratedRegex(@"(?<word>\bPASSWORD\s+)(?:[EN]|U&)?'(?:[^'\\]|''|\\.)*(?:'|$)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.Singleline, 1000)]
    private static partial Regex Password();

    [GeneratedRegex(@"SCRAM-SHA-256\$[A-Za-z0-9+/=:$]*|\bmd5[0-9a-f]{32}\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Verifier();

    [GeneratedRegex(@"[\s\p{Cc}\u2028\u2029]+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex WhiteSpace();

    /// <param name="Statements">1, or 0 for what is told of others.</param>
    private sealed record Line(string Place, string Text, int Statements, int Bytes);
}
