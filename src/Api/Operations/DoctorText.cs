using System.Text.Encodings.Web;
using System.Text.Json;
using DbAccess.Application.Databases;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Operations;

/// <summary>
/// What <c>doctor</c> prints: for people one line per check and, under it, what mends it; for machines the same as JSON. Pure.
/// </summary>
internal static class DoctorText
{
    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IEnumerable<string> Lines(Examination examination)
    {
        var width = examination.Checks.Select(check => check.About.Length).DefaultIfEmpty(0).Max();
        foreach (var check in examination.Checks)
        {
            yield return $"{Word(check.Health),-5} {check.About.PadRight(width)}  {check.Name}: {OneLine(check.What)}";
            if (check is { Health: not Health.Ok, Mend: { } mend }) yield return $"      {new string(' ', width)}  → {OneLine(mend)}";
        }

        int Count(Health health) => examination.Checks.Count(check => check.Health == health);
        yield return $"{Count(Health.Ok)} ok, {Count(Health.Warn)} warn, {Count(Health.Fail)} fail";
    }

    public static string AsJson(Examination examination) => JsonSerializer.Serialize(
        new
        {
            outcome = Word(examination.Health),
            checks = examination.Checks.Select(check =>
                new
                {
                    about = check.About, check = check.Name, outcome = Word(check.Health), what = check.What, mend = check.Mend,
                    remedy = check.Remedy is { } remedy
                        ? new { who = remedy.Who, where = remedy.Where, statements = remedy.Statements } : null,
                }),
        },
        Json);

    private static string Word(Health health) => health.ToString().ToLowerInvariant();

    /// <summary>
    /// Names come from other people's databases; a line break or an escape sequence in one must not make a line of its own.
    /// </summary>
    internal static string OneLine(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
