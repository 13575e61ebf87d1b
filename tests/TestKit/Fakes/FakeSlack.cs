using DbAccess.Application.Ports;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.TestKit.Fakes;

/// <summary>Everything that people see, in memory.</summary>
public static class FakeSlack
{
    public static IServiceCollection AddFakeSlack(
        this IServiceCollection services, FakeChat? chat = null, FakeForms? forms = null, FakeCards? cards = null, FakeHome? home = null) => services
            .AddSingleton<IChat>(chat ?? new FakeChat())
            .AddSingleton<IForms>(forms ?? new FakeForms())
            .AddSingleton<ICards>(cards ?? new FakeCards())
            .AddSingleton<IHome>(home ?? new FakeHome());
}
