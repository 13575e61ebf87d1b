using System.Collections.Concurrent;
using System.Threading.Channels;
using DbAccess.TestKit.Aws;

namespace DbAccess.Demo;

/// <summary>A function as AWS knows it: its name, the command of its image, and the environment that it is started with.</summary>
/// <param name="Package">The folder with its unpacked package, whose <c>bootstrap</c> is started without arguments; null where it comes from the image.</param>
public sealed record AwsFunction(string Name, IReadOnlyList<string> Command, IReadOnlyDictionary<string, string> Environment, string? Package = null);

/// <summary>
/// One function, run as Lambda runs it: the product's own executable in an environment that lives from event to event and is made anew when it
/// dies; killed at the deadline; an event that fails is given again, with the same request id.
/// </summary>
public sealed class LocalFunction : IAsyncDisposable
{
    private readonly AwsFunction _function;
    private readonly string _directory;
    private readonly TimeSpan _timeout;
    private readonly int _retries;
    private readonly Action<string>? _onLine;
    private readonly Channel<string> _events = Channel.CreateUnbounded<string>();
    private readonly ConcurrentQueue<FakeRuntimeApi.Reply> _replies = new();
    private readonly ConcurrentQueue<DbAccessProcess> _processes = new();
    private readonly CancellationTokenSource _stop = new();
    private (FakeRuntimeApi Api, DbAccessProcess Process)? _environment;
    private Task _running = Task.CompletedTask;

    private LocalFunction(AwsFunction function, string directory, TimeSpan timeout, int retries, Action<string>? onLine) =>
        (_function, _directory, _timeout, _retries, _onLine) = (function, directory, timeout, retries, onLine);

    /// <summary>What it answered so far, oldest first; for an environment that died with an event in hand, an error of the platform's.</summary>
    public IReadOnlyList<FakeRuntimeApi.Reply> Replies => [.. _replies];

    /// <summary>What it printed, of all its environments.</summary>
    public IReadOnlyList<string> Output => [.. _processes.SelectMany(process => process.Output)];

    /// <summary>An event waits its turn.</summary>
    public bool HasWaiting => _events.Reader.Count > 0;

    /// <summary>How many environments there have been.</summary>
    public int Environments => _processes.Count;

    /// <summary>Starts the first environment and waits until it asks for an event.</summary>
    public static async Task<LocalFunction> StartAsync(AwsFunction function, string directory, TimeSpan timeout, int retries, Action<string>? onLine = null)
    {
        var local = new LocalFunction(function, directory, timeout, retries, onLine);
        try
        {
            await local.EnvironmentAsync();
        }
        catch
        {
            await local.DisposeAsync();
            throw;
        }

        local._running = Task.Run(local.RunAsync);
        return local;
    }

    /// <summary>An asynchronous invocation: the event waits its turn.</summary>
    public void Invoke(string json) => _events.Writer.TryWrite(json);

    /// <summary>Kills the environment, whatever it is doing.</summary>
    public async Task KillAsync()
    {
        if (_environment is { } living) await living.Process.KillAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _running;
            if (_environment is { } living)
            {
                await living.Process.DisposeAsync();
                await living.Api.DisposeAsync();
            }
        }
        finally
        {
            _stop.Dispose();
        }
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var json in _events.Reader.ReadAllAsync(_stop.Token))
            {
                var id = Guid.NewGuid().ToString();
                for (var attempt = 0; attempt <= _retries; attempt++)
                {
                    var reply = await HandleAsync(id, json);
                    _replies.Enqueue(reply);
                    if (!reply.IsError) break;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // What waits is not handled: it is on record as due.
        }
    }

    private async Task<FakeRuntimeApi.Reply> HandleAsync(string id, string json)
    {
        var (api, process) = await EnvironmentAsync();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        over.CancelAfter(_timeout);
        var answer = api.InvokeAsync(json, DateTimeOffset.UtcNow + _timeout, id, cancellationToken: over.Token);
        if (await Task.WhenAny(answer, process.Exited) == answer && !answer.IsCanceled) return await answer;

        _stop.Token.ThrowIfCancellationRequested();
        var timedOut = !process.HasExited;
        if (timedOut) await process.KillAsync();
        return new FakeRuntimeApi.Reply(id, timedOut ? "Sandbox.Timedout" : "Runtime.ExitError", "");
    }

    private async Task<(FakeRuntimeApi Api, DbAccessProcess Process)> EnvironmentAsync()
    {
        if (_environment is { Process.HasExited: false } living) return living;
        if (_environment is { } dead)
        {
            _environment = null;
            await dead.Process.DisposeAsync();
            await dead.Api.DisposeAsync();
        }

        var api = await FakeRuntimeApi.StartAsync();
        var settings = new Dictionary<string, string>(_function.Environment, StringComparer.Ordinal) { ["AWS_LAMBDA_RUNTIME_API"] = api.Address, ["AWS_LAMBDA_FUNCTION_NAME"] = _function.Name };
        var process = _function.Package is { } folder
            ? DbAccessProcess.Start([], settings, _directory, _onLine, Path.Combine(folder, "bootstrap"))
            : DbAccessProcess.Start(_function.Command, settings, _directory, _onLine);
        _processes.Enqueue(process);
        _environment = (api, process);
        await process.UntilAsync(api.FirstAsked.ContinueWith(_ => true, TaskScheduler.Default), "asked for an event");
        return (api, process);
    }
}
