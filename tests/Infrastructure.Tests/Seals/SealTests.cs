using DbAccess.Application;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Seals;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DbAccess.Infrastructure.Tests.Seals;

/// <summary>The key that writers of the store do not have, and what comes of records without it.</summary>
public sealed class SealTests : IDisposable
{
    private static readonly DateTimeOffset Later = DateTimeOffset.UtcNow.AddHours(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("dbaccess-seal-").FullName;

    private string KeyPath => Path.Combine(_folder, "data", "seal-key");

    private string StorePath => Path.Combine(_folder, "dbaccess.db");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_first_start_makes_a_key_that_only_its_owner_reads_and_the_next_takes_the_same()
    {
        await using var first = await StartAsync();
        var seal = first.GetRequiredService<ISeal>().Of("grant", "terms");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
        await using var second = await StartAsync();
        Assert.True(second.GetRequiredService<ISeal>().Fits("grant", "terms", seal));
        Assert.Equal([KeyPath], Directory.GetFiles(Path.GetDirectoryName(KeyPath)!));
    }

    [Theory]
    [InlineData("grant", "terms", false, true)]
    [InlineData("grant", "terms ", false, false)]
    [InlineData("inbox", "terms", false, false)]
    [InlineData("grant", "terms", true, false)]
    public async Task A_seal_fits_its_text_its_kind_and_its_key(string kind, string text, bool otherKey, bool fits)
    {
        await using var first = await StartAsync();
        var seal = first.GetRequiredService<ISeal>().Of("grant", "terms");
        if (otherKey) File.Delete(KeyPath);

        await using var second = await StartAsync();

        Assert.Equal(fits, second.GetRequiredService<ISeal>().Fits(kind, text, seal));
        Assert.False(second.GetRequiredService<ISeal>().Fits(kind, text, null));
    }

    [Theory]
    [InlineData("others may read it")]
    [InlineData("it is cut")]
    [InlineData("it is a folder")]
    public async Task A_key_that_cannot_be_used_stops_what_gives_and_not_what_takes_away(string how)
    {
        (await StartAsync()).Dispose();
        if (how == "others may read it") File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        else if (how == "it is cut") await File.WriteAllTextAsync(KeyPath, "c2hvcnQ=", Stop);
        else
        {
            File.Delete(KeyPath);
            Directory.CreateDirectory(KeyPath);
        }

        Assert.Contains("Grants:SealKey", Assert.Single(Add(new ServiceCollection(), orWithout: false)), StringComparison.Ordinal);

        var services = new ServiceCollection();
        Assert.Empty(Add(services, orWithout: true));
        await using var provider = services.BuildServiceProvider();
        Assert.Throws<InvalidOperationException>(() => provider.GetRequiredService<ISeal>().Fits("grant", "terms", "x"));
    }

    [Fact]
    public async Task A_request_that_somebody_wrote_into_the_inbox_is_not_handed_out_and_one_of_ours_is()
    {
        await using var process = await StartAsync();
        var ours = new InboxItem("cmd:1", "command", Some.Engineer, "C0GENERAL", "orders read 30m because INC-1", DateTimeOffset.UtcNow);
        Assert.True(await process.GetRequiredService<IInbox>().TryAddAsync(ours, null, Stop));
        Run("INSERT INTO inbox (key, kind, team, user, text, received_at) SELECT 'cmd:2', kind, team, 'U0GUEST01', 'orders migrate 1h because forged', received_at FROM inbox WHERE key = 'cmd:1'");
        // What cannot even be read must not hide those behind it.
        Run("INSERT INTO inbox (key, kind, team, user, text, received_at) VALUES ('cmd:0', 'command', 'T0DBACME1', 'U0GUEST01', 'x', 'yesterday')");
        Run("INSERT INTO inbox (key, kind, team, user, text, received_at) SELECT 'cmd:4', kind, team, 'nobody', text, received_at FROM inbox WHERE key = 'cmd:1'");
        Run("INSERT INTO inbox (key, kind, team, user, channel, text, received_at, seal) SELECT 'cmd:3', kind, team, 'U0GUEST01', channel, text, received_at, seal FROM inbox WHERE key = 'cmd:1'");

        await using var next = await StartAsync();
        var waiting = await next.GetRequiredService<IInbox>().ListWaitingAsync(Later, Stop);

        Assert.Equal(["cmd:1"], waiting.Select(item => item.Key));
        Assert.Equal(2L, Ask("SELECT count(*) FROM inbox WHERE finished_at IS NOT NULL"));
    }

    [Fact]
    public async Task What_was_decided_before_there_was_a_key_is_sealed_once()
    {
        await using (var before = await StartAsync())
        {
            await before.GetRequiredService<IGrantStore>().AddAsync(Some.Allowed(), Stop);
            File.Delete(KeyPath);
        }

        await using var upgraded = await StartAsync(hosted: true);
        Assert.NotNull(Assert.Single(await LiveAsync(upgraded)).State.Seal);

        await upgraded.GetRequiredService<IGrantStore>().AddAsync(Some.Allowed(), Stop);
        await using var next = await StartAsync(hosted: true);
        Assert.Single(await LiveAsync(next), grant => grant.State.Seal is null);
    }

    [Fact]
    public async Task With_another_key_what_the_former_one_sealed_stays_ours_and_what_had_no_seal_does_not_become_so()
    {
        var (former, ours, forged) = (KeyPath + "-former", Some.Allowed(), Some.Allowed());
        await using (var before = await StartAsync())
        {
            var store = before.GetRequiredService<IGrantStore>();
            await store.AddAsync(before.GetRequiredService<GrantSeal>().Seal(ours), Stop);
            await store.AddAsync(forged, Stop);
        }
        File.Move(KeyPath, former);

        await using (var changing = await StartAsync(hosted: true, former: former))
            Assert.Equal([true, false], await AreOursAsync(changing, ours, forged));

        // From then on without the former key.
        await using var after = await StartAsync(hosted: true);
        Assert.Equal([true, false], await AreOursAsync(after, ours, forged));
    }

    private static async Task<List<bool>> AreOursAsync(ServiceProvider process, params Grant[] grants)
    {
        List<bool> are = [];
        foreach (var grant in grants)
            are.Add(process.GetRequiredService<GrantSeal>().IsOurs((await process.GetRequiredService<IGrantStore>().FindAsync(grant.Id, Stop))!));
        return are;
    }

    private static Task<IReadOnlyList<Grant>> LiveAsync(ServiceProvider process) =>
        process.GetRequiredService<IGrantStore>().ListLiveAsync(null, 10, Stop);

    private async Task<ServiceProvider> StartAsync(bool hosted = false, string? former = null)
    {
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(TimeProvider.System).AddApplication(new Installation(Some.Installation)).AddWarrants();
        Assert.Empty(Add(services, orWithout: false, hosted, former));
        var process = services.BuildServiceProvider();
        await process.GetRequiredService<IStoreSetup>().OpenAsync(Stop);
        foreach (var service in process.GetServices<IHostedService>()) await service.StartAsync(Stop);
        return process;
    }

    private IReadOnlyList<string> Add(IServiceCollection services, bool orWithout, bool hosted = false, string? former = null)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Grants:Sqlite:Path"] = StorePath, ["Grants:SealKey"] = KeyPath, ["Grants:FormerSealKey"] = former,
        }).Build());
        services.AddStores(settings).AddSeal(settings, hosted, orWithout);
        return settings.Faults;
    }

    private void Run(string sql) => Ask(sql);

    private object? Ask(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={StorePath}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
