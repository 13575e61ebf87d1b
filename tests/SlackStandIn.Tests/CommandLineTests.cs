namespace DbAccess.SlackStandIn.Tests;

public sealed class CommandLineTests
{
    private static string? Secrets(string name) => name.StartsWith("STANDIN_", StringComparison.Ordinal) ? "from-" + name : null;

    [Fact]
    public void Secrets_come_from_the_environment_or_from_files()
    {
        var options = CommandLine.Read(["--port", "8080", "--app", "http://127.0.0.1:5081"], Secrets);

        Assert.Equal(8080, options.Port);
        Assert.Equal(5081, options.AppUrl!.Port);
        Assert.Equal("from-STANDIN_SIGNING_SECRET", options.SigningSecret);
        Assert.Equal("from-STANDIN_BOT_TOKEN", options.BotToken);
    }

    [Theory]
    [InlineData("--port", "x")]
    [InlineData("--port", "65536")]
    [InlineData("--app", "http://192.0.2.1:80")]
    [InlineData("--app", "ftp://127.0.0.1")]
    [InlineData("--bot-token", "xoxb-given-in-the-open")]
    [InlineData("--seed", "/no/such/file")]
    [InlineData("--seed")]
    public void Wrong_arguments_are_refused(params string[] arguments) =>
        Assert.Throws<FormatException>(() => CommandLine.Read(arguments, Secrets));

    [Fact]
    public void Without_a_secret_there_is_no_start() => Assert.Throws<FormatException>(() => CommandLine.Read([], _ => null));

    [Theory]
    [InlineData("{")]
    [InlineData("""{"team":{"id":"T1","name":"n","domain":"d"},"users":[]}""")]
    [InlineData("""{"team":{"id":"T1","name":"n","domain":"d"},"app":{"id":"A1","name":"n","bot_user_id":"U1","bot_id":"B1","bot_name":"b"},"users":[],"colour":"red"}""")]
    [InlineData("""{"team":{"id":"T1","name":"n","domain":"d"},"app":{"id":"A1","name":"n","bot_user_id":"U1","bot_id":"B1","bot_name":"b"},"users":[{"id":"U1","name":"x"}]}""")]
    [InlineData("""{"team":{"id":"T1","name":"n","domain":"d"},"app":{"id":"A1","name":"n","bot_user_id":"U1","bot_id":"B1","bot_name":"b"},"users":[],"channels":[{"id":"C1","name":"c","members":["U9"]}]}""")]
    public void A_bad_seed_is_refused(string seed) => Assert.Throws<FormatException>(() => Seed.Parse(seed));
}
