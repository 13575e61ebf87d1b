using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Desk;

/// <summary>Asks for the name that a request is kept under. Pure.</summary>
internal static class PresetForm
{
    public const string Kind = PresetActions.Keep;
    public const string Name = "name";

    public static ChatForm Draw(GrantSnapshot grant, string? channel) => new(
        Kind, "Keep as a preset", "Keep", $"{grant.Id}\n{channel}",
        [
            new ChatPart.Text($"{GrantWords.ScopeOf(grant.Scope)} on {grant.Target.Name} for {Durations.Write(grant.Duration)}."),
            new ChatPart.Text($"Why: {GrantWords.Plain(grant.Reason, 300)}"),
            new ChatPart.Note("One press on the app's Home tab then asks for it, with this reason. The policy decides each time."),
        ],
        [
            new FormField.Text(Name, "Name", "What had that name before is replaced.", null, Multiline: false, MinLength: 1,
                Preset.LongestName),
        ]);

    /// <summary>What is wrong with what was filled in, by field; empty when nothing is.</summary>
    public static IReadOnlyDictionary<string, string> Faults(FilledForm form) => Fault(form.Field(Name)) is { } fault
        ? new Dictionary<string, string>(StringComparer.Ordinal) { [Name] = fault }
        : new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>What is wrong with a name; null when nothing is.</summary>
    public static string? Fault(string name) => name.Length is > 0 and <= Preset.LongestName && !name.Any(char.IsControl)
        ? null : $"A name is 1 to {Preset.LongestName} characters on one line.";
}
