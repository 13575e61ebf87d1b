using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace DbAccess.TestKit;

/// <summary>Everything that was logged, for tests of what a log says and of what may not be in it.</summary>
public sealed class CapturedLog : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<(LogLevel Level, string Message, string Line)> _written = new();
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    /// <summary>Nothing is kept; for long walks of which nobody reads the log.</summary>
    public bool Off { get; set; }

    /// <summary>Each line with all that was handed over with it: message, level, single values, those of the scopes around it, exception.</summary>
    public IReadOnlyList<string> Lines => [.. _written.Select(written => written.Line)];

    /// <summary>The messages of one level, as a person reads them.</summary>
    public IReadOnlyList<string> Of(LogLevel level) => [.. _written.Where(written => written.Level == level).Select(written => written.Message)];

    /// <summary>For what is made by hand; everything else gets its logger from a factory that has this as a provider.</summary>
    public ILogger<T> For<T>() => new Logger<T>(this);

    public ILogger CreateLogger(string categoryName) => For<CapturedLog>();

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private static string Values(object? state) =>
        state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Concat(pairs.Select(pair => $" {pair.Key}={pair.Value}")) : "";

    private sealed class Logger<T>(CapturedLog log) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => log._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => !log.Off;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var message = formatter(state, exception);
            var line = $"{message} {logLevel}{Values(state)}";
            log._scopes.ForEachScope((scope, _) => line += Values(scope), 0);
            log._written.Enqueue((logLevel, message, $"{line} {exception}"));
            SecretLedger.Wrote($"{line} {exception}");
        }
    }
}
