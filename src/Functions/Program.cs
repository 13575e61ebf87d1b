using DbAccess.Api.Lambda;
using DbAccess.Application;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.Infrastructure.Evidence;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.S3;
using DbAccess.Infrastructure.Scheduling;
using DbAccess.Infrastructure.Seals;
using DbAccess.Infrastructure.Slack;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Functions;

/// <summary>
/// The functions alone, so small that they can be compiled ahead of time: <c>bootstrap lambda create-db-user</c>, or the handler's name in
/// <c>_HANDLER</c>, as Lambda starts a package. The same use cases as everywhere, on the systems that there are in AWS.
/// </summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var name = args is ["lambda", var verb] ? verb : args is [] ? Environment.GetEnvironmentVariable("_HANDLER") : null;
        if (LambdaMain.Parse(name) is { } function) return await LambdaMain.RunAsync(function, Compose, OpenAsync);

        await Console.Error.WriteLineAsync(
            "Usage: bootstrap lambda create-db-user | bootstrap lambda expire-db-users; without arguments _HANDLER names the function.");
        return 2;
    }

    private static IReadOnlyList<string> Compose(IServiceCollection services, IConfiguration configuration)
    {
        var settings = new Settings(configuration, S3Registration.SecretAt);
        services.AddApplication(settings.Installation());
        // A file would be of no use here: a function keeps nothing.
        settings.Choice("Grants:Store", "DynamoDb", ["DynamoDb"]);
        services.AddDynamoDb(settings);
        services.AddPolicyAndCredentials(settings, orWithout: true);
        services.AddSeal(settings, hosted: false, orWithout: true);
        services.AddPostgres(settings);
        services.AddSlack(settings);
        services.AddEvidence(settings, keepsFiles: false);
        services.AddSteps();
        return settings.Faults;
    }

    private static async Task<string?> OpenAsync(IServiceProvider services)
    {
        try
        {
            await services.GetRequiredService<IStoreSetup>().OpenAsync(CancellationToken.None);
            return null;
        }
        catch (StoreException failure)
        {
            return failure.Message;
        }
    }
}
