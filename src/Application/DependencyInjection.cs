using System.Diagnostics.CodeAnalysis;
using DbAccess.Application.Approvals;
using DbAccess.Application.Databases;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Pipeline;
using DbAccess.Application.Policies;
using DbAccess.Application.Presets;
using DbAccess.Application.Principals;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using FluentValidation;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DbAccess.Application;

public static class DependencyInjection
{
    private static readonly Type[] Scanned = [typeof(IRequestHandler<,>), typeof(IValidator<>)];

    // The functions are compiled ahead of time; their project keeps this assembly whole, so that what the scan looks for is there.
    private const string KeptWhole = "src/Functions roots this assembly.";

    /// <summary>
    /// The use cases. MediatR 5.1.0 has no registration of its own; a move to a newer one changes this method and the behaviours'
    /// signatures.
    /// </summary>
    public static IServiceCollection AddApplication(
        this IServiceCollection services, Installation installation, GrantLimits? limits = null)
    {
        services.AddSingleton(installation);
        // The functions file nothing.
        services.AddSingleton(limits ?? new GrantLimits(int.MaxValue));
        services.AddTransient<ServiceFactory>(provider => provider.GetRequiredService);
        services.AddTransient<IMediator, Mediator>();
        services.AddPipeline();
        services.AddHandlersAndValidators();

        // Who makes nothing that could be shown asks all the same.
        services.TryAddSingleton(new RevealTerms(Within: null));

        services.AddSingleton<LateRecords>();
        services.AddSingleton<ToldPlans>();
        services.AddSingleton<LogWatch>();
        services.AddTransient<KeptPolicies>();
        services.AddTransient<OpenFindings>();
        services.AddSingleton<SessionLooks>();
        services.AddTransient<PresetShelf>();
        services.AddTransient<ConnectMemory>();
        services.AddTransient<Membership>();
        services.AddSingleton<GroupHealth>();
        services.AddTransient<RequestJudge>();
        services.AddTransient<PersonalLimits>();
        services.AddTransient<TableCheck>();
        services.AddTransient<GrantSeal>();
        services.AddTransient<GrantWarrant>();
        services.AddTransient<Revokers>();
        services.AddTransient<Deciders>();
        services.AddTransient<Deciding>();
        services.AddTransient<Administrators>();
        services.AddTransient<DroppedDecisions>();
        services.AddTransient<GrantAsking>();
        services.AddTransient<GrantCards>();
        services.AddSingleton<ClusterPlaces>();
        services.AddSingleton<StepPauses>();
        services.AddTransient<GrantSteps>();
        services.AddTransient<GrantGiving>();
        services.AddTransient<GrantPasswords>();
        services.AddTransient<PasswordAsking>();
        services.AddTransient<GrantRemoving>();
        services.AddTransient<GrantTelling>();
        services.AddTransient<RoleReconciler>();
        services.AddSingleton<ReconcileMemory>();
        services.AddSingleton<LiveCatalog>();
        services.AddTransient<OfferedScopes>();
        return services;
    }

    /// <summary>In order, outermost first. An invalid attempt is still an attempt, so audit comes before validation.</summary>
    private static void AddPipeline(this IServiceCollection services)
    {
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(LoggingBehavior<,>));
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(AuditBehavior<,>));
        services.AddTransient(typeof(IPipelineBehavior<,>), typeof(ValidationBehavior<,>));
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = KeptWhole)]
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = KeptWhole)]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = KeptWhole)]
    private static void AddHandlersAndValidators(this IServiceCollection services)
    {
        foreach (var type in typeof(DependencyInjection)
            .Assembly.DefinedTypes.Where(type => type is { IsAbstract: false, IsGenericTypeDefinition: false }))
        {
            foreach (var contract in type.GetInterfaces()
                .Where(contract => contract.IsGenericType && Scanned.Contains(contract.GetGenericTypeDefinition())))
            {
                // Validators build their rules when they are constructed, so one of each is enough.
                if (contract.GetGenericTypeDefinition() == typeof(IValidator<>)) services.AddSingleton(contract, type);
                else services.AddTransient(contract, type);
            }
        }
    }
}
