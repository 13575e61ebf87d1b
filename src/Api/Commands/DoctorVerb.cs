using System.CommandLine;
using DbAccess.Api.Operations;
using DbAccess.Application.Databases;
using DbAccess.Application.Ports;
using MediatR;

namespace DbAccess.Api.Commands;

/// <summary><c>doctor</c>: can everything be reached, and may the administrators do what is needed?</summary>
internal static class DoctorVerb
{
    public static VerbCommand Describe()
    {
        var json = Takes.Flag("--json", "For programs.");
        return new VerbCommand("doctor", "Can everything be reached, may the administrators do what is needed? One line for each check, " +
            "with the statement that mends it; exit code 1 when one fails.", read => new Verb.Doctor(read.GetValue(json)), json);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.Doctor doctor)
    {
        await using var scope = services.CreateAsyncScope();
        var examination = (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ExamineClusters())).Value;
        if (doctor.Json) Console.WriteLine(DoctorText.AsJson(examination));
        else foreach (var line in DoctorText.Lines(examination)) Console.WriteLine(line);
        return examination.Health is Health.Fail ? ExitCode.Failure : ExitCode.Success;
    }
}
