using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DbAccess.TestKit.Postgres;

/// <summary>
/// A network between us and a server that can fail: connections are cut, stall, are refused, lead to another server. What a failover, a paused cluster and a broken line look like from outside.
/// </summary>
public sealed class LoopbackProxy : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, byte> _sockets = new();
    private readonly Task _accepting;
    private volatile int _target;
    private volatile bool _refuses;
    private volatile TaskCompletionSource? _stall;

    /// <param name="targetPort">Of a server on 127.0.0.1.</param>
    /// <param name="at">Where it listens; null: on a free port of 127.0.0.1.</param>
    public LoopbackProxy(int targetPort, IPEndPoint? at = null)
    {
        _target = targetPort;
        _listener = new TcpListener(at ?? new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>How many connections were asked for.</summary>
    public int Connections => _connections;

    private int _connections;

    /// <summary>Asked before each piece that a client sends is passed on. Throw or wait as needed; <see cref="Cut"/> inside keeps the piece from arriving.</summary>
    public Func<ReadOnlyMemory<byte>, Task>? BeforePassing { get; set; }

    /// <summary>New connections lead there; those that are open stay.</summary>
    public void LeadTo(int port) => _target = port;

    /// <summary>New connections are reset at once.</summary>
    public void Refuse(bool refuse = true) => _refuses = refuse;

    /// <summary>Nothing passes any more, in either direction, and nobody is told: sockets just go silent.</summary>
    public void Stall() => _stall ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was stalled goes on.</summary>
    public void Resume()
    {
        _stall?.TrySetResult();
        _stall = null;
    }

    /// <summary>Resets every open connection.</summary>
    public void Cut()
    {
        foreach (var socket in _sockets.Keys)
        {
            // With a reset, as a machine does that has died and come back.
            try
            {
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                // It is closed already.
            }
            socket.Dispose();
        }
        _sockets.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Resume();
        _listener.Stop();
        Cut();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> running = [];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                running.Add(ServeAsync(client));
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }
        await Task.WhenAll(running);
    }

    private async Task ServeAsync(Socket client)
    {
        Interlocked.Increment(ref _connections);
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var _ = client;
        client.NoDelay = true;
        _sockets[client] = 0;
        _sockets[server] = 0;
        try
        {
            if (_refuses)
            {
                client.LingerState = new LingerOption(true, 0);
                return;
            }
            if (_stall is { } stall) await stall.Task;
            await server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _target), _stop.Token);
            await Task.WhenAny(PassAsync(client, server, asks: true), PassAsync(server, client, asks: false));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other side sees the same.
        }
        finally
        {
            _sockets.TryRemove(client, out var _1);
            _sockets.TryRemove(server, out var _2);
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool asks)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
            {
                if (_stall is { } stall) await stall.Task;
                if (asks && BeforePassing is { } ask) await ask(buffer.AsMemory(0, read));
                for (var sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _stop.Token);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
