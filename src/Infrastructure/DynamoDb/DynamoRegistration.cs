using System.Text.RegularExpressions;
using Amazon.DynamoDBv2;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.Seals;
using DbAccess.Infrastructure.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>Grants, accepted requests and the evidence log in one DynamoDB table.</summary>
public static partial class DynamoRegistration
{
    /// <summary>
    /// Registers the stores. <c>Grants:DynamoDb:Table</c> names the table (default <c>dbaccess-grants</c>); region, endpoint and
    /// credentials come from the standard AWS environment. A <see cref="TimeProvider"/> has to be registered.
    /// </summary>
    public static IServiceCollection AddDynamoDb(this IServiceCollection services, Settings settings)
    {
        var name = settings.Optional("Grants:DynamoDb:Table", "dbaccess-grants");
        if (!TableName().IsMatch(name))
            settings.Fault($"Grants:DynamoDb:Table is '{name}'; it must be 3 to 255 letters, digits, '.', '_' or '-'.");

        services.AddSingleton<IAmazonDynamoDB>(_ => AwsClients.Create(() => new AmazonDynamoDBClient(AwsClients.DynamoDb())));
        services.AddSingleton(
            provider => new DynamoTable(provider.GetRequiredService<IAmazonDynamoDB>(), name, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<DynamoTexts>();
        services.AddSingleton<IStoreSetup>(provider => provider.GetRequiredService<DynamoTable>());
        services.AddSingleton<UnreadableGrants>();
        services.AddSingleton<UnreadableRequests>();
        services.AddSingleton<DynamoGrantStore>();
        services.AddSingleton<IGrantStore>(provider => provider.GetRequiredService<DynamoGrantStore>());
        services.AddSingleton<IGrantRetention>(provider => provider.GetRequiredService<DynamoGrantStore>());
        services.AddSealedInbox<DynamoInbox>();
        services.AddSingleton<DynamoEvidenceLog>();
        // Each costs half a read unit.
        services.AddSingleton(new EvidenceTerms(WatchedAtOnce: 500));
        services.AddSingleton<IAuditTrail>(provider => provider.GetRequiredService<DynamoEvidenceLog>());
        services.AddSingleton<IEvidenceLog>(provider => provider.GetRequiredService<DynamoEvidenceLog>());
        return services;
    }

    [GeneratedRegex("^[A-Za-z0-9_.-]{3,255}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex TableName();
}
