using Xunit;

namespace DbAccess.TestKit.Aws;

/// <summary>
/// AWS as moto emulates it, one server for a whole test assembly: <c>[assembly: AssemblyFixture(typeof(MotoFixture))]</c>, then a constructor
/// parameter of a test class. It starts when the first test asks for it. moto is a Python program that no registry of ours has, so where it is
/// absent the tests are skipped, in CI too. Tables and buckets get names of their own: nothing is ever reset.
/// </summary>
public sealed class MotoFixture : IAsyncLifetime
{
    private readonly Lazy<Task<MotoServer?>> _started = new(MotoServer.StartAsync);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Where it listens; asking skips the test when there is no moto.</summary>
    public async Task<Uri> EndpointAsync()
    {
        if (await _started.Value is { } server) return server.Address;
        Assert.Skip(MotoServer.NotFound);
        throw new InvalidOperationException("A skipped test goes on.");
    }

    /// <summary>A name nobody else has.</summary>
    public static string Unique(string prefix) => $"{prefix}-{Guid.NewGuid():N}";

    public async ValueTask DisposeAsync()
    {
        if (_started.IsValueCreated && await _started.Value is { } server) await server.DisposeAsync();
    }
}
