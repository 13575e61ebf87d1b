using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using DbAccess.TestKit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Files;

public sealed class FilePolicySourceTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new(Some.Now);
    private readonly CapturedLog _log = new();
    private readonly string _path;

    public FilePolicySourceTests()
    {
        _path = _directory.File("policy.yaml");
        Write(PolicyTexts.Small);
    }

    private static string Other => PolicyTexts.With("id: r,", "id: another,");

    private static string Broken => PolicyTexts.With("cluster: main", "cluster: mian").Replace("max: 4h", "max: never", StringComparison.Ordinal);

    [Fact]
    public async Task A_changed_file_is_looked_at_a_second_later_and_nobody_waits_for_that()
    {
        var source = Start();
        Write(Other);

        Assert.Equal("r", await FirstRuleAsync(source));
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("another", await FirstRuleAsync(source));
        Assert.Equal(_clock.GetUtcNow(), source.LoadedAt);
        Assert.Null(source.LastFault);
    }

    [Fact]
    public async Task A_changed_file_is_noticed_where_nobody_asks()
    {
        var source = Start();
        using var watch = new SourcesRegistration.PolicyWatch(source, _clock, NullLogger<SourcesRegistration.PolicyWatch>.Instance);
        await watch.StartAsync(TestContext.Current.CancellationToken);
        Write(Broken);

        for (var i = 0; i < 100 && source.LastFault is null; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await watch.StopAsync(TestContext.Current.CancellationToken);
        Assert.Contains("'mian'", source.LastFault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_moved_over_the_old_one_counts_whatever_its_time_stamp()
    {
        var source = Start();
        var stamp = File.GetLastWriteTimeUtc(_path);
        File.WriteAllText(_path + ".new", Other.Replace("another", "r2", StringComparison.Ordinal));
        File.SetLastWriteTimeUtc(_path + ".new", stamp);
        File.Move(_path + ".new", _path, overwrite: true);
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("r2", await FirstRuleAsync(source));
    }

    [Fact]
    public async Task A_bad_file_keeps_the_last_good_one_says_every_fault_once_and_a_good_one_heals_it()
    {
        var source = Start();
        var startedAt = source.LoadedAt;

        Write(Broken);
        await AskAsync(source, times: 5);

        Assert.Equal("r", await FirstRuleAsync(source));
        Assert.Equal(startedAt, source.LoadedAt);
        Assert.Contains("line 4: databases.orders.cluster names 'mian'", source.LastFault, StringComparison.Ordinal);
        Assert.Equal(3, _log.Of(LogLevel.Error).Count);
        Assert.Single(_log.Of(LogLevel.Error), line => line.Contains("line 4: databases.orders.cluster names 'mian'", StringComparison.Ordinal));
        Assert.Single(_log.Of(LogLevel.Error), line => line.Contains("line 10: allow.r.lifetime.max is 'never'", StringComparison.Ordinal));

        Write(PolicyTexts.Small);
        await AskAsync(source, times: 1);

        Assert.Null(source.LastFault);
        Assert.Equal(_clock.GetUtcNow(), source.LoadedAt);
        Assert.Equal(3, _log.Of(LogLevel.Error).Count);
    }

    [Fact]
    public async Task A_bad_file_is_said_again_at_least_every_five_minutes_until_a_good_one_is_there()
    {
        var source = Start();
        Write(Broken);
        await AskAsync(source, times: 2);

        for (var window = 0; window < 4; window++)
        {
            var before = Said();
            await AskAsync(source, times: 300);
            Assert.InRange(Said() - before, 1, 3);
        }

        Write(PolicyTexts.Small);
        await AskAsync(source, times: 1);
        var last = Said();
        await AskAsync(source, times: 300);
        Assert.Equal(last, Said());

        int Said() => _log.Of(LogLevel.Error).Count(line => line.EndsWith("Faults: 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_is_being_written_counts_only_when_two_looks_find_the_same()
    {
        var source = Start();
        _clock.Advance(TimeSpan.FromSeconds(1));

        Write(Other, age: TimeSpan.Zero);
        Assert.Equal("r", await FirstRuleAsync(source));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Write(PolicyTexts.With("id: r,", "id: third,"), age: TimeSpan.Zero);
        Assert.Equal("r", await FirstRuleAsync(source));
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("third", await FirstRuleAsync(source));
    }

    [Fact]
    public async Task A_file_that_is_gone_for_a_moment_is_not_news_and_one_that_stays_away_is()
    {
        var source = Start();
        File.Delete(_path);

        await AskAsync(source, times: 1);
        Assert.Null(source.LastFault);

        await AskAsync(source, times: 3);
        Assert.Equal("the file is gone", source.LastFault);
        Assert.Equal("r", await FirstRuleAsync(source));
        Assert.Equal(2, _log.Of(LogLevel.Error).Count);

        Write(PolicyTexts.Small);
        await AskAsync(source, times: 1);
        Assert.Null(source.LastFault);
    }

    [Fact]
    public void A_start_with_a_bad_policy_tells_every_fault_together_with_those_of_other_settings()
    {
        Write(Broken);
        var settings = Settings(("Policy:Path", _path), ("Credentials:Source", "Vault"));

        new ServiceCollection().AddPolicyAndCredentials(settings);

        Assert.Equal(
            [
                $"Policy:Path ({_path}) line 4: databases.orders.cluster names 'mian', which is not a cluster; did you mean 'main'?",
                $"Policy:Path ({_path}) line 10: allow.r.lifetime.max is 'never', which is not a length of time like 45s, 30m, 2h, 1h30m or 1d (more than nothing, at most 366d)",
                "Credentials:Source is 'Vault'; it must be File or S3.",
            ],
            settings.Faults);
    }

    [Theory]
    [InlineData("s3://bucket", "is named s3://bucket/key")]
    [InlineData("s3://bucket//policy.yaml", "is named s3://bucket/key")]
    [InlineData("/nowhere/policy.yaml", "there is no such file")]
    [InlineData("/", "cannot be read")]
    public void A_start_without_a_policy_says_why(string path, string words)
    {
        var settings = Settings(("Policy:Path", path));

        new ServiceCollection().AddPolicyAndCredentials(settings);

        Assert.Contains(words, Assert.Single(settings.Faults), StringComparison.Ordinal);
        Assert.Contains(path, Assert.Single(settings.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_says_once_what_has_no_effect_and_which_cluster_has_no_credentials()
    {
        Write(PolicyTexts.Contract);
        var settings = Settings(("Policy:Path", _path), ("Credentials:File:Directory", _directory.Path));
        var services = new ServiceCollection().AddLogging(logging => logging.AddProvider(_log)).AddPolicyAndCredentials(settings);
        await using var provider = services.BuildServiceProvider();

        foreach (var hosted in provider.GetServices<IHostedService>()) await hosted.StartAsync(TestContext.Current.CancellationToken);

        Assert.Empty(settings.Faults);
        Assert.Equal("oncall-read", provider.GetRequiredService<IPolicySource>().Current.Allow[0].Id);
        Assert.Single(_log.Of(LogLevel.Warning), line => line.Contains("'developers', which is not a group", StringComparison.Ordinal));
        Assert.Contains("orders-prod.json) cannot be used: it does not exist", Assert.Single(_log.Of(LogLevel.Error)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version: 1\nnonsense: true\n")]
    [InlineData(null)]
    public async Task Who_needs_no_policy_starts_without_one_and_takes_the_first_good_one(string? text)
    {
        if (text is null) File.Delete(_path);
        else Write(text);
        var settings = Settings();
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(_log));

        var source = new FilePolicySource(_path, FilePolicySource.ReadAtStart(_path, settings, orWithout: true), _clock, factory.CreateLogger<FilePolicySource>());

        Assert.Empty(settings.Faults);
        Assert.Equal("policy.none", source.Missing?.Code);
        Assert.Empty(source.Current.Databases);
        Assert.NotNull(source.LastFault);
        Write(PolicyTexts.Small);
        await AskAsync(source, times: 1);
        Assert.Null(source.Missing);
        Assert.Equal("r", await FirstRuleAsync(source));
    }

    public void Dispose()
    {
        _directory.Dispose();
        _log.Dispose();
    }

    private FilePolicySource Start()
    {
        using var factory = LoggerFactory.Create(logging => logging.AddProvider(_log));
        var settings = Settings();
        var start = FilePolicySource.ReadAtStart(_path, settings);
        Assert.Empty(settings.Faults);
        return new FilePolicySource(_path, start, _clock, factory.CreateLogger<FilePolicySource>());
    }

    private async Task AskAsync(FilePolicySource source, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            _ = source.Current;
            await source.Looking;
        }
    }

    private static async Task<string> FirstRuleAsync(FilePolicySource source)
    {
        _ = source.Current;
        await source.Looking;
        return source.Current.Allow[0].Id;
    }

    private void Write(string text, TimeSpan? age = null)
    {
        File.WriteAllText(_path, text);
        File.SetLastWriteTimeUtc(_path, (_clock.GetUtcNow() - (age ?? TimeSpan.FromMinutes(1))).UtcDateTime);
    }

    private static Settings Settings(params (string Key, string Value)[] values) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(pair => pair.Key, pair => (string?)pair.Value, StringComparer.Ordinal)).Build());
}
