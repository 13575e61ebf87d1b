using System.Text.RegularExpressions;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using DbAccess.Application.Ports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Lambda;

internal static partial class LambdaRegistration
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Settings: <c>Provisioning:Lambda:Function</c> (name, name:alias or ARN). Region, endpoint and keys come from AWS's own environment
    /// (<c>AWS_REGION</c>, <c>AWS_ENDPOINT_URL_LAMBDA</c> or <c>AWS_ENDPOINT_URL</c>, the credential chain of the SDK).
    /// </summary>
    public static void AddLambdaDispatcher(this IServiceCollection services, Settings settings)
    {
        var function = settings.Required("Provisioning:Lambda:Function");
        if (function.Length > 0 && !FunctionShape().IsMatch(function))
            settings.Fault($"Provisioning:Lambda:Function is '{function}'; it must be a function's name, name:alias, or ARN.");
        // An ARN says the region itself, and the function may be in another one.
        var region = function.StartsWith("arn:", StringComparison.Ordinal)
            ? function.Split(':')[3] : settings.Optional("AWS_REGION", settings.Optional("AWS_DEFAULT_REGION", ""));
        if (!RegionShape().IsMatch(region))
            settings.Fault("AWS_REGION is missing or is no region's name: Provisioning:Mode=Lambda needs it.");
        var zone = region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : "amazonaws.com";
        var fallback = $"https://lambda.{(RegionShape().IsMatch(region) ? region : "us-east-1")}.{zone}";
        var key = settings.Optional("AWS_ENDPOINT_URL_LAMBDA", "").Length > 0 ? "AWS_ENDPOINT_URL_LAMBDA" : "AWS_ENDPOINT_URL";
        var options = new LambdaOptions(function, region, settings.Address(key, fallback));

        services.AddSingleton(provider => new LambdaGrantDispatcher(
            new FunctionInvoker(
                new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false,
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout },
                options,
                CredentialsAsync,
                provider.GetRequiredService<TimeProvider>()),
            provider.GetRequiredService<IGrantStore>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<LambdaGrantDispatcher>>()));
        services.AddSingleton<IGrantDispatcher>(provider => provider.GetRequiredService<LambdaGrantDispatcher>());
        services.AddHostedService(provider => provider.GetRequiredService<LambdaGrantDispatcher>());
    }

    [GeneratedRegex("^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FunctionShape();

    [GeneratedRegex("^[a-z]{2}(-[a-z]+)+-[0-9]$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RegionShape();

    /// <summary>The SDK's chain (environment, container, instance, web identity); it caches and renews by itself.</summary>
    private static async Task<ImmutableCredentials> CredentialsAsync(CancellationToken cancellationToken)
    {
        var credentials = await DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return await credentials.GetCredentialsAsync();
    }
}
