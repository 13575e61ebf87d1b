using System.Diagnostics;
using System.Globalization;

namespace DbAccess.Api.Commands;

/// <summary>Says on standard error how far something long is, once a second from its second second on.</summary>
internal sealed class AuditProgress(string done)
{
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private TimeSpan _said = TimeSpan.Zero;

    public void Report(long events)
    {
        if (_since.Elapsed - _said < TimeSpan.FromSeconds(1)) return;

        _said = _since.Elapsed;
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{events:N0} " +
            $"events {done}, {_since.Elapsed.TotalSeconds:0} s"));
    }
}
