using DbAccess.Application.Ports;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.TestKit.Fakes;

public static class FakeEvidence
{
    /// <summary>An evidence log that remembers, for whoever records and whoever reads.</summary>
    public static IServiceCollection AddFakeEvidence(this IServiceCollection services, InMemoryEvidenceLog? log = null)
    {
        log ??= new InMemoryEvidenceLog();
        return services.AddSingleton<IAuditTrail>(log).AddSingleton<IEvidenceLog>(log);
    }
}
