using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Files;
using DbAccess.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Files;

// File modes: the product runs where there are some.
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class FileAdminCredentialsTests : IDisposable
{
    private const string Password = "MARKER-never-shown-7";

    private const string Good = $$"""{"host":"db.internal","port":5432,"username":"dbaccess_admin","password":"{{Password}}","sslmode":"require","dbname":"orders","readers":["db-ro:5433","[::1]:5434"],"engine":"postgres"}""";

    private static readonly ClusterName Cluster = ClusterName.Parse("orders-prod")!;

    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new(Some.Now);

    private string Path => _directory.File("orders-prod.json");

    [Fact]
    public async Task The_contracts_shape_is_understood()
    {
        Write(Good);

        var credential = (await FindAsync(Source())).Value;

        Assert.Equal(("db.internal", 5432, "dbaccess_admin", "require", "orders"), (credential.Host, credential.Port, credential.Username, credential.SslMode, credential.Database));
        Assert.Equal(Password, credential.Password.Reveal());
        Assert.Equal(["db-ro:5433", "[::1]:5434"], credential.Readers);
        Assert.DoesNotContain(Password, credential.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_word_about_it_the_connection_is_fully_verified()
    {
        Write($$"""{"host":"/run/postgresql","port":"5432","username":"a","password":"{{Password}}"}""");

        var credential = (await FindAsync(Source())).Value;

        Assert.Equal(("verify-full", "postgres", 5432, 0), (credential.SslMode, credential.Database, credential.Port, credential.Readers.Count));
    }

    [Theory]
    [InlineData("600", true)]
    [InlineData("400", true)]
    [InlineData("640", false)]
    [InlineData("620", false)]
    [InlineData("610", false)]
    [InlineData("604", false)]
    [InlineData("602", false)]
    [InlineData("601", false)]
    public async Task A_file_that_is_open_to_others_is_refused(string mode, bool taken)
    {
        Write(Good, (UnixFileMode)Convert.ToInt32(mode, 8));

        var result = await FindAsync(Source());

        Assert.Equal(taken ? null : "credentials.open", result.Refusal?.Code);
        if (!taken) Assert.Contains($"mode {mode}); run: chmod 600 {Path}", result.Refusal!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("600", true)]
    [InlineData("644", false)]
    public async Task A_link_is_judged_by_what_it_leads_to(string mode, bool taken)
    {
        Write(Good, (UnixFileMode)Convert.ToInt32(mode, 8));
        File.Move(Path, _directory.File("real"));
        File.CreateSymbolicLink(Path, _directory.File("real"));

        Assert.Equal(taken ? null : "credentials.open", (await FindAsync(Source())).Refusal?.Code);
    }

    [Theory]
    [InlineData("", "it is not JSON from line 1 on")]
    [InlineData("{\n\"password\": \"" + Password + "\",\n" + Password + "\n}", "it is not JSON from line 3 on")]
    [InlineData("{\"password\":\"" + Password + "\",\"password\":\"" + Password + "\"}", "names a field twice")]
    [InlineData("[\"" + Password + "\"]", "it is not a JSON object")]
    [InlineData("{\"password\":\"\\ud800" + Password + "\"}", "not Unicode")]
    [InlineData("{\"password\":\"" + Password + "\"}", "host is missing; username is missing; port is missing")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\"}", "password is missing")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\",\"password\":\"\"}", "password is not a text, or empty")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\",\"password\":[\"" + Password + "\"]}", "password is not a text, or empty")]
    [InlineData("{\"host\":\"h\",\"port\":0,\"username\":\"u\",\"password\":\"" + Password + "\"}", "port is not a number from 1 to 65535")]
    [InlineData("{\"host\":\"h\",\"port\":65536,\"username\":\"u\",\"password\":\"" + Password + "\"}", "port is not a number from 1 to 65535")]
    [InlineData("{\"host\":\"h\",\"port\":\"" + Password + "\",\"username\":\"u\",\"password\":\"" + Password + "\"}", "port is not a number from 1 to 65535")]
    [InlineData("{\"host\":\"a,b " + Password + "\",\"port\":1,\"username\":\"u\",\"password\":\"" + Password + "\"}", "host is not the name or address of one host")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\",\"password\":\"p\",\"sslmode\":\"" + Password + "\"}", "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\",\"password\":\"p\",\"require_auth\":\"" + Password + "\"}", "require_auth is neither scram-sha-256 nor any")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\",\"password\":\"p\",\"readers\":[\"r:1\",\"" + Password + "\"]}", "readers[1] is not host:port")]
    [InlineData("{\"host\":\"h\",\"port\":1,\"username\":\"u\",\"password\":\"p\",\"readers\":\"" + Password + "\"}", "readers is not a list")]
    public async Task A_file_that_cannot_be_understood_is_refused_without_showing_any_of_it(string content, string words)
    {
        Write(content);

        var refusal = (await FindAsync(Source())).Refusal!;

        Assert.Equal("credentials.malformed", refusal.Code);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("orders-prod", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", refusal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_does_not_exist_is_a_refusal_that_says_where_it_belongs()
    {
        var refusal = (await FindAsync(Source())).Refusal!;

        Assert.Equal("credentials.missing", refusal.Code);
        Assert.Contains(Path, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_in_place_of_the_file_is_a_refusal()
    {
        Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Equal("credentials.unreadable", (await FindAsync(Source())).Refusal?.Code);
    }

    [Theory]
    [InlineData(29, false, Password)]
    [InlineData(30, false, "changed")]
    [InlineData(0, true, "changed")]
    public async Task What_was_read_counts_for_30_seconds_unless_it_is_asked_for_anew(int seconds, bool fresh, string password)
    {
        var source = Source();
        Write(Good);
        await FindAsync(source);
        Write(Good.Replace(Password, "changed", StringComparison.Ordinal));
        _clock.Advance(TimeSpan.FromSeconds(seconds));

        Assert.Equal(password, (await FindAsync(source, fresh)).Value.Password.Reveal());
    }

    [Fact]
    public async Task A_refusal_is_not_remembered_and_what_was_known_before_is_forgotten()
    {
        var source = Source();
        Write(Good);
        await FindAsync(source);
        Write("{");

        Assert.NotNull((await FindAsync(source, fresh: true)).Refusal);
        Assert.NotNull((await FindAsync(source)).Refusal);
        Write(Good);
        Assert.Null((await FindAsync(source)).Refusal);
    }

    public void Dispose() => _directory.Dispose();

    private FileAdminCredentials Source() => new(_directory.Path, _clock);

    private static Task<Result<AdminCredential>> FindAsync(FileAdminCredentials source, bool fresh = false) =>
        source.FindAsync(Cluster, fresh, TestContext.Current.CancellationToken);

    private void Write(string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        File.WriteAllText(Path, content);
        File.SetUnixFileMode(Path, mode);
    }
}
