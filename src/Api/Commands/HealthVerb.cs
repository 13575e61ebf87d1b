using System.CommandLine;

namespace DbAccess.Api.Commands;

/// <summary><c>health</c>: needs no setting, so that it also works in a shell beside the service.</summary>
internal static class HealthVerb
{
    private const string Live = "http://127.0.0.1:5081/health/live";

    public static VerbCommand Describe()
    {
        var address = Takes.OptionalWord("address", $"On this machine; {Live} when none is given.");
        return new VerbCommand("health", "Is a serving process up? For containers without curl.",
                read => new Verb.Health(Local(read.GetValue(address) ?? Live)!), address)
            .Where(said => said.Said(address) is { } other && Local(other) is null
                ? $"health asks this machine only, for example http://127.0.0.1:5081/health/ready; not '{other}'." : null);
    }

    private static Uri? Local(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback ? uri : null;

    public static async Task<int> RunAsync(Verb.Health health)
    {
        // No proxy: it is this machine that is asked, whatever the environment says about the way out.
        using var http =
            new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using var response = await http.GetAsync(health.Address);
            var words = await response.Content.ReadAsStringAsync();
            if (response.IsSuccessStatusCode)
            {
                Console.WriteLine(words);
                return ExitCode.Success;
            }

            await Console.Error.WriteLineAsync($"{health.Address} answered {(int)response.StatusCode}: {words}");
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"{health.Address} did not answer: {failure.Message}");
        }

        return ExitCode.Failure;
    }
}
