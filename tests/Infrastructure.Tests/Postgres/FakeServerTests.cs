using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Somebody else answers under the cluster's name.</summary>
public sealed class FakeServerTests
{
    private const string Password = "administrators-own-secret";

    [Theory]
    [InlineData("disable", 3)]
    [InlineData("prefer", 3)]
    [InlineData("prefer", 5)]
    public async Task Who_asks_for_the_password_in_clear_or_hashed_gets_nothing_where_nobody_verifies_who_it_is(string sslMode, int method)
    {
        using var fake = new FakeServer(method);

        var fault = await Assert.ThrowsAsync<ClusterFault>(() => OpenAsync(fake, sslMode, any: false));

        Assert.Equal("postgres.authentication", fault.Error.Code);
        Assert.Equal("", await fake.AnswerAsync());
    }

    [Fact]
    public async Task Nor_by_trying_again_in_another_way()
    {
        using var fake = new FakeServer(3);

        await Assert.ThrowsAsync<ClusterFault>(() => OpenAsync(fake, "allow", any: false));

        Assert.Equal("", await fake.AnswerAsync());
    }

    [Fact]
    public async Task The_word_in_the_credentials_allows_it()
    {
        using var fake = new FakeServer(3);

        await Assert.ThrowsAsync<ClusterFault>(() => OpenAsync(fake, "disable", any: true));

        Assert.Contains(Password, await fake.AnswerAsync(), StringComparison.Ordinal);
    }

    private static async Task OpenAsync(FakeServer fake, string sslMode, bool any)
    {
        await using var connections = new ClusterConnections(
            new Fixed(new AdminCredential("127.0.0.1", fake.Port, "dbaccess_admin", new Secret(Password), sslMode, "postgres", []) { AnyAuthentication = any }),
            PostgresOptions.Default, TimeProvider.System);
        await (await connections.OpenAsync(ClusterName.Parse("orders-prod")!, null, TestContext.Current.CancellationToken)).DisposeAsync();
    }

    private sealed class Fixed(AdminCredential credential) : IAdminCredentials
    {
        public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken) =>
            Task.FromResult<Result<AdminCredential>>(credential);
    }

    /// <summary>Speaks no TLS, asks for the password by one method, keeps what comes, and hangs up.</summary>
    private sealed class FakeServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly TaskCompletionSource<string> _answer = new();

        public FakeServer(int method)
        {
            _listener.Start();
            _ = Task.Run(() => ServeAsync(method));
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        /// <summary>What was sent once the password had been asked for, on the first connection that came so far.</summary>
        public Task<string> AnswerAsync() => _answer.Task.WaitAsync(TimeSpan.FromSeconds(20));

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(int method)
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                var stream = client.GetStream();
                try
                {
                    await ReadStartAsync(stream);
                    byte[] ask = method == 5 ? [(byte)'R', 0, 0, 0, 12, 0, 0, 0, 5, 1, 2, 3, 4] : [(byte)'R', 0, 0, 0, 8, 0, 0, 0, (byte)method];
                    await stream.WriteAsync(ask);
                    var answer = new byte[1024];
                    _answer.TrySetResult(Encoding.UTF8.GetString(answer, 0, await stream.ReadAsync(answer)));
                }
                catch (IOException)
                {
                    // It went away before it was asked anything, as to try without TLS.
                }
            }
        }

        private static async Task ReadStartAsync(NetworkStream stream)
        {
            var head = new byte[8];
            while (true)
            {
                await stream.ReadExactlyAsync(head);
                var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(head) - head.Length];
                await stream.ReadExactlyAsync(rest);
                // SSLRequest and GSSENCRequest: no.
                if (BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(4)) is not (80877103 or 80877104)) return;
                await stream.WriteAsync("N"u8.ToArray());
            }
        }
    }
}
