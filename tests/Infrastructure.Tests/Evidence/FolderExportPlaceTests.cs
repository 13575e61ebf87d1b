using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Evidence;
using DbAccess.Infrastructure.Tests.Files;

namespace DbAccess.Infrastructure.Tests.Evidence;

public sealed class FolderExportPlaceTests : ExportPlaceContract, IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_said()
    {
        await File.WriteAllTextAsync(_folder.File("taken"), "", TestContext.Current.CancellationToken);

        var fault = await Assert.ThrowsAsync<ExportException>(() =>
            new FolderExportPlace(_folder.File("taken")).TryAddAsync("log/a", Lines("x"), TestContext.Current.CancellationToken));

        Assert.StartsWith("log/a cannot be written (", fault.Message, StringComparison.Ordinal);
    }

    private protected override Task<IExportPlace> OpenAsync() => Task.FromResult<IExportPlace>(new FolderExportPlace(_folder.Path));

    private protected override Task<string> ReadAsync(string path) => File.ReadAllTextAsync(_folder.File(path), TestContext.Current.CancellationToken);

    private protected override Task<IReadOnlyList<string>> ListAsync() => Task.FromResult<IReadOnlyList<string>>(
        [.. Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_folder.Path, path)).Order(StringComparer.Ordinal)]);
}
