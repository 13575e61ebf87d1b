using System.Diagnostics;
using System.Globalization;

namespace DbAccess.Api.Commands;

/// <summary>Says on standard error how far something long is, once a second from its second second on.</summary>
/// <param name="what">Of what, and done how: <c>events verified</c>.</param>
internal sealed class Progress(string what)
{
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private TimeSpan _said = TimeSpan.Zero;

    public void Report(long count)
    {
        if (_since.Elapsed - _said < TimeSpan.FromSeconds(1)) return;

        _said = _since.Elapsed;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count:N0} " +
            $"{what}, {_since.Elapsed.TotalSeconds:0} s"));
    }
}
