using System.Text.Encodings.Web;
using System.Text.Json;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Operations;

/// <summary>A privilege plan on the command line: lines for people, one object for machines.</summary>
internal static class PlanText
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IEnumerable<string> Lines(PrivilegePlan plan) => plan.Print().Select(DoctorText.OneLine);

    public static string AsJson(PrivilegePlan plan) => JsonSerializer.Serialize(
        new { hash = plan.Hash, summary = plan.Summary, scope = plan.Scope.Value, runAs = plan.RunAs, objects = plan.Objects,
            later = plan.Later, everybody = plan.Public, remarks = plan.Remarks }, Json);
}
